"""What retailers confirm (R19, R31, R55)."""

from datetime import date, timedelta
from typing import Any

import pytest

from cps_portal.core.outbox.models import Message
from cps_portal.core.partners import actions as partners
from cps_portal.core.partners.enums import PartnerKind
from kitbag.actions import registrations
from kitbag.enums import RegistrationState, ReviewReason
from kitbag.models import Registration, Sale
from tests.api.machines import Machine, machine
from tests.factories import details, submitted, validated
from tests.world import JOINED, World

SERIAL = "012345678901"


@pytest.fixture
def till(world: World) -> Machine:
    return machine("shop", PartnerKind.RETAILER)


def sale(world: World, **changes: Any) -> dict[str, Any]:
    said = details(SERIAL)
    facts = {
        "external_id": "R-1",
        "product": world.body.slug,
        "serial": SERIAL,
        "country": said.country,
        "sold_on": str(said.purchased_on),
        "receipt": "2026/17",
    }
    return {**facts, **changes}


def waiting(world: World, reason: ReviewReason = ReviewReason.SAMPLE) -> Registration:
    row = submitted(world.ana, world.body, SERIAL)
    Registration.objects.filter(pk=row.pk).update(review_reason=reason)
    return row


def matched(row: Registration, key: int) -> Registration:
    registrations.match_sale(sale=Sale.objects.get(pk=key), at=JOINED + timedelta(days=900))
    row.refresh_from_db()
    return row


@pytest.mark.parametrize(
    ("reason", "changes", "counts"),
    [
        (ReviewReason.SAMPLE, {}, True),
        (ReviewReason.SHAPE, {}, True),
        (ReviewReason.REFUSALS, {}, True),
        (ReviewReason.ASKED, {}, False),
        (ReviewReason.APPEAL, {}, False),
        (ReviewReason.SAMPLE, {"country": "KE"}, False),
        (ReviewReason.SAMPLE, {"serial": "999999999999"}, False),
        (ReviewReason.SAMPLE, {"sold_on": "2019-05-05"}, False),
    ],
)
def test_a_sale_settles_doubt_and_nothing_else(
    till: Machine, world: World, reason: ReviewReason, changes: dict[str, str], counts: bool
) -> None:
    row = waiting(world, reason)
    answer = till.post("sales", sale(world, **changes))
    if answer.status_code == 201:
        row = matched(row, answer.json()["id"])
    assert (row.state == RegistrationState.VALIDATED) is counts
    assert bool(Sale.objects.filter(registration=row, settled=reason)) is counts


def test_a_sale_that_came_first_is_found_by_the_check(till: Machine, world: World) -> None:
    till.post("sales", sale(world))
    row = submitted(world.ana, world.body, SERIAL)
    Registration.objects.filter(pk=row.pk).update(serial_insisted=True)
    done = registrations.check_registration(registration=row, at=row.submitted_at)
    assert done.state == RegistrationState.VALIDATED
    assert till.get("sales?state=matched").json()["results"][0]["external_id"] == "R-1"


def test_another_holder_weighs_more(till: Machine, world: World) -> None:
    validated(world.ben, world.body, SERIAL)
    row = waiting(world)
    key = till.post("sales", sale(world)).json()["id"]
    assert matched(row, key).state == RegistrationState.SUBMITTED
    assert "ben" not in till.get(f"sales/{key}").content.decode().lower()


def test_the_same_sale_again_is_the_same_and_another_of_the_serial_is_refused(till: Machine, world: World) -> None:
    first = till.post("sales", sale(world))
    again = till.post("sales", sale(world))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    other = machine("other-shop", PartnerKind.RETAILER).post("sales", sale(world))
    assert (other.status_code, other.json()["code"]) == (409, "standing")


def test_what_is_withdrawn_goes_on_counting_until_a_person_says_so(till: Machine, world: World) -> None:
    partners.add_endpoint(partner=till.partner, url="https://shop.example.org/", by=None, at=JOINED)
    row = waiting(world)
    key = till.post("sales", sale(world)).json()["id"]
    matched(row, key)
    answer = till.post(f"sales/{key}/withdraw", {"why": "returned"})
    assert answer.json()["state"] == "withdrawn"
    row.refresh_from_db()
    assert row.state == RegistrationState.VALIDATED
    told = Message.objects.filter(payload__subject=f"sales/{key}").order_by("pk")
    assert [(one.payload["type"], one.payload["sequence"]) for one in told] == [
        ("sale.matched", 1),
        ("sale.withdrawn", 2),
    ]
    assert till.post("sales", sale(world, external_id="R-2")).status_code == 201  # it may be sold again


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"sold_on": str(date(2999, 1, 1))}, 409, "/sold_on"),
        ({"serial": "---"}, 409, "/serial"),
        ({"product": "no-such-product"}, 409, "/product"),
        ({"product": "battery-test"}, 409, "/product"),
        ({"country": "XX"}, 400, "/country"),
        ({"receipt": ""}, 400, "/receipt"),
        ({"state": "matched"}, 400, "/state"),
    ],
)
def test_nonsense_is_named_by_its_field(
    till: Machine, world: World, changes: dict[str, str], status: int, field: str
) -> None:
    answer = till.post("sales", sale(world, **changes))
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (status, field)


def test_many_at_once_each_for_itself(till: Machine, world: World) -> None:
    many = [sale(world), sale(world, external_id="R-2", receipt="2026/18"), sale(world, external_id="R-3", serial="012345678902")]
    answer = till.post("sales/batch", {"sales": many})
    assert [one["status"] for one in answer.json()["results"]] == [201, 409, 201]
    assert Sale.objects.count() == 2


def test_a_shop_sees_its_own_sales_only(till: Machine, world: World) -> None:
    key = till.post("sales", sale(world)).json()["id"]
    other = machine("other-shop", PartnerKind.RETAILER)
    assert other.get("sales").json()["results"] == []
    assert other.get(f"sales/{key}").status_code == 404
    assert other.post(f"sales/{key}/withdraw", {"why": "mistake"}).status_code == 404
