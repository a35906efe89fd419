"""What every endpoint for partners has in common: who, what, how often, and that it is noted (R55)."""

import logging
import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pghistory
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
from cps_portal.core.partners import actions as partners
from cps_portal.core.partners.models import Partner
from cps_portal.core.rest.access import Access, HasScope, PartnerAuthentication
from cps_portal.core.rest.errors import TooLarge, problem
from cps_portal.core.rest.parsers import StrictJSONParser, length_of

logger = logging.getLogger("cps_portal.api")
MINUTE = 60
MAX_BYTES = 64 * 1024
NOTICE = timedelta(days=180)  # at least so long what is to go is announced before
GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True)
class Deprecation:
    """Since when an endpoint should not be used any more, from when it is gone, and what to read (RFC 9745, 8594)."""

    since: datetime
    sunset: datetime
    link: str

    def __post_init__(self) -> None:
        if self.sunset - self.since < NOTICE:
            raise ValueError(f"partners are told {NOTICE.days} days before")


class PartnerView(APIView):
    """An endpoint for partners. `request.auth` is the Access; a subclass names the scope its methods need."""

    authentication_classes = [PartnerAuthentication]
    permission_classes = [HasScope]
    parser_classes = [StrictJSONParser]
    renderer_classes = [JSONRenderer]
    throttle_classes = []
    http_method_names = ["get", "head", "post", "patch", "delete"]  # what `Allow` names beside those there are
    metadata_class = None
    max_bytes: ClassVar[int] = MAX_BYTES
    scope: ClassVar[str] = ""
    scopes: ClassVar[Mapping[str, str]] = {}  # where the methods differ
    deprecation: ClassVar[Deprecation | None] = None

    request_id = ""
    began = 0.0
    left: tuple[int, int] | None = None

    def scope_for(self, method: str | None) -> str:
        return self.scopes.get(method or "", self.scope)

    @property
    def partner(self) -> Partner:
        return self.access.partner

    @property
    def access(self) -> Access:
        assert isinstance(self.request.auth, Access)  # noqa: S101 (or it would not have come this far)
        return self.request.auth

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.began = time.perf_counter()
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        self.request_id = given if GIVEN_ID.fullmatch(given) else uuid.uuid4().hex
        return super().dispatch(request, *args, **kwargs)

    def perform_authentication(self, request: Request) -> None:
        super().perform_authentication(request)
        if isinstance(request.auth, Access):
            self._count(request.auth)
            if request.method not in SAFE_METHODS:
                pghistory.context(partner=request.auth.partner.slug, credential=request.auth.credential.pk)
        if length_of(request._request) > self.max_bytes:
            raise TooLarge(f"Send at most {self.max_bytes // 1024} KiB.")

    def _count(self, access: Access) -> None:
        """Not more than the credential's requests a minute. While nobody counts everybody is let through."""
        rate = access.credential.rate
        found = buffered_counts.count(f"rate:{access.credential.pk}", seconds=MINUTE)
        if found is None:
            return
        count, seconds = found
        self.left = (max(rate - count, 0), seconds)
        if count > rate:
            raise exceptions.Throttled(wait=seconds)

    def handle_exception(self, exc: Exception) -> Any:
        try:
            return super().handle_exception(exc)
        except Exception as defect:
            got_request_exception.send(sender=type(self), request=self.request._request)
            logger.exception("request %s failed", self.request_id, exc_info=defect)
            return problem(500, "internal", f"This is our fault. Tell us the request id {self.request_id}.")

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        answer = super().finalize_response(request, response, *args, **kwargs)
        answer["X-Request-ID"] = self.request_id
        answer.headers.setdefault("Cache-Control", "private, no-cache")
        access = getattr(request, "_auth", None)
        if isinstance(access, Access):
            if self.left:
                answer["RateLimit-Policy"] = f'"minute";q={access.credential.rate};w={MINUTE}'
                answer["RateLimit"] = f'"minute";r={self.left[0]};t={self.left[1]}'
            self._note(access, answer)
        if self.deprecation:
            answer["Deprecation"] = f"@{int(self.deprecation.since.timestamp())}"
            answer["Sunset"] = http_date(self.deprecation.sunset.timestamp())
            answer["Link"] = f'<{self.deprecation.link}>; rel="deprecation"'
        return answer

    def _note(self, access: Access, answer: HttpResponse) -> None:
        took = int((time.perf_counter() - self.began) * 1000)
        path = self.request.path[:300].replace("\x00", "")
        code = getattr(answer, "problem_code", "")
        logger.info(
            "%s %s %s %s %s ms %s", access.partner.slug, self.request.method, path, answer.status_code, took, code
        )
        partners.log_call(
            {
                "credential_id": access.credential.pk,
                "at": timezone.now(),
                "request_id": self._own_id(),
                "method": self.request.method,
                "path": path,
                "status": answer.status_code,
                "code": code,
                "took_ms": took,
                "address": access.address,
            }
        )

    def _own_id(self) -> str:
        """The partner may send the same id twice; the log keeps both requests."""
        given = self.request.META.get("HTTP_X_REQUEST_ID")
        return f"{self.request_id[:31]}-{uuid.uuid4().hex}" if given == self.request_id else self.request_id


@csrf_exempt
@login_not_required
def no_such_path(_request: HttpRequest, path: str) -> HttpResponse:
    """What is mounted nowhere: a program asks, so it gets no page."""
    return problem(404, "not_found", "There is nothing at this address.")
