"""What all endpoints have in common in the OpenAPI document: headers, errors, tokens."""

import re
from typing import Any, Literal

from django.core.validators import RegexValidator
from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, inline_serializer
from rest_framework import serializers

from cps_portal.core.partners.enums import Scope
from cps_portal.core.rest.descriptions import describe_error
from cps_portal.core.rest.errors import CONTENT_TYPE
from cps_portal.core.rest.fields import StrictSerializer
from cps_portal.core.rest.idempotency import HEADER, KEY
from cps_portal.core.rest.views import PartnerView

ALWAYS = ("400", "401", "403", "406", "429")
WITH_BODY = ("413", "415")
NOT_BLANK = r"[^\s\x1c-\x1f\x85]"  # a character that str.strip() would not remove
EXACT_KEYS = {"pattern", "format", "enum"}


class FaultSerializer(serializers.Serializer[Any]):
    """An error in the body (`pointer`, RFC 6901), the query string or a header."""

    pointer = serializers.CharField(required=False)
    parameter = serializers.CharField(required=False)
    header = serializers.CharField(required=False)
    code = serializers.CharField()
    detail = serializers.CharField()


class ProblemSerializer(serializers.Serializer[dict[str, Any]]):
    """An error. `code` is stable, `detail` is a sentence for people, `errors` are the fields at fault."""

    type = serializers.CharField(help_text="Always about:blank; use `code` to distinguish errors.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField()
    detail = serializers.CharField()
    errors: Any = FaultSerializer(many=True, required=False)


class WarningSerializer(serializers.Serializer[Any]):
    """What was taken although it looks wrong. `code` is stable, `detail` is a sentence for people."""

    code = serializers.CharField()
    detail = serializers.CharField()


class TagSerializer(serializers.Serializer[Any]):
    """Nothing: the partner has it already."""


def described(content: Any, description: str) -> OpenApiResponse:
    """A response of extend_schema with this content, and one sentence that says what it is."""
    return OpenApiResponse(content, description=description)


NOT_MODIFIED = described(None, "It has not changed since the version in `If-None-Match`. There is no body.")


def problem_responses(*codes: int) -> dict[tuple[int, str], Any]:
    """`responses` of extend_schema for these statuses, besides those that PartnerSchema adds."""
    return {(code, CONTENT_TYPE): ProblemSerializer for code in codes}


def page_schema(row: type[serializers.Serializer[Any]], name: str) -> Any:
    """The response of a list of these rows."""
    return inline_serializer(
        name,
        {
            "results": row(many=True),
            "next": serializers.CharField(
                allow_null=True, help_text="`cursor` of the next page; null on the last page."
            ),
        },
    )


def header(name: str, description: str, *, pattern: str = "", required: bool = False) -> OpenApiParameter:
    return OpenApiParameter(
        name,
        OpenApiTypes.STR,
        OpenApiParameter.HEADER,
        required=required,
        description=description,
        pattern=pattern or None,
    )


IF_MATCH = header("If-Match", "The ETag of the version you know. If it has changed since, you get 412.")
IF_NONE_MATCH = header("If-None-Match", "The ETag of the version you have. If it is unchanged, you get 304.")


class StrictExtension(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """StrictSerializer refuses unknown fields, so the schema does not allow them either."""

    target_class = StrictSerializer
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: Literal["request", "response"]) -> dict[str, Any]:
        schema: dict[str, Any] = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return {**schema, "additionalProperties": False}


class PartnerSchema(AutoSchema):
    """Adds the headers and errors that PartnerView and `idempotent` give to every endpoint."""

    def get_summary(self) -> str:
        """The operationId in words: `listTickets` becomes “List tickets”."""
        return str(super().get_summary() or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", self.get_operation_id()).capitalize())

    def get_override_parameters(self) -> list[Any]:
        parameters = list(super().get_override_parameters())
        if not isinstance(self.view, PartnerView):
            return parameters
        handler = getattr(self.view, self.method.lower(), None)
        required = getattr(handler, "idempotency_key_required", None)
        if required is not None:
            description = "A unique key that you choose. The same request with it gets the same response for 24 hours."
            parameters.append(header(HEADER, description, pattern=f"^{KEY.pattern}$", required=required))
        return parameters

    def _get_response_bodies(self, direction: Literal["request", "response"] = "response") -> dict[str, Any]:
        responses: dict[str, Any] = super()._get_response_bodies(direction)
        if not isinstance(self.view, PartnerView):
            return responses
        codes = list(ALWAYS)
        if self.method in ("POST", "PUT", "PATCH"):
            codes += WITH_BODY
        if hasattr(getattr(self.view, self.method.lower(), None), "idempotency_key_required"):
            codes += ["409", "422"]
        if self.path.count("{"):
            codes.append("404")
        for code in codes:
            if code not in responses:
                responses[code] = self._get_response_for_code(ProblemSerializer, code, [CONTENT_TYPE], direction)
        return dict(sorted(responses.items()))

    def _get_response_for_code(
        self, serializer: Any, status_code: str, media_types: Any = None, direction: Any = "response"
    ) -> dict[str, Any]:
        """Errors are described by their status, everything else where it is declared."""
        response: dict[str, Any] = super()._get_response_for_code(  # type: ignore[no-untyped-call]
            serializer, status_code, media_types, direction
        )
        response["description"] = response["description"] or describe_error(status_code, self.view, self.method)
        return response

    def _map_serializer_field(self, field: Any, direction: Any, bypass_extensions: bool = False) -> Any:  # noqa: FBT001, FBT002
        """Describe requests as strictly as they are validated: text that is not blank, decimals with a digit."""
        schema = super()._map_serializer_field(  # type: ignore[no-untyped-call]
            field, direction, bypass_extensions
        )
        if direction != "request" or not schema:
            return schema
        if isinstance(field, serializers.DecimalField):
            return {**schema, "pattern": _decimal_pattern(field)}
        if isinstance(field, serializers.CharField) and not field.allow_blank and schema.keys().isdisjoint(EXACT_KEYS):
            has_pattern = any(isinstance(validator, RegexValidator) for validator in field.validators)
            return schema if has_pattern else {**schema, "pattern": NOT_BLANK}
        return schema

    def is_deprecated(self) -> bool:
        return bool(getattr(self.view, "deprecation", None)) or bool(super().is_deprecated())


def _decimal_pattern(field: serializers.DecimalField) -> str:
    sign = "" if field.min_value is not None and field.min_value >= 0 else "-?"
    places = f"\\d{{1,{field.decimal_places}}}"
    return f"^{sign}(\\d{{1,{field.max_whole_digits}}}(\\.{places})?|\\.{places})$"


FORM = "application/x-www-form-urlencoded"
TEXT = {"type": "string"}
OAUTH_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": TEXT, "error_description": TEXT},
}


def _form(required: list[str], properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "required": True,
        "content": {
            FORM: {
                "schema": {
                    "type": "object",
                    "required": required,
                    "properties": properties,
                }
            }
        },
    }


def _json(description: str, schema: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema or OAUTH_ERROR}}}


