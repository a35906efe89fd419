"""Every field and parameter of every operation, with what attackers send: refused or harmless, never an error (R55)."""

import json
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test.client import encode_multipart

from cps_portal.core.partners.enums import PartnerKind
from servicing.models import Ticket, TicketEvent
from tests.api.committed import read_contract
from tests.api.machines import FILES, Machine, machine
from tests.servicing.jobs import a_centre, a_request
from tests.world import World

CONTRACT = read_contract()
KINDS = {"Fulfilment": PartnerKind.FULFILMENT, "Sales": PartnerKind.RETAILER}
pytestmark = pytest.mark.schema
HOSTILE: list[Any] = [
    "' or '1'='1",
    "1; drop table members_member; --",
    "\x00",
    "\ud800",
    "x" * 20_000,
    "%s%(x)s{0}",
    "../../etc/passwd",
    {"$gt": ""},
    [[]],
    -1,
    10**30,
    True,
    None,
    1e308,
]
WORDS = ["'", "%00", "9" * 40, "1;--", "x" * 5000, "-1", "%ED%A0%80", "a&a=b"]
EXTRA = {"state": "closed", "partner": 1, "partner_id": 1, "centre_id": 1, "is_staff": True, "id": 1, "pk": 1}
OPERATIONS = [
    (path.removeprefix("/api/v1/"), method, operation)
    for path, item in CONTRACT["paths"].items()
    for method, operation in item.items()
    if operation["operationId"] not in ("fetchToken", "revokeToken", "reportOnWelcomePack")
]


def whole(schema: Any) -> Any:
    while "$ref" in schema or len(schema.get("allOf", [])) == 1:
        schema = (
            schema["allOf"][0]
            if "allOf" in schema
            else (CONTRACT["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
        )
    return schema


def sample(schema: Any) -> Any:
    """Something of the right form, if not of the right meaning."""
    schema = whole(schema)
    if "enum" in schema:
        return schema["enum"][0]
    for name in ("oneOf", "anyOf"):
        if name in schema:
            return sample(schema[name][0])
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return {name: sample(one) for name, one in schema.get("properties", {}).items() if not one.get("readOnly")}
    if kind == "array":
        return [sample(schema["items"])]
    forms = {
        "date-time": "2026-03-02T10:00:00Z",
        "date": "2026-03-02",
        "decimal": "1.00",
        "uri": "https://example.org/",
    }
    return {"integer": 1, "boolean": False, "number": 1}.get(kind or "", forms.get(schema.get("format", ""), "abc"))


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [leaf for name, one in value.items() for leaf in [(*path, name), *leaves(one, (*path, name))]]
    if isinstance(value, list):
        return [leaf for n, one in enumerate(value) for leaf in leaves(one, (*path, n))]
    return []


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    found = json.loads(json.dumps(value))
    inner = found
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = new
    return found


def told(one: Machine, method: str, where: str, kind: str, body: Any) -> HttpResponse:
    """As JSON; as a form of plain text if one is wanted, with what is binary as a file."""
    once = {"Idempotency-Key": uuid4().hex}
    if kind != FILES:
        return one.ask(method.upper(), where, body, **once)
    given = {name: str(value).encode("utf-8", "surrogatepass").decode("latin-1") for name, value in body.items()}
    if "file" in given:
        given["file"] = SimpleUploadedFile(given["file"][:90].replace("/", ":") or "x", given["file"].encode("latin-1"))
    return one.ask(method.upper(), where, encode_multipart("a-line", given), f"{FILES}; boundary=a-line", **once)


@pytest.fixture
def world_of_machines(world: World) -> tuple[dict[PartnerKind, Machine], Ticket]:
    found = {kind: machine(f"probe-{kind}", kind) for kind in PartnerKind}
    own = a_request(world, a_centre("own", partner=found[PartnerKind.CENTRE].partner))
    a_request(world, a_centre("strange", partner=machine("stranger").partner), serial="012345678902")
    return found, own


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS, ids=[f"{one[1]} {one[0]}" for one in OPERATIONS])
def test_hostile_values_are_refused_or_harmless(
    path: str, method: str, operation: Any, world_of_machines: tuple[dict[PartnerKind, Machine], Ticket]
) -> None:
    machines, own = world_of_machines
    one = machines[KINDS.get(operation["tags"][0], PartnerKind.CENTRE)]
    where = path.replace("{reference}", own.reference).replace("{id}", "1").replace("{message}", "1")
    where = where.replace("{slug}", "abc")
    content = operation.get("requestBody", {}).get("content", {})
    if content:
        kind, described = next(iter(content.items()))
        body = sample(described["schema"])
        for leaf in leaves(body):
            for value in HOSTILE:
                answer = told(one, method, where, kind, replaced(body, leaf, value))
                assert answer.status_code < 500, (leaf, value, answer.content)
        answer = told(one, method, where, kind, {**body, **EXTRA})
        assert answer.status_code in ((400, 404) if "{id}" in path else (400,)), answer.content
    for parameter in operation.get("parameters", []):
        for value in WORDS:
            if parameter["in"] == "query":
                answer = one.ask(method.upper(), f"{where}?{parameter['name']}={value}")
                assert answer.status_code < 500, (parameter["name"], value)
    strange = Ticket.objects.exclude(pk=own.pk).get()
    assert (strange.state, TicketEvent.objects.filter(ticket=strange).count()) == ("requested", 1)
