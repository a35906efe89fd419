"""Dates of purchase before the product came out: asked about, then decided by a person (R66)."""

from datetime import UTC, date, datetime

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from cps_portal.core.lib.errors import Refusal
from kitbag.actions import registrations, review
from kitbag.enums import RegistrationState, ReviewReason
from kitbag.models import Product, Registration
from kitbag.presenters.registrations import build_card
from kitbag.presenters.texts import release_sentence
from kitbag.rules import ReleaseDate
from tests.admin.conftest import as_support, staff
from tests.factories import ProductFactory, details, draft
from tests.rows import each_row
from tests.world import World

__all__ = ["as_support", "staff"]
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SERIAL = "200000000009"
INSIST = 'name="date_insisted"'


@each_row(
    ("release", "day", "is_after"),
    [
        (ReleaseDate(2024, 11), date(2019, 3, 1), True),
        (ReleaseDate(2024, 11), date(2024, 10, 31), True),
        (ReleaseDate(2024, 11), date(2024, 11, 1), False),
        (ReleaseDate(2024, 11), date(2024, 11, 30), False),
        (ReleaseDate(2024, 11), date(2025, 1, 1), False),
        (ReleaseDate(2024, 1), date(2023, 12, 31), True),
        (ReleaseDate(2024, 12), date(2024, 12, 1), False),
        (ReleaseDate(2024), date(2023, 12, 31), True),
        (ReleaseDate(2024), date(2024, 1, 1), False),
        (ReleaseDate(2001, approximate=True), date(1998, 1, 1), False),
        (ReleaseDate(2001, approximate=True), date(1997, 12, 31), True),
        (ReleaseDate(2001, 6, approximate=True), date(2001, 1, 1), False),
        (ReleaseDate(2027, 1), date(2026, 12, 31), True),
        (ReleaseDate(), date(1933, 1, 1), False),
        (ReleaseDate(None, 5), date(1933, 1, 1), False),
    ],
)
def test_a_purchase_is_compared_with_what_is_known_of_the_release(
    release: ReleaseDate, day: date, *, is_after: bool
) -> None:
    assert release.is_after(day) is is_after


@each_row(
    ("facts", "sentence"),
    [
        ({"released_year": 2024, "released_month": 11}, "The EOS X came out in November 2024. Check the year."),
        ({"released_year": 2024}, "The EOS X came out in 2024. Check the year."),
        ({"released_year": 2001, "released_about": True}, "The EOS X came out around 2001. Check the year."),
        ({"released_year": 2027, "released_month": 5}, "The EOS X comes out in May 2027. Check the date."),
        ({"released_year": 2026, "released_month": 3}, "The EOS X came out in March 2026. Check the year."),
    ],
)
def test_the_sentence_tells_when_it_came_out(facts: dict[str, int], sentence: str) -> None:
    assert release_sentence(Product(name="EOS X", **facts), on=NOW.date()) == sentence  # type: ignore[arg-type]


@pytest.fixture
def row(world: World) -> Registration:
    world.body.released_year, world.body.released_month = 2024, 11
    world.body.save()
    return draft(world.ben, world.body, NOW)


def submit(row: Registration, day: date, *, insisted: bool = False) -> Registration:
    typed = details(SERIAL, purchased_on=day)
    row = registrations.submit_registration(
        registration=row, details=typed, insisted=False, date_insisted=insisted, at=NOW
    )
    return registrations.check_registration(registration=row, at=NOW)


def test_an_early_date_is_refused_beside_the_date_until_the_member_insists(row: Registration) -> None:
    with pytest.raises(Refusal, match="came out in November 2024") as refusal:
        submit(row, date(2019, 3, 1))
    assert (refusal.value.code, refusal.value.field) == ("before_release", "purchased_on")
    row = submit(row, date(2019, 3, 1), insisted=True)
    assert (row.state, row.review_reason, row.date_insisted) == ("submitted", ReviewReason.DATE, True)


def test_from_the_month_of_the_release_on_it_counts_by_itself(row: Registration) -> None:
    done = submit(row, date(2024, 11, 1), insisted=True)
    assert (done.state, done.date_insisted) == (RegistrationState.VALIDATED, False)


@pytest.mark.parametrize("superseded", [True, False])
def test_a_product_without_a_date_of_release_is_not_asked_about(world: World, *, superseded: bool) -> None:
    product = ProductFactory(released_year=None, stage="superseded" if superseded else "current")
    assert submit(draft(world.ben, product, NOW), date(1999, 1, 1)).state == RegistrationState.VALIDATED


def test_a_person_decides_and_reads_why(row: Registration, world: World, as_support: Client) -> None:
    row = submit(row, date(2019, 3, 1), insisted=True)
    page = as_support.get(reverse("admin:kitbag_registrationinreview_desk", args=[row.pk])).content.decode()
    for words in ("Bought before the product came out", "came out in November 2024", "The member has confirmed it."):
        assert words in page
    row = review.approve_registration(registration=row, by=world.staff, at=NOW)
    assert row.state == RegistrationState.VALIDATED


def post(client: Client, row: Registration, **typed: str) -> str:
    day = {"purchased_on_day": "1", "purchased_on_month": "3", "purchased_on_year": "2019"}
    form = {"serial": SERIAL, "store": "Nairobi Cameras", "country": "KE", **day, **typed}
    answer = client.post(reverse("kitbag:finish", args=[row.pk]), form)
    return answer.headers.get("Location") or answer.content.decode()


def test_the_page_asks_beside_the_date_keeps_what_was_typed_and_takes_an_insisting_member(
    as_ben: Client, row: Registration
) -> None:
    html = post(as_ben, row)
    assert html.count("came out in November 2024. Check the year.") >= 1
    assert INSIST in html
    assert "Nairobi Cameras" in html
    row.refresh_from_db()
    assert (row.state, row.purchased_on) == (RegistrationState.DRAFT, date(2019, 3, 1))
    assert INSIST in as_ben.get(reverse("kitbag:finish", args=[row.pk])).content.decode()
    assert post(as_ben, row, date_insisted="on") == row.get_absolute_url()
    checked = registrations.check_registration(registration=row, at=NOW)
    assert checked.review_reason == ReviewReason.DATE
    assert "before the product came out" in as_ben.get(row.get_absolute_url()).content.decode()


def test_a_good_date_shows_no_box(as_ben: Client, row: Registration) -> None:
    assert INSIST not in post(as_ben, row, purchased_on_year="2025", store="")


def test_saving_for_later_warns_and_the_kitbag_asks_for_the_date(as_ben: Client, row: Registration) -> None:
    assert post(as_ben, row, do="later") == reverse("kitbag:list")
    page = as_ben.get(reverse("kitbag:list")).content.decode()
    assert "came out in November 2024. Check the year." in page
    assert "Check the date of purchase" in page
    row.refresh_from_db()
    assert build_card(row, None).url.endswith("#id_purchased_on_0")


def test_a_random_pick_and_an_early_date_both_get_a_person(row: Registration, settings: Settings) -> None:
    settings.REVIEW_SAMPLE_PERCENT = 100
    assert submit(row, date(2019, 3, 1), insisted=True).state == RegistrationState.REJECTED  # the proof comes first
