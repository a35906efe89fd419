"""Where partners fetch their tokens, and give them back (RFC 6749, 7009). Errors look as those documents say."""

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from oauth2_provider.views import RevokeTokenView, TokenView

from cps_portal.core.lib.throttle import client_address, is_throttled
from cps_portal.core.partners.models.credentials import ADDRESS

FORM = "application/x-www-form-urlencoded"


class _Door:
    """What is checked before the library reads anything."""

    http_method_names = ["post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "POST":
            if is_throttled(request, scope="token", limit=settings.TOKEN_LIMIT):
                answer = JsonResponse(
                    {"error": "slow_down", "error_description": "Keep the token you have."}, status=429
                )
                answer["Retry-After"] = str(settings.TOKEN_LIMIT[1])
                return answer
            if request.content_type != FORM or any("\x00" in value for value in request.POST.values()):
                words = f"Send a body of the type {FORM}."
                return JsonResponse({"error": "invalid_request", "error_description": words}, status=400)
            request.META[ADDRESS] = client_address(request)
        answer = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        answer.headers.setdefault("Cache-Control", "no-store")
        return answer  # type: ignore[no-any-return]


@method_decorator([csrf_exempt, login_not_required], name="dispatch")
class FetchTokenView(_Door, TokenView):  # type: ignore[misc]
    """Client credentials, by HTTP Basic or in the body."""


@method_decorator([csrf_exempt, login_not_required], name="dispatch")
class GiveBackTokenView(_Door, RevokeTokenView):  # type: ignore[misc]
    """A token that is not needed any more."""
