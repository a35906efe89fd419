"""Examples in the OpenAPI document for every request, response and error, built from the schemas and this table."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from cps_portal.core.rest.errors import CONTENT_TYPE

MOMENT, DAY = "2026-03-02T09:30:00Z", "2026-03-05"
VALUES: Mapping[str, Any] = {
    "accessories": "Strap, body cap",
    "amount": "4200.00",
    "answer": "ok",
    "bytes": 248113,
    "card": "100200300400",
    "carrier": "Sample Post",
    "category": "mirrorless cameras",
    "centre": "johannesburg-professional-service-centre",
    "changed_at": MOMENT,
    "code": "move",
    "condition": "Scratch on the mount",
    "content_type": "image/jpeg",
    "contents": "letter",
    "country": "ZA",
    "currency": "ZAR",
    "detail": "This cannot be recorded now.",
    "email": "visitor@example.org",
    "error": "",
    "external_id": "WS-2026-0017",
    "file": "(the bytes of the photo)",
    "fault": "The shutter sticks in the cold",
    "initials": "AN",
    "key": "opaque-key-of-the-look-up",
    "language": "en",
    "member_number": "100200300400",
    "message": "ticket-event-41",
    "moves": "assessed",
    "mount": "RF",
    "name": "EOS R5 Mark II",
    "net": "4200.00",
    "next": None,
    "note": "The shutter unit has to be replaced.",
    "number": 1,
    "phone": "+27115550100",
    "price": "4200.00",
    "product": "eos-r5-mark-ii",
    "quantity": "1.00",
    "reason": "Maintenance tonight",
    "receipt": "0017",
    "reference": "3F7K2M9A",
    "region": "Americas",
    "secret": "whsec_shown-this-once",
    "sequence": 41,
    "serial": "212345678901",  # no leading zero: YAML 1.2 parsers would read a number
    "slug": "eos-r5-mark-ii",
    "status": 201,
    "subject": "tickets/3F7K2M9A",
    "tax": "630.00",
    "tax_percent": "15.00",
    "text": "Shutter unit",
    "took_ms": 84,
    "total": "4830.00",
    "tracking": "SP 1",
    "tracking_url": "https://post.example.org/SP1",
    "type": "ticket.event",
    "types": "ticket.event",
    "url": "https://partner.example.org/webhooks",
    "valid_until": "2026-03-16",
}
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
FORMAT_EXAMPLES: Mapping[str, Any] = {
    "date-time": MOMENT,
    "date": DAY,
    "decimal": "1.00",
    "uri": "https://example.org/",
    "email": "a@example.org",
}
METHODS = ("get", "post", "put", "patch", "delete")


def add_examples(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:  # noqa: FBT001
    """Hook of drf-spectacular: give each body an example that its schema accepts."""
    for item in result["paths"].values():
        for method in METHODS:
            operation = item.get(method, {})
            for content in operation.get("requestBody", {}).get("content", {}).values():
                content["example"] = _example(content["schema"], "", result)
            for code, response in operation.get("responses", {}).items():
                for kind, content in response.get("content", {}).items():
                    if kind == CONTENT_TYPE:
                        content["example"] = _problem(int(code))
                    elif kind == "application/json":
                        content["example"] = _example(content["schema"], "", result)
    return result


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


def _example(schema: Any, name: str, contract: Any) -> Any:
    schema = _resolved(schema, contract)
    kinds = schema.get("type", [])
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return VALUES[name] if VALUES.get(name) in schema["enum"] else schema["enum"][0]
    if "object" in kinds:
        return {
            field: _example(inner, field, contract)
            for field, inner in schema.get("properties", {}).items()
            if name != "problem" or field != "errors"
        }
    if "array" in kinds:
        return [_example(schema["items"], name, contract)]
    if name == "next":
        return None
    return _plain(schema, kinds, name)


def _plain(schema: Any, kinds: list[str], name: str) -> Any:
    if "boolean" in kinds:
        return False
    value = VALUES.get(name)
    if "integer" in kinds or "number" in kinds:
        return value if isinstance(value, int) else max(schema.get("minimum", 1), 1)
    if "format" in schema and schema["format"] in FORMAT_EXAMPLES:
        return (
            value
            if isinstance(value, str) and schema["format"] in ("uri", "decimal")
            else FORMAT_EXAMPLES[schema["format"]]
        )
    return value if isinstance(value, str) else "text"


def _resolved(schema: Any, contract: Any) -> Any:
    """Follow references; of several alternatives take the first."""
    while True:
        if "$ref" in schema:
            schema = contract["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        elif alternatives := schema.get("allOf") or schema.get("oneOf") or schema.get("anyOf"):
            schema = alternatives[0]
        else:
            return schema
