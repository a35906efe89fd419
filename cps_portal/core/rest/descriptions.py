"""What each error status means, for the description of every response in the OpenAPI document."""

from collections.abc import Mapping
from typing import Any

from rest_framework.parsers import MultiPartParser

from cps_portal.core.rest.views import MAX_BYTES

ERRORS: Mapping[str, str] = {
    "400": "Something in the request cannot be read or breaks a rule of its form. `errors` points to each place.",
    "401": "There is no token, or it is not valid any more. Fetch a new one.",
    "403": "The credential lacks the scope.",
    "404": "There is no such thing, or it belongs to another partner.",
    "406": "`Accept` names no format of this API. Successful responses are `application/json`.",
    "409": "A rule refuses it. `code` names the rule, `detail` says what to do; the guide lists all codes.",
    "412": "Somebody else has changed it since the version in `If-Match`. Read it again.",
    "413": "The body is too large.",
    "415": "The body has another content type than this operation reads.",
    "422": "This Idempotency-Key was used for a different request. Use a new one.",
    "429": "More requests in a minute than allowed. Try again after the seconds in `Retry-After`.",
    "503": "Files cannot be taken at the moment. Try again after the seconds in `Retry-After`, with the same key.",
    "507": "Our storage is full, and nothing was written. Try again later, with the same key.",
}

PATH_PARAMETERS: Mapping[str, str] = {
    "reference": "The reference, eight characters. Small letters, blanks and hyphens are read as well.",
    "id": "The `id` from a list or from the response that created it.",
    "message": "The `id` of the message, not its webhook-id.",
    "slug": "The slug, such as `eos-r5-mark-ii`.",
}


def complete(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:  # noqa: FBT001
    """Hook of drf-spectacular: describe path parameters, and move defaults to where they are valid."""
    for item in result["paths"].values():
        for operation in item.values():
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "path":
                    parameter.setdefault("description", PATH_PARAMETERS[parameter["name"]])
    for component in result["components"]["schemas"].values():
        for schema in component.get("properties", {}).values():
            for alternative in schema.get("oneOf", []):
                if "default" in alternative:  # that of the field: "" is no address, which this alternative wants
                    schema["default"] = alternative.pop("default")
    return result


def describe_error(status: str, view: Any, method: str) -> str:
    """The meaning of an error status of this operation; "" for a status that is no error."""
    scope = view.scope_for(method) if hasattr(view, "scope_for") else ""
    if status == "401" and not hasattr(view, "scope_for"):
        return "The signature is not valid, or there is no such object. Both have the same response."
    if status == "403" and scope:
        return f"The credential lacks the scope `{scope}`."
    if status == "409" and hasattr(getattr(view, method.lower(), None), "idempotency_key_required"):
        return f"{ERRORS['409']} `running`: the first request with this Idempotency-Key has not finished."
    if status == "413":
        return f"The body is larger than {_size(getattr(view, 'max_bytes', MAX_BYTES))}."
    if status == "415":
        is_form = any(issubclass(parser, MultiPartParser) for parser in view.parser_classes)
        return f"The body is not `{'multipart/form-data' if is_form else 'application/json'}`."
    return ERRORS.get(status, "")


def _size(count: int) -> str:
    kibibytes = count // 1024
    return f"{kibibytes // 1024} MiB" if kibibytes >= 1024 else f"{kibibytes} KiB"
