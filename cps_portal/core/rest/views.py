"""Base class of the endpoints for partners: authentication, scopes, rate limit and the log of API calls (R55)."""

import logging
import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.contrib.auth.decorators import login_not_required
from django.core.signals import got_request_exception
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.http import http_date
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions
from rest_framework.permissions import SAFE_METHODS
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from cps_portal.core.lib import buffered_counts
from cps_portal.core.lib.history_context import add_to_history_context
from cps_portal.core.lib.logs import bound_request_id, current_request_id
from cps_portal.core.partners import actions as partners
from cps_portal.core.partners.models import Partner
from cps_portal.core.rest.access import Access, HasScope, PartnerAuthentication
from cps_portal.core.rest.errors import TooLarge, problem
from cps_portal.core.rest.parsers import StrictJSONParser, content_length

logger = logging.getLogger("cps_portal.api")
RATE_WINDOW = 60  # seconds
MAX_BYTES = 64 * 1024
MIN_DEPRECATION_PERIOD = timedelta(days=180)  # between the announcement and the sunset
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True)
class Deprecation:
    """Since when an endpoint is deprecated, when it will be removed, and where to read about it (RFC 9745, 8594)."""

    since: datetime
    sunset: datetime
    link: str

    def __post_init__(self) -> None:
        if self.sunset - self.since < MIN_DEPRECATION_PERIOD:
            raise ValueError(f"the sunset must be at least {MIN_DEPRECATION_PERIOD.days} days after the announcement")


class PartnerView(APIView):
    """An endpoint for partners. `request.auth` is an Access. A subclass sets `scope`, or `scopes` by method."""

    authentication_classes = [PartnerAuthentication]
    permission_classes = [HasScope]
    parser_classes = [StrictJSONParser]
    renderer_classes = [JSONRenderer]
    throttle_classes = []
    http_method_names = ["get", "head", "post", "patch", "delete"]  # those a subclass implements are listed in `Allow`
    metadata_class = None
    max_bytes: ClassVar[int] = MAX_BYTES
    scope: ClassVar[str] = ""
    scopes: ClassVar[Mapping[str, str]] = {}
    deprecation: ClassVar[Deprecation | None] = None

    request_id = ""
    started_at = 0.0
    rate_left: tuple[int, int] | None = None  # requests, and seconds to the end of the window

    def scope_for(self, method: str | None) -> str:
        return self.scopes.get(method or "", self.scope)

    @property
    def partner(self) -> Partner:
        return self.access.partner

    @property
    def access(self) -> Access:
        assert isinstance(self.request.auth, Access)  # noqa: S101 (HasScope has checked it)
        return self.request.auth

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.started_at = time.perf_counter()
        sent_id = request.META.get("HTTP_X_REQUEST_ID", "")
        self.request_id = sent_id if REQUEST_ID.fullmatch(sent_id) else current_request_id() or uuid.uuid4().hex
        with bound_request_id(self.request_id):
            return super().dispatch(request, *args, **kwargs)

    def perform_authentication(self, request: Request) -> None:
        super().perform_authentication(request)
        if isinstance(request.auth, Access):
            self._check_rate(request.auth)
            if request.method not in SAFE_METHODS:
                add_to_history_context(partner=request.auth.partner.slug, credential=request.auth.credential.pk)
        if content_length(request._request) > self.max_bytes:
            raise TooLarge(f"Send at most {self.max_bytes // 1024} KiB.")

    def _check_rate(self, access: Access) -> None:
        """Count the request. Raises Throttled above the rate of the credential. Without Redis there is no limit."""
        rate = access.credential.rate
        counted = buffered_counts.count(f"rate:{access.credential.pk}", seconds=RATE_WINDOW)
        if counted is None:
            return
        count, seconds = counted
        self.rate_left = (max(rate - count, 0), seconds)
        if count > rate:
            raise exceptions.Throttled(wait=seconds)

    def handle_exception(self, exc: Exception) -> Any:
        try:
            return super().handle_exception(exc)
        except Exception as bug:
            got_request_exception.send(sender=type(self), request=self.request._request)
            logger.exception("request %s failed", self.request_id, exc_info=bug)
            return problem(
                500, "internal", f"Something went wrong on our side. Send us the request id {self.request_id}."
            )

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        final = super().finalize_response(request, response, *args, **kwargs)
        final["X-Request-ID"] = self.request_id
        final.headers.setdefault("Cache-Control", "private, no-cache")
        access = getattr(request, "_auth", None)
        if isinstance(access, Access):
            if self.rate_left:
                final["RateLimit-Policy"] = f'"minute";q={access.credential.rate};w={RATE_WINDOW}'
                final["RateLimit"] = f'"minute";r={self.rate_left[0]};t={self.rate_left[1]}'
            self._log(access, final)
        if self.deprecation:
            final["Deprecation"] = f"@{int(self.deprecation.since.timestamp())}"
            final["Sunset"] = http_date(self.deprecation.sunset.timestamp())
            final["Link"] = f'<{self.deprecation.link}>; rel="deprecation"'
        return final

    def _log(self, access: Access, response: HttpResponse) -> None:
        took = int((time.perf_counter() - self.started_at) * 1000)
        path = self.request.path[:300].replace("\x00", "")
        code = getattr(response, "problem_code", "")
        logger.info(
            "%s %s %s %s %s ms %s", access.partner.slug, self.request.method, path, response.status_code, took, code
        )
        partners.log_call(
            {
                "credential_id": access.credential.pk,
                "at": timezone.now(),
                "request_id": self._unique_request_id(),
                "method": self.request.method,
                "path": path,
                "status": response.status_code,
                "code": code,
                "took_ms": took,
                "address": access.address,
            }
        )

    def _unique_request_id(self) -> str:
        """For the log, whose ids are unique: a partner may send the same X-Request-ID twice."""
        sent_id = self.request.META.get("HTTP_X_REQUEST_ID")
        return f"{self.request_id[:31]}-{uuid.uuid4().hex}" if sent_id == self.request_id else self.request_id


@csrf_exempt
@login_not_required
def no_such_path(_request: HttpRequest, path: str) -> HttpResponse:
    """Any other path of the API: a JSON problem instead of the HTML page for 404."""
    return problem(404, "not_found", "There is nothing at this URL.")
