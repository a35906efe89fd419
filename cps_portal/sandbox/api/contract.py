"""The sandbox in the OpenAPI document that a sandbox serves: its tag, its examples, and the header for failures."""

from typing import Any

from django.conf import settings

from cps_portal.core.rest.examples import JSON, METHODS
from cps_portal.sandbox.actions.clock import SWEEPS
from cps_portal.sandbox.api.views import TAG
from cps_portal.sandbox.middleware import HEADER, KINDS, LOST
from cps_portal.sandbox.rules import MAGIC_SERIALS, PRODUCT, magic_number

DESCRIPTION = "Only in a sandbox: sample data, a clock that you move, events and failures on demand."
PREFIX = "052021004"
SERIALS = [
    {
        "name": serial.name,
        "product": PRODUCT,
        "serial": magic_number(serial.name, PREFIX) if serial.is_made else serial.number,
        "what": serial.what,
    }
    for serial in MAGIC_SERIALS
]
REQUESTS: dict[str, Any] = {
    "makeSandboxData": {},
    "ageSandboxData": {"days": 28},
    "triggerSandboxEvent": {"type": "ticket.opened"},
}
SAMPLES = {
    "centre": "johannesburg-professional-service-centre",
    "members": [
        {"name": "Ana Sample", "number": "CPS-000047", "level": "gold", "country": "ZA", "card": "882610047319"}
    ],
    "registrations": [
        {
            "product": PRODUCT,
            "serial": f"{PREFIX}202",
            "country": "ZA",
            "purchased_on": "2025-07-18",
            "state": "validated",
        }
    ],
    "serials": SERIALS,
    "tickets": ["3F7K2M9A"],
    "loans": [31],
    "packs": [],
    "cards": [],
    "sales": [],
}
ANSWERS: dict[str, Any] = {
    "getSandboxData": SAMPLES,
    "makeSandboxData": SAMPLES,
    "ageSandboxData": {"days": 28, "tickets": 5, "loans": 2, "packs": 0, "cards": 0, "sweeps": list(SWEEPS)},
    "triggerSandboxEvent": {
        "type": "ticket.opened",
        "real": True,
        "did": "A customer asked for a repair on the website: 3F7K2M9A.",
        "messages": ["ticket-event-1042"],
    },
}
FAIL: dict[str, Any] = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "schema": {"type": "string", "pattern": f"^({'|'.join(KINDS)}|{LOST}|slow(=([1-9]|10))?)$"},
    "description": "Only in a sandbox: answer this request as on a bad day.",
}


def describe_sandbox(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:  # noqa: FBT001
    """Hook of drf-spectacular, the last one."""
    result["tags"].append({"name": TAG, "description": DESCRIPTION})
    # Here, because a field with choices would take the name of the one that endpoints have.
    result["components"]["schemas"]["EventIn"]["properties"]["type"]["enum"] = list(settings.WEBHOOK_TYPES)
    for item in result["paths"].values():
        for method in METHODS:
            operation = item.get(method, {})
            if operation.get("security", [{}]) != [{}]:
                operation.setdefault("parameters", []).append(FAIL)
            name = operation.get("operationId", "")
            if name in REQUESTS:
                operation["requestBody"]["content"][JSON]["example"] = REQUESTS[name]
            if name in ANSWERS:
                operation["responses"]["200"]["content"][JSON]["example"] = ANSWERS[name]
    return result
