"""Examples in the OpenAPI document for every request, response, webhook and error: see `story` and this table."""

from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from cps_portal.core.rest import story, story_steps
from cps_portal.core.rest.errors import CONTENT_TYPE, OAUTH_ADVICE

PROBLEMS: Mapping[int, tuple[str, str, list[dict[str, str]]]] = {
    400: (
        "invalid",
        "Invalid input.",
        [{"pointer": "/occurred_at", "code": "naive", "detail": "Add the offset from UTC."}],
    ),
    401: ("token", "This token is not valid, or not any more. Fetch a new one.", []),
    403: ("scope", "This needs the scope tickets:write.", []),
    404: ("not_found", "Not found.", []),
    406: ("not_acceptable", "Could not satisfy the request Accept header.", []),
    409: (
        "move",
        "This cannot be recorded while it is “Requested”.",
        [{"pointer": "/kind", "code": "move", "detail": "Possible now: Accepted, Booked in."}],
    ),
    412: ("changed", "It has changed since you read it. Read it again.", []),
    413: ("too_large", "Send at most 64 KiB.", []),
    415: ("unsupported_media_type", "Unsupported media type “text/plain” in request.", []),
    422: ("idempotency_key_used", "This Idempotency-Key was used for a different request. Use a new one.", []),
    503: ("unreachable", "We can’t accept files at the moment. Try again in a few minutes.", []),
    507: ("full", "Our storage is full. Try again later with the same Idempotency-Key.", []),
    429: ("throttled", "Request was throttled. Expected available in 12 seconds.", []),
}
OAUTH_ERRORS: Mapping[int, dict[str, str]] = {
    400: {"error": "unsupported_grant_type", "error_description": OAUTH_ADVICE["unsupported_grant_type"]},
    401: {"error": "invalid_client", "error_description": OAUTH_ADVICE["invalid_client"]},
    429: {"error": "slow_down", "error_description": "Keep the token you have."},
}
METHODS = ("get", "post", "put", "patch", "delete")
JSON = "application/json"


class NoExample(ValueError):
    """A body has a field that the story does not tell of. Add its component to `story.COMPONENTS`."""


def add_examples(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:  # noqa: FBT001
    """Hook of drf-spectacular: give each body its example. One that the story does not tell of gets none."""
    for item in result["paths"].values():
        for method in METHODS:
            operation = item.get(method, {})
            name = operation.get("operationId", "")
            for content in operation.get("requestBody", {}).get("content", {}).values():
                _tell(content, name, result, story_steps.REQUESTS.get(name, {}))
            for code, response in operation.get("responses", {}).items():
                for kind, content in response.get("content", {}).items():
                    if kind == CONTENT_TYPE:
                        content["example"] = _problem(int(code))
                    elif kind == JSON and int(code) >= HTTPStatus.BAD_REQUEST:
                        content["example"] = OAUTH_ERRORS[int(code)]
                    elif kind == JSON:
                        _tell(content, name, result, story_steps.OPERATIONS.get(name, {}))
    for name, item in result.get("webhooks", {}).items():
        key, subject, sequence, path, at = story_steps.WEBHOOKS[name]
        content = item["post"]["requestBody"]["content"][JSON]
        about = {
            "id": key,
            "type": name,
            "version": 2,
            "occurred_at": "2026-03-02T09:30:00+00:00" if name == "ticket.event" else at,
            "timestamp": at,
            "subject": subject,
            "sequence": sequence,
            "object": f"https://portal.example.org/api/v1/{path}",
        }
        _tell(content, name, result, about)
    return result


def _tell(content: dict[str, Any], where: str, contract: Any, values: Mapping[str, Any]) -> None:
    with suppress(NoExample):
        content["example"] = _example(content["schema"], where, contract, values)


def _problem(status: int) -> dict[str, Any]:
    code, detail, errors = PROBLEMS[status]
    problem: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
    }
    return {**problem, "errors": errors} if errors else problem


def _example(schema: Any, where: str, contract: Any, values: Mapping[str, Any]) -> Any:
    """What the story says of the component, with other `values` for some of its fields; of a list, in its rows."""
    component, schema = _resolved(schema, contract)
    if component in story.COMPONENTS:
        told = story.COMPONENTS[component]
        return {**told, **values} if values else told
    if "const" in schema:
        return schema["const"]
    properties: dict[str, Any] = schema.get("properties", {})
    if "results" in properties:
        return {
            name: None if name == "next" else [_example(inner["items"], where, contract, values)]
            for name, inner in properties.items()
        }
    if properties or schema.get("type") == "object":
        return {
            name: values[name] if name in values else _example(inner, f"{where}.{name}", contract, {})
            for name, inner in properties.items()
        }
    raise NoExample(f"{where}: {component or schema}")


def _resolved(schema: Any, contract: Any) -> tuple[str, Any]:
    """The name of the component, if it is one, and its schema; of several alternatives take the first."""
    name = ""
    while True:
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            schema = contract["components"]["schemas"][name]
        elif alternatives := schema.get("allOf") or schema.get("oneOf") or schema.get("anyOf"):
            schema = alternatives[0]
        else:
            return name, schema
