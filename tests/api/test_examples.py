"""The contract describes every response and shows every operation, error and webhook by an example (R55).

Each example is accepted by its own schema, and all of them tell one story.
"""

import csv
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from django.conf import settings

from cps_portal.core.rest import cast, story
from members.addresses import Address
from servicing.actions.centres import load_centres
from servicing.api.resources import MOVES
from servicing.models import ServiceCentre
from tests.api.committed import read_contract
from tests.rows import each_row

CONTRACT = read_contract()
JSON = "application/json"


def operations() -> Iterator[Any]:
    for paths in (CONTRACT["paths"], CONTRACT["webhooks"]):
        for item in paths.values():
            yield from item.values()


def bodies() -> Iterator[Any]:
    for operation in operations():
        contents = [("body", operation.get("requestBody", {})), *operation["responses"].items()]
        for what, one in contents:
            for kind, content in one.get("content", {}).items():
                if "json" in kind or "form" in kind:
                    yield pytest.param(content, id=f"{operation['operationId']} {what}")


@each_row("content", list(bodies()))
def test_every_body_has_an_example_that_its_schema_accepts(content: Any) -> None:
    schema = {**content["schema"], "components": CONTRACT["components"]}
    jsonschema_rs.validator_for(schema).validate(content["example"])


def test_every_operation_says_what_it_does() -> None:
    found = list(operations())
    assert all(one.get("description") and one.get("summary") for one in found)
    assert len({one["operationId"] for one in found}) == len(found) > 50


def test_every_response_says_what_it_is() -> None:
    empty = [
        f"{one['operationId']} {code}"
        for one in operations()
        for code, response in one["responses"].items()
        if not response["description"].strip().endswith((".", "codes."))
    ]
    assert empty == []


def test_every_parameter_and_server_is_described() -> None:
    unnamed = {
        parameter["name"]
        for one in operations()
        for parameter in one.get("parameters", [])
        if parameter["in"] == "header" and not parameter.get("description")
    }
    assert unnamed == set()
    assert all(server["description"] for server in CONTRACT["servers"])


# --- One story ---------------------------------------------------------------------------------------


def values(inside: Any, name: str = "", owner: str = "") -> Iterator[tuple[str, str, Any]]:
    """Every plain value in the examples, with its field and the field that it is in."""
    if isinstance(inside, dict):
        for key, inner in inside.items():
            yield from values(inner, key, name)
    elif isinstance(inside, list):
        for inner in inside:
            yield from values(inner, name, owner)
    else:
        yield owner, name, inside


def objects(inside: Any) -> Iterator[dict[str, Any]]:
    if isinstance(inside, dict):
        yield inside
        for inner in inside.values():
            yield from objects(inner)
    elif isinstance(inside, list):
        for inner in inside:
            yield from objects(inner)


EXAMPLES = [
    content["example"]
    for operation in operations()
    for one in (operation.get("requestBody", {}), *operation["responses"].values())
    for kind, content in one.get("content", {}).items()
    if "example" in content and "problem" not in kind
]
ALL = [found for example in EXAMPLES for found in objects(example)]


def test_people_have_names_of_people_and_products_those_of_the_catalogue() -> None:
    names: dict[str, set[Any]] = defaultdict(set)
    for example in EXAMPLES:
        for owner, name, value in values(example):
            if name == "name":
                names[owner].add(value)
    assert names["customer"] == {cast.NAME, "Maya Torres"}
    assert names["member"] == {cast.NAME}
    assert names["address"] == {cast.NAME, cast.CENTRE["name"]}
    catalogue = Path(settings.BASE_DIR, "kitbag", "catalogue", "products.csv")
    with catalogue.open(encoding="utf-8") as file:
        rows = {row["slug"]: row for row in csv.DictReader(file)}
    assert names["product"] == {rows[one["slug"]]["name"] for one in (cast.PRODUCT, cast.LENT)}
    shown = story.COMPONENTS["Product"]
    row = rows[shown["slug"]]
    assert (str(shown["released_year"]), shown["category"], shown["mount"]) == (
        row["release_year"],
        row["category"],
        row["mount"],
    )
    assert [str(shown[f"points{stage}"]) for stage in ("", "_superseded", "_unserviceable")] == [
        row[f"points{stage}"] for stage in ("", "_superseded", "_unserviceable")
    ]


def test_no_example_says_nothing() -> None:
    assert not [found for example in EXAMPLES for found in values(example) if found[2] in ("text", "string")]


def test_a_ticket_has_the_moves_of_its_state() -> None:
    tickets = [one for one in ALL if "moves" in one]
    assert len(tickets) > 5
    for ticket in tickets:
        follows = ticket.get("follows") is not None
        assert ticket["moves"] == MOVES[ticket["state"], ticket.get("charge", "open"), follows], ticket["state"]


def test_what_happened_first_is_first() -> None:
    order = ("opened_at", "booked_in_at", "due_at")
    loan = ("reserved_at", "agreed_at", "out_at", "returned_at")
    sale = ("confirmed_at", "matched_at", "withdrawn_at")
    message = ("created_at", "sent_at")
    for one in ALL:
        for fields in (order, loan, sale, message, ("occurred_at", "received_at")):
            moments = [one[field] for field in fields if one.get(field)]
            assert moments == sorted(moments), one
        if "sold_on" in one and "confirmed_at" in one:
            assert one["confirmed_at"].startswith(one["sold_on"])


def test_the_sums_of_an_estimate_are_right() -> None:
    estimates = [one for one in ALL if "total" in one]
    assert estimates
    for one in estimates:
        net = sum(Decimal(line["price"]) * Decimal(line["quantity"]) for line in one["lines"])
        tax = sum(Decimal(line["price"]) * Decimal(line["tax_percent"]) / 100 for line in one["lines"])
        assert [Decimal(one[name]) for name in ("net", "tax", "total")] == [net, tax, net + tax]


def test_a_label_is_written_as_its_country_writes_it() -> None:
    for one in ALL:
        if "sorting_code" in one:
            address = Address(
                one["name"],
                one["country_code"],
                one["street_address"],
                one["city"],
                postal_code=one["postal_code"],
                phone=one["phone"],
            )
            assert address.partner_fields == one


@pytest.mark.django_db
def test_the_centre_is_one_of_ours() -> None:
    load_centres()
    shown = story.COMPONENTS["Centre"]
    centre = ServiceCentre.objects.get(slug=shown["slug"])
    assert (centre.name, centre.city, centre.hours, centre.zone) == (
        shown["name"],
        shown["city"],
        shown["hours"],
        shown["zone"],
    )
    assert (centre.services, centre.shelves) == (shown["services"], shown["shelves"])
