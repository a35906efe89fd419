"""The endpoints where partners fetch and revoke tokens (RFC 6749, 7009). Errors have the form of those RFCs."""

import json
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from oauth2_provider.views import RevokeTokenView, TokenView

from cps_portal.core.lib.throttle import client_address, is_throttled
from cps_portal.core.partners.models.credentials import ADDRESS
from cps_portal.core.rest.errors import OAUTH_ADVICE

FORM = "application/x-www-form-urlencoded"


class _TokenEndpoint:
    """Checks before django-oauth-toolkit reads the request."""

    http_method_names = ["post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "POST":
            if is_throttled(request, scope="token", limit=settings.TOKEN_LIMIT):
                response = JsonResponse(
                    {"error": "slow_down", "error_description": "Keep the token you have."}, status=429
                )
                response["Retry-After"] = str(settings.TOKEN_LIMIT[1])
                return response
            if request.content_type != FORM or any("\x00" in value for value in request.POST.values()):
                description = f"Send a body of the type {FORM}."
                return JsonResponse({"error": "invalid_request", "error_description": description}, status=400)
            request.META[ADDRESS] = client_address(request)
        response = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        if response.status_code in (400, 401):
            _add_advice(response)
        response.headers.setdefault("Cache-Control", "no-store")
        return response  # type: ignore[no-any-return]


def _add_advice(response: HttpResponse) -> None:
    said = json.loads(response.content)
    if said.get("error") in OAUTH_ADVICE:
        response.content = json.dumps({"error_description": OAUTH_ADVICE[said["error"]], **said})


@method_decorator([csrf_exempt, login_not_required], name="dispatch")
class FetchTokenView(_TokenEndpoint, TokenView):  # type: ignore[misc]
    """Client credentials, by HTTP Basic or in the body."""


@method_decorator([csrf_exempt, login_not_required], name="dispatch")
class RevokePartnerTokenView(_TokenEndpoint, RevokeTokenView):  # type: ignore[misc]
    """Revokes a token before it expires."""
