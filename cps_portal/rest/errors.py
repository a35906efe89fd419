"""Every error of the API as `application/problem+json` (RFC 9457) with a stable code."""

from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, JsonResponse
from rest_framework import exceptions, serializers, status
from rest_framework.views import exception_handler

from cps_portal.lib.errors import Refusal

CONTENT_TYPE = "application/problem+json"


class ProblemSerializer(serializers.Serializer[dict[str, Any]]):
    """An error: `code` is stable, `detail` is the sentence for a person, `errors` the fields at fault."""

    type = serializers.CharField(help_text="Always about:blank: `code` tells the kinds apart.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField()
    detail = serializers.CharField()
    errors = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField()), required=False
    )


def problem_response(exc: Exception, context: dict[str, Any]) -> JsonResponse | None:
    """Answer for an exception; None leaves what is no answer but a defect to Django."""
    if isinstance(exc, Refusal):
        errors = {exc.field: [str(exc.message)]} if exc.field else None
        return _problem(status.HTTP_409_CONFLICT, exc.code, str(exc.message), errors)
    if isinstance(exc, Http404):
        exc = exceptions.NotFound()
    elif isinstance(exc, PermissionDenied):
        exc = exceptions.PermissionDenied()
    answer = exception_handler(exc, context)
    if answer is None or not isinstance(exc, exceptions.APIException):
        return None
    if isinstance(exc, exceptions.ValidationError) and isinstance(exc.detail, dict):
        problem = _problem(answer.status_code, "invalid", str(exc.default_detail), exc.detail)
    else:
        problem = _problem(answer.status_code, exc.default_code, str(exc.detail))
    for header in ("WWW-Authenticate", "Retry-After"):
        if header in answer:
            problem[header] = answer[header]
    return problem


def _problem(code: int, reason: str, detail: str, errors: dict[str, Any] | None = None) -> JsonResponse:
    data: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(code).phrase,
        "status": code,
        "code": reason,
        "detail": detail,
    }
    if errors:
        data["errors"] = errors
    # No renderer is asked: also a door that speaks YAML or HTML says no in this form.
    return JsonResponse(data, status=code, content_type=CONTENT_TYPE)
