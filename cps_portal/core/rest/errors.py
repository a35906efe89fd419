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


class BadQuery(exceptions.ValidationError):
    """What is wrong with the query string: `detail` by the name of the parameter."""

    where = "parameter"


class BadHeader(exceptions.ValidationError):
    where = "header"


class TooLarge(exceptions.APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "Send less at once."
    default_code = "too_large"


class PreconditionFailed(exceptions.APIException):
    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_detail = "It has changed since you read it. Read it again."
    default_code = "changed"


def problem_response(exc: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """Answer for an exception; None leaves what is no answer but a defect to Django."""
    if isinstance(exc, Refusal):
        errors = [_fault(f"/{exc.field.replace('.', '/')}", exc.code, exc.message)] if exc.field else None
        return problem(status.HTTP_409_CONFLICT, exc.code, str(exc.message), errors)
    if isinstance(exc, Http404):
        exc = exceptions.NotFound()
    elif isinstance(exc, PermissionDenied):
        exc = exceptions.PermissionDenied()
    answer = exception_handler(exc, dict(context))
    if answer is None or not isinstance(exc, exceptions.APIException):
        return None
    if isinstance(exc, exceptions.ValidationError):
        found = problem(answer.status_code, "invalid", str(exc.default_detail), list(_faults(exc)))
    else:
        code = exc.get_codes()
        found = problem(answer.status_code, code if isinstance(code, str) else exc.default_code, str(exc.detail))
    for header in HEADERS:
        if header in answer:
            found[header] = answer[header]
    return found


def problem_of(exc: Exception) -> dict[str, Any]:
    """The same as a part of another answer."""
    found = problem_response(exc, {})
    if found is None:
        raise exc
    said: dict[str, Any] = orjson.loads(found.content)
    return said


def problem(code: int, reason: str, detail: str, errors: Sequence[Mapping[str, str]] | None = None) -> HttpResponse:
    """The answer itself: also a door that speaks YAML or HTML says no in this form."""
    data: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(code).phrase,
        "status": code,
        "code": reason,
        "detail": detail,
    }
    if errors:
        data["errors"] = errors
    answer = HttpResponse(orjson.dumps(data), status=code, content_type=CONTENT_TYPE)
    answer.problem_code = reason  # type: ignore[attr-defined]
    return answer


def _faults(exc: exceptions.ValidationError) -> Iterator[dict[str, str]]:
    """One entry a fault: where it is, its code, and the sentence."""
    where = getattr(exc, "where", "pointer")
    for path, detail in _leaves(exc.detail):
        parts = [part for part in path if part != "non_field_errors"]
        place = "/".join(parts) if where != "pointer" else "".join(f"/{_escaped(part)}" for part in parts)
        yield _fault(place, str(getattr(detail, "code", "invalid")), detail, where)


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


def _fault(place: str, code: str, detail: object, where: str = "pointer") -> dict[str, str]:
    return {where: place, "code": code, "detail": str(detail)}


def _escaped(part: str) -> str:
    """As JSON Pointer (RFC 6901) wants it."""
    return part.replace("~", "~0").replace("/", "~1")
