"""Failures on demand: with the header `Sandbox-Fail`, a partner's request is answered as on a bad day."""

import re
import time
import uuid
from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from rest_framework import exceptions
from rest_framework.request import Request

from cps_portal.core.lib.logs import current_request_id
from cps_portal.core.rest.access import PartnerAuthentication
from cps_portal.core.rest.errors import problem

HEADER = "Sandbox-Fail"
API = "/api/v1/"
RETRY_AFTER_SECONDS = 2
SLOW = re.compile(r"slow(?:=([1-9]|10))?")
DEFAULT_SLOW_SECONDS = 5
KINDS = {  # what a client sees on a real bad day: status, code and sentence
    "429": (HTTPStatus.TOO_MANY_REQUESTS, "throttled", "Request was throttled. You asked for it."),
    "500": (HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "Something went wrong on our side. You asked for it."),
    "503": (HTTPStatus.SERVICE_UNAVAILABLE, "busy", "Files cannot be taken at the moment. You asked for it."),
}
LOST = "lost"


class FailuresMiddleware:
    """Only for requests with a valid token: nobody else can make the sandbox wait."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        wanted = request.headers.get(HEADER)
        if wanted is None or not request.path.startswith(API) or not _is_partner(request):
            return self.get_response(request)
        if wanted in KINDS:
            return _failure(request, wanted)
        if wanted == LOST:
            self.get_response(request)
            return _failure(request, "500")
        if seconds := SLOW.fullmatch(wanted):
            time.sleep(int(seconds[1] or DEFAULT_SLOW_SECONDS))
            return self.get_response(request)
        detail = f"Send one of {', '.join(KINDS)}, {LOST}, slow, or slow=1 to slow=10 for the seconds."
        return problem(400, "invalid", "Invalid input.", [{"header": HEADER, "code": "invalid", "detail": detail}])


def _is_partner(request: HttpRequest) -> bool:
    try:
        return PartnerAuthentication().authenticate(Request(request)) is not None
    except exceptions.AuthenticationFailed:
        return False  # the view answers that


def _failure(request: HttpRequest, kind: str) -> HttpResponse:
    response = problem(*KINDS[kind])
    response["X-Request-ID"] = request.headers.get("X-Request-ID") or current_request_id() or uuid.uuid4().hex
    if kind in ("429", "503"):
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response
