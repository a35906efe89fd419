"""Taking a removal back: R26."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from cps_portal.core.lib.errors import Refusal
from kitbag.actions import appeals, handovers, registrations, removals, review
from kitbag.enums import RefusalReason, RegistrationState, RemovalReason, ReviewReason
from kitbag.models import PointsEntry, Registration
from members.enums import PointsCause
from tests.factories import draft, submitted, validated
from tests.world import World

NOW = timezone.now()
pytestmark = pytest.mark.django_db


def remove(row: Registration) -> None:
    removals.remove_registration(registration=row, reason=RemovalReason.MISTAKE, by=None, at=NOW)


def undo(row: Registration, days: int = 0) -> Registration:
    return removals.undo_removal(registration=row, by=row.member.user, at=NOW + timedelta(days=days))


def test_what_counted_counts_again(world: World) -> None:
    row = Registration.objects.get(member=world.ana, product=world.pro_body)
    remove(row)
    row = undo(row, days=7)
    world.ana.refresh_from_db()
    assert (row.state, row.removal_reason, row.ended_at, world.ana.points) == (
        RegistrationState.VALIDATED,
        "",
        None,
        1000,
    )
    assert PointsEntry.objects.filter(registration=row).latest("pk").cause == PointsCause.RETURNED
    with pytest.raises(Refusal):
        undo(row)


def test_after_a_week_it_is_too_late(world: World) -> None:
    row = Registration.objects.get(member=world.ana, product=world.pro_body)
    remove(row)
    with pytest.raises(Refusal, match="too late"):
        undo(row, days=8)


def test_a_serial_number_that_another_member_holds_by_now_is_claimed(
    world: World, django_capture_on_commit_callbacks
) -> None:  # type: ignore[no-untyped-def]
    row = Registration.objects.get(member=world.ana, product=world.pro_body)
    remove(row)
    validated(world.ben, world.pro_body, "100000000001")
    row = undo(row)
    row = registrations.check_registration(registration=row, at=NOW)
    world.ana.refresh_from_db()
    assert (row.state, row.review_reason) == (RegistrationState.SUBMITTED, ReviewReason.DUPLICATE)
    assert world.ana.points == 500


def test_drafts_waiting_and_refused_ones_come_back_as_they_were(world: World) -> None:
    waiting = registrations.check_registration(
        registration=submitted(world.ben, world.body, "12345", insisted=True), at=NOW
    )
    refused = registrations.check_registration(
        registration=submitted(world.ben, world.body, "123456", insisted=True), at=NOW
    )
    refused = review.refuse_registration(
        registration=refused, reason=RefusalReason.SERIAL_WRONG, by=world.staff, at=NOW
    )
    appealed = registrations.check_registration(
        registration=submitted(world.ben, world.body, "1234567", insisted=True), at=NOW
    )
    appealed = review.refuse_registration(
        registration=appealed, reason=RefusalReason.SERIAL_WRONG, by=world.staff, at=NOW
    )
    appeals.make_appeal(registration=appealed, text="It is right", by=world.ben.user, at=NOW)
    rows = [draft(world.ben, world.body), waiting, refused, appealed]
    for row in rows:
        remove(row)
    assert [undo(row).state for row in rows] == ["draft", "submitted", "rejected", "rejected"]


def test_what_was_handed_over_stays_with_its_new_owner(world: World) -> None:
    row = Registration.objects.get(member=world.ana, product=world.pro_body)
    code = handovers.release(registration=row, by=world.ana.user, at=NOW).code
    handovers.redeem(code=code, member=world.ben, by=world.ben.user, at=NOW)
    with pytest.raises(Refusal):
        undo(row)


def test_one_added_again_meanwhile_is_not_there_twice(world: World) -> None:
    row = Registration.objects.get(member=world.ana, product=world.pro_body)
    remove(row)
    validated(world.ana, world.pro_body, "100000000001")
    with pytest.raises(Refusal, match="again since then"):
        undo(row)


def test_the_pages_offer_it(world: World, as_ana: Client) -> None:
    row = Registration.objects.get(member=world.ana, product=world.pro_body)
    assert "Hand it over with a code" in as_ana.get(f"/kitbag/{row.pk}/remove/").content.decode()
    page = as_ana.post(f"/kitbag/{row.pk}/remove/", {"reason": "mistake"}, follow=True).content.decode()
    assert f'<a href="/kitbag/{row.pk}/">Put it back</a>' in page
    assert "Put it back" in as_ana.get(f"/kitbag/{row.pk}/").content.decode()
    assert "it counts" in as_ana.post(f"/kitbag/{row.pk}/undo/", follow=True).content.decode()