def add_tokens(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:  # noqa: FBT001
    """Hook of drf-spectacular: add the two OAuth endpoints, whose views belong to django-oauth-toolkit."""
    secret = {"client_id": TEXT, "client_secret": {"type": "string", "format": "password"}}
    errors = {
        "400": _json("The request is refused. `error` says why (RFC 6749)."),
        "401": _json("The client is unknown, or its secret is wrong."),
        "429": _json("Too many requests. Keep the token you have; try again after `Retry-After` seconds."),
    }
    token = {
        "type": "object",
        "required": ["access_token", "expires_in", "token_type", "scope"],
        "properties": {
            "access_token": TEXT,
            "expires_in": {"type": "integer"},
            "token_type": {"const": "Bearer"},
            "scope": TEXT,
        },
    }
    scope = {
        "type": "string",
        "description": f"Some of: {' '.join(Scope.values)}. By default all scopes of the credential.",
    }
    result["paths"]["/api/v1/oauth/token"] = {
        "post": {
            "operationId": "fetchToken",
            "summary": "Fetch a token",
            "description": "Client credentials, in the body or by HTTP Basic. A token is valid for an hour: reuse it.",
            "tags": ["Tokens"],
            "security": [{}],
            "requestBody": _form(
                ["grant_type"], {"grant_type": {"const": "client_credentials"}, **secret, "scope": scope}
            ),
            "responses": {"200": _json("The token, valid for an hour.", token), **errors},
        }
    }
    result["paths"]["/api/v1/oauth/revoke"] = {
        "post": {
            "operationId": "revokeToken",
            "summary": "Revoke a token",
            "description": "Ends a token before its hour is over. An unknown one has the same response (RFC 7009).",
            "tags": ["Tokens"],
            "security": [{}],
            "requestBody": _form(["token"], {"token": TEXT, **secret}),
            "responses": {"200": {"description": "The token is not valid any more."}, **errors},
        }
    }
    return result
