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
from tests.factories import details, draft, submitted, validated
from tests.rows import each_row
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


@each_row(
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


@each_row(
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


@each_row(
    ("serial", "code"),
    [
        ("4549292199055", "serial_ean"),
        ("٤٥٤٩٢٩٢١٩٩٠٥٥", "serial_ean"),
        ("14549292037690", "serial_ean"),
        ("3.3216E+11", "serial_shortened"),
        ("3,3216E+11", "serial_shortened"),
        ("5014C002", "serial_item_code"),
        ("356938035643809", "serial_imei"),
        ("+27 82 123 4567", "serial_phone"),
        ("EOS R Test", "serial_model"),
        ("UR0902", "serial_date_code"),
        ("111111111111", "serial_made_up"),
        ("O12345678901", "serial_letters"),
        ("8471*62", "serial_signs"),
        ("123", "serial_short"),
        ("0420310018472233", "serial_long"),
        ("\u200b", "serial_empty"),
    ],
)
def test_what_is_no_serial_number_is_refused_with_its_code(till: Machine, world: World, serial: str, code: str) -> None:
    """The same findings as on the member's form (R29)."""
    answer = till.post("sales", sale(world, serial=serial))
    assert answer.status_code in (400, 409)
    if answer.status_code == 409:
        assert (answer.json()["code"], answer.json()["errors"][0]["pointer"]) == (code, "/serial")
    assert not Sale.objects.exists()


def test_an_unusual_serial_number_is_taken_with_a_warning(till: Machine, world: World) -> None:
    taken = till.post("sales", sale(world, serial="58214"))
    assert taken.status_code == 201
    (warning,) = taken.json()["warnings"]
    assert warning["code"] == "serial_shape"
    assert "Compare it with the product" in warning["detail"]
    again = till.post("sales", sale(world, serial="58214"))
    assert (again.status_code, again.json()["warnings"]) == (200, [warning])
    usual = till.post("sales", sale(world, serial="012345678905", external_id="R-9"))
    assert (usual.status_code, usual.json()["warnings"]) == (201, [])


@each_row(
    "again",
    [
        {},
        {"external_id": "R-2"},
        {"serial": "S/N 0123-4567-8901"},
        {"serial": "\u200e٠١٢٣٤٥٦٧٨٩٠١", "external_id": "R-3"},
        {"receipt": " 2026/17 "},
    ],
)
def test_the_same_sale_again_is_the_first_one(till: Machine, world: World, again: dict[str, str]) -> None:
    """By its number or by all its details, with another idempotency key."""
    first = till.post("sales", sale(world), key="a")
    second = till.post("sales", sale(world, **again), key="b")
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()


@each_row(
    ("again", "code", "field"),
    [
        ({"sold_on": "2023-09-13"}, "differs", "/external_id"),
        ({"receipt": "18"}, "differs", "/external_id"),
        ({"country": "KE"}, "differs", "/external_id"),
        ({"serial": "012345678902"}, "differs", "/external_id"),
        ({"external_id": "R-2", "receipt": "18"}, "standing", "/serial"),
        ({"external_id": "R-2", "sold_on": "2023-09-13"}, "standing", "/serial"),
        ({"external_id": "R-2", "country": "KE"}, "standing", "/serial"),
    ],
)
def test_a_sale_with_other_details_is_refused_with_what_to_do(
    till: Machine, world: World, again: dict[str, str], code: str, field: str
) -> None:
    till.post("sales", sale(world), key="a")
    answer = till.post("sales", sale(world, **again), key="b")
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["errors"][0]["pointer"]) == (409, code, field)
    assert "ithdraw" in problem["detail"]
    assert Sale.objects.count() == 1


def test_a_sale_before_the_release_is_refused(till: Machine, world: World) -> None:
    """R66, and the month of the release is not before it."""
    world.body.released_year, world.body.released_month = 2023, 9
    world.body.save()
    early = till.post("sales", sale(world, sold_on="2023-08-31"))
    assert (early.status_code, early.json()["code"]) == (409, "before_release")
    assert "came out in September 2023" in early.json()["detail"]
    assert till.post("sales", sale(world, sold_on="2023-09-01")).status_code == 201


def test_a_sale_in_the_month_of_the_release_settles_an_early_date_of_the_member(till: Machine, world: World) -> None:
    """The retailer's own date is evidence; only one at most a week away from the member's matches (R66)."""
    world.body.released_year, world.body.released_month = 2023, 9
    world.body.save()
    typed = details(SERIAL, purchased_on=date(2023, 8, 30))
    row = draft(world.ana, world.body)
    registrations.submit_registration(
        registration=row, details=typed, insisted=False, date_insisted=True, at=JOINED + timedelta(days=30)
    )
    row = registrations.check_registration(registration=row, at=JOINED + timedelta(days=30))
    assert row.review_reason == ReviewReason.DATE
    key = till.post("sales", sale(world, sold_on="2023-09-02")).json()["id"]
    assert matched(row, key).state == RegistrationState.VALIDATED


def test_many_at_once_each_for_itself(till: Machine, world: World) -> None:
    many = [
        sale(world),
        sale(world, external_id="R-2", receipt="2026/18"),
        sale(world, external_id="R-3", serial="012345678902"),
    ]
    answer = till.post("sales/batch", {"sales": many})
    assert [one["status"] for one in answer.json()["results"]] == [201, 409, 201]
    assert Sale.objects.count() == 2


def test_a_shop_sees_its_own_sales_only(till: Machine, world: World) -> None:
    key = till.post("sales", sale(world)).json()["id"]
    other = machine("other-shop", PartnerKind.RETAILER)
    assert other.get("sales").json()["results"] == []
    assert other.get(f"sales/{key}").status_code == 404
    assert other.post(f"sales/{key}/withdraw", {"why": "mistake"}).status_code == 404
