"""Every error of the API as `application/problem+json` (RFC 9457) with a stable code."""

from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from rest_framework import exceptions, status
from rest_framework.views import exception_handler

from cps_portal.core.lib.errors import Refusal

CONTENT_TYPE = "application/problem+json"
HEADERS = ("WWW-Authenticate", "Retry-After", "Allow")
# What to do, which the library does not say. The same whatever is wrong with a client: a stranger learns nothing.
OAUTH_ADVICE = {
    "invalid_client": "Check the client id and the secret. If they are right, the credential has expired or was "
    "replaced, or it may not be used from your address: ask our staff.",
    "unsupported_grant_type": "Send grant_type=client_credentials.",
    "invalid_scope": "Leave out the scope to get all that the credential has, or ask our staff for what it lacks.",
}


class BadQuery(exceptions.ValidationError):
    """Errors in the query string, by the name of the parameter."""

    location = "parameter"


class BadHeader(exceptions.ValidationError):
    location = "header"


class TooLarge(exceptions.APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "Send less at once."
    default_code = "too_large"


class PreconditionFailed(exceptions.APIException):
    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_detail = "It has changed since you read it. Read it again."
    default_code = "changed"


def problem_response(exc: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """The EXCEPTION_HANDLER of REST framework. Returns None for a bug, which becomes a 500."""
    if isinstance(exc, Refusal):
        errors = [_error(f"/{exc.field.replace('.', '/')}", exc.code, exc.message)] if exc.field else None
        return problem(status.HTTP_409_CONFLICT, exc.code, str(exc.message), errors)
    if isinstance(exc, Http404):
        exc = exceptions.NotFound()
    elif isinstance(exc, PermissionDenied):
        exc = exceptions.PermissionDenied()
    default = exception_handler(exc, dict(context))
    if default is None or not isinstance(exc, exceptions.APIException):
        return None
    if isinstance(exc, exceptions.ValidationError):
        response = problem(default.status_code, "invalid", str(exc.default_detail), list(_errors(exc)))
    else:
        code = exc.get_codes()
        response = problem(default.status_code, code if isinstance(code, str) else exc.default_code, str(exc.detail))
    for header in HEADERS:
        if header in default:
            response[header] = default[header]
    return response


def problem_of(exc: Exception) -> dict[str, Any]:
    """The body of the same problem, as part of a response about several objects."""
    response = problem_response(exc, {})
    if response is None:
        raise exc
    body: dict[str, Any] = orjson.loads(response.content)
    return body


def problem(code: int, reason: str, detail: str, errors: Sequence[Mapping[str, str]] | None = None) -> HttpResponse:
    """A problem response. Not rendered by REST framework, because views that answer YAML or HTML use it, too."""
    data: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(code).phrase,
        "status": code,
        "code": reason,
        "detail": detail,
    }
    if errors:
        data["errors"] = errors
    response = HttpResponse(orjson.dumps(data), status=code, content_type=CONTENT_TYPE)
    response.problem_code = reason  # type: ignore[attr-defined]
    return response


def _errors(exc: exceptions.ValidationError) -> Iterator[dict[str, str]]:
    """One entry for each error: where, code and sentence."""
    location = getattr(exc, "location", "pointer")
    for keys, detail in _leaves(exc.detail):
        parts = [part for part in keys if part != "non_field_errors"]
        path_text = "/".join(parts) if location != "pointer" else "".join(f"/{_escaped(part)}" for part in parts)
        yield _error(path_text, str(getattr(detail, "code", "invalid")), detail, location)


def _leaves(detail: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            yield from _leaves(inner, (*path, str(name)))
    elif isinstance(detail, list):
        for n, inner in enumerate(detail):
            nested = isinstance(inner, Mapping | list)
            yield from _leaves(inner, (*path, str(n)) if nested else path)
    else:
        yield path, detail


def _error(path: str, code: str, detail: object, location: str = "pointer") -> dict[str, str]:
    return {location: path, "code": code, "detail": str(detail)}


def _escaped(part: str) -> str:
    """Escaped for a JSON Pointer (RFC 6901)."""
    return part.replace("~", "~0").replace("/", "~1")
