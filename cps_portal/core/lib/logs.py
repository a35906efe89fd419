"""Log lines as JSON, with the id of the request they belong to, and without what opens something by itself."""

import json
import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from uuid import uuid4

from django.http import HttpRequest, HttpResponse

HEADER = "X-Request-ID"
REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
# Addresses that are secrets: cards, passwords, addresses, accounts to be stopped, cases of visitors, answers to mails.
SECRET_PATHS = re.compile(
    r"(/c/|/accounts/password/reset/key/|/accounts/confirm-email/|/accounts/email/undo/|/accounts/stop/|/unsubscribe/|/contact/case/|/contact/rating/)[^\s\"'?)]+"
)
SECRET_VALUES = re.compile(r"\b((?:\w*_)?(?:token|key|code|password|secret)=)[^\s&\"']+", re.I)
CUT = r"\1[cut]"

logger = logging.getLogger("portal.requests")
_request_id: ContextVar[str] = ContextVar("id of the request", default="")


def current_request_id() -> str:
    """The id of the request that is being answered, or that the running task belongs to; "" if there is none."""
    return _request_id.get()


def bind_request_id(request_id: str) -> None:
    """Let everything that follows carry this id: for workers, which have a signal before and after each task."""
    _request_id.set(request_id)


@contextmanager
def bound_request_id(request_id: str) -> Iterator[None]:
    """Let all log lines and outgoing messages inside carry this id."""
    token = _request_id.set(request_id)
    try:
        yield
    finally:
        _request_id.reset(token)


def cut_secrets(text: str) -> str:
    """The text without the secret part of addresses and without the values of secret parameters."""
    return SECRET_VALUES.sub(CUT, SECRET_PATHS.sub(CUT, text))


class LineFormatter(logging.Formatter):
    """One line for people, without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        return cut_secrets(super().format(record))


class JsonFormatter(logging.Formatter):
    """One JSON object a line, without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": cut_secrets(record.getMessage()),
        }
        if request_id := _request_id.get():
            fields["request_id"] = request_id
        if record.exc_info:
            fields["error"] = cut_secrets(self.formatException(record.exc_info))
        fields |= getattr(record, "fields", {})
        return json.dumps(fields, default=str)


class RequestLogMiddleware:
    """Gives each request an id, which the front server may have chosen, and logs how it was answered."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.monotonic()
        sent = request.headers.get(HEADER, "")
        request_id = sent if REQUEST_ID.fullmatch(sent) else uuid4().hex
        with bound_request_id(request_id):
            response = self.get_response(request)
            response.headers.setdefault(HEADER, request_id)  # the API takes what its partners choose
            match = request.resolver_match
            fields = {
                "method": request.method,
                "view": match.view_name if match else "",
                "status": response.status_code,
                "ms": round(1000 * (time.monotonic() - began)),
            }
            logger.info("answered", extra={"fields": fields})
            return response
