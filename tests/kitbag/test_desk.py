"""What goes to a person and what does not, and how it waits (R19, R23, R24)."""

from datetime import UTC, date, datetime, timedelta

import pytest
from pytest_django import Settings

from cps_portal.core.lib.errors import Refusal
from kitbag import rules
from kitbag.actions import registrations, review
from kitbag.enums import RefusalReason, RegistrationState, ReviewReason
from kitbag.models import Registration
from kitbag.queries.deadlines import decision_due
from tests.factories import ProductFactory, UserFactory, details, draft, submitted, validated, with_receipt
from tests.world import World

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)  # a Monday


def handed_in(world: World, at: datetime = NOW, serial: str = "200000000009", **changes: object) -> Registration:
    row = draft(world.ben, world.body, at)
    typed = details(serial, **changes)
    row = registrations.submit_registration(registration=row, details=typed, insisted=True, at=at)
    return registrations.check_registration(registration=row, at=at)


@pytest.mark.parametrize(
    "bought",
    [
        {"store": "Thabo, second hand, from a colleague"},
        {"country": "JP", "store": "Camera no Mise"},
        {"country": "US", "store": "Private seller", "purchased_on": date(2022, 1, 5)},
    ],
)
def test_second_hand_and_from_abroad_is_no_reason_for_a_person(world: World, bought: dict[str, object]) -> None:
    assert handed_in(world, **bought).state == RegistrationState.VALIDATED


def test_members_with_many_refusals_are_reviewed_by_a_person(world: World) -> None:
    def refused(n: int, reason: RefusalReason, at: datetime = NOW) -> None:
        row = submitted(world.ben, world.body, f"3000000000{n:02}", at=at)
        review.refuse_registration(registration=row, reason=reason, by=world.staff, at=at)

    refused(1, RefusalReason.SERIAL_WRONG, NOW - timedelta(days=366))
    refused(2, RefusalReason.SERIAL_WRONG)
    refused(3, RefusalReason.DETAILS_WRONG)
    row = handed_in(world, serial="58214")
    review.ask_for_more(registration=row, text="A photo.", by=world.staff, at=NOW)
    assert review.count_recent_refusals(world.ben, NOW) == 2, "not the old one, and being asked is no refusal"
    assert handed_in(world).state == RegistrationState.VALIDATED
    refused(4, RefusalReason.SERIAL_WRONG)
    row = handed_in(world, serial="200000000010")
    assert (row.state, row.review_reason) == (RegistrationState.SUBMITTED, ReviewReason.REFUSALS)
    assert validated(world.chloe, world.body).state == RegistrationState.VALIDATED


def test_the_sample_is_as_large_as_set_and_the_same_when_asked_again(settings: Settings, world: World) -> None:
    settings.REVIEW_SAMPLE_PERCENT = 5
    drawn = [review.in_sample(key) for key in range(1, 8001)]
    assert 300 <= sum(drawn) <= 500
    assert drawn[:500] == [review.in_sample(key) for key in range(1, 501)]
    assert not any(rules.is_drawn(number, 0) for number in range(10_000))
    assert sum(rules.is_drawn(number, 0.5) for number in range(10_000)) == 50
    settings.REVIEW_SAMPLE_PERCENT = 100
    row = with_receipt(draft(world.ben, world.body))
    registrations.submit_registration(registration=row, details=details("200000000009"), insisted=False, at=NOW)
    row = registrations.check_registration(registration=row, at=NOW)
    assert (row.state, row.review_reason) == (RegistrationState.SUBMITTED, ReviewReason.SAMPLE)
    assert registrations.check_registration(registration=row, at=NOW).review_reason == ReviewReason.SAMPLE
    assert review.approve_registration(registration=row, by=world.staff, at=NOW).state == RegistrationState.VALIDATED


def test_two_working_days_leave_the_weekend_out(world: World) -> None:
    friday = datetime(2026, 3, 6, 10, tzinfo=UTC)
    row = handed_in(world, friday, "58214")
    assert decision_due(row) == datetime(2026, 3, 10, 10, tzinfo=UTC)


def test_what_is_handed_out_is_free_and_not_forbidden(world: World) -> None:
    agent, other = UserFactory(is_staff=True), UserFactory(is_staff=True)
    rows = [handed_in(world, NOW + timedelta(hours=n), f"5821{n}") for n in range(3)]
    at = NOW + timedelta(hours=5)
    assert review.take_next(by=agent, at=at) == rows[0]
    assert review.take_next(by=other, at=at) == rows[1]
    with pytest.raises(Refusal) as taken:
        review.take_registration(registration=rows[0], by=other, at=at)
    assert taken.value.code == "taken"
    for decide in (
        lambda: review.approve_registration(registration=rows[0], by=other, at=at),
        lambda: review.refuse_registration(registration=rows[0], reason=RefusalReason.SERIAL_WRONG, by=other, at=at),
        lambda: review.ask_for_more(registration=rows[0], text="More", by=other, at=at),
    ):
        with pytest.raises(Refusal, match="colleague"):
            decide()
    later = at + timedelta(minutes=16)
    assert review.take_next(by=other, at=later) == rows[0]
    registrations.reopen_registration(registration=rows[0], at=later)
    with pytest.raises(Refusal, match="taken back"):
        review.take_registration(registration=rows[0], by=agent, at=later)


def test_asking_for_more_needs_words_that_fit(world: World) -> None:
    row = handed_in(world, serial="58214")
    for text, code in [(" \n ", "empty"), ("x" * 501, "long")]:
        with pytest.raises(Refusal) as refusal:
            review.ask_for_more(registration=row, text=text, by=world.staff, at=NOW)
        assert (refusal.value.code, refusal.value.field) == (code, "asked_for")


def test_every_reason_of_a_refusal_leads_the_member_to_a_field(world: World) -> None:
    for n, reason in enumerate(RefusalReason):
        row = submitted(world.ben, ProductFactory(), f"40000000{n:04}")
        row = review.refuse_registration(registration=row, reason=reason, by=world.staff, at=NOW)
        assert row.needs_member
