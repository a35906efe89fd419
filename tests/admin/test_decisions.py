"""Decisions are buttons that call an action. If it refuses, staff see a message and nothing is saved."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from kitbag.actions import registrations
from kitbag.enums import RefusalReason, RegistrationState, ReviewReason
from kitbag.models import PointsEntry, Registration
from members.models import Notice
from tests.admin.conftest import SignIn
from tests.factories import submitted, validated
from tests.world import World

QUEUE = "/admin/kitbag/registrationinreview/"


@pytest.fixture
def waiting(world: World) -> Registration:
    """Ben insists on a serial number of an unusual shape."""
    row = submitted(world.ben, world.body, "12345", insisted=True, at=timezone.now() - timedelta(days=1))
    return registrations.check_registration(registration=row, at=timezone.now())


def page(row: Registration, name: str, model: str = "registration") -> str:
    return reverse(f"admin:kitbag_{model}_{name}", args=[row.pk])


def decide(client: Client, row: Registration, verb: str, **data: str) -> str:
    """Open the page of the button, press it, and return what the desk says then."""
    asked = client.get(page(row, verb))
    seen = asked.context["form"]["seen"].value()
    return client.post(page(row, verb), {"seen": seen, **data}, follow=True).content.decode()


def test_approving_makes_it_count_and_records_who_did_it(as_support: Client, waiting: Registration) -> None:
    assert "Approved." in decide(as_support, waiting, "approve")
    waiting.refresh_from_db()
    assert waiting.state == RegistrationState.VALIDATED
    assert waiting.decided_by is not None
    assert waiting.decided_by.is_staff
    assert PointsEntry.objects.get(registration=waiting).by == waiting.decided_by
    assert LogEntry.objects.get().user == waiting.decided_by


def test_refusing_needs_a_reason_and_notifies_the_member(as_support: Client, waiting: Registration) -> None:
    asked = as_support.post(page(waiting, "refuse"), {"seen": "x"})
    assert asked.status_code == 200
    assert asked.context["form"].errors["reason"]
    decide(as_support, waiting, "refuse", reason=RefusalReason.SERIAL_WRONG)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.refusal_reason) == (RegistrationState.REJECTED, RefusalReason.SERIAL_WRONG)
    assert Notice.objects.filter(member=waiting.member, code="registration_refused").exists()


def test_a_counting_registration_can_be_refused(as_support: Client, world: World) -> None:
    row = Registration.objects.get(member=world.ana, product=world.lens)
    assert "Refuse, it failed a check…" in as_support.get(page(row, "change")).content.decode()
    decide(as_support, row, "refuse", reason=RefusalReason.DETAILS_WRONG)
    world.ana.refresh_from_db()
    assert world.ana.points == 800


def test_a_refusal_of_the_action_is_a_message_and_nothing_is_saved(as_support: Client, world: World) -> None:
    row = submitted(world.ben, world.lens, "1000003")
    registrations.check_registration(registration=row, at=timezone.now())
    assert "Another member holds this serial number" in decide(as_support, row, "approve")
    row.refresh_from_db()
    assert (row.state, row.review_reason) == (RegistrationState.SUBMITTED, ReviewReason.DUPLICATE)
    assert not LogEntry.objects.exists()


def test_a_registration_resubmitted_in_the_meantime_is_not_decided_unseen(
    as_support: Client, waiting: Registration
) -> None:
    seen = as_support.get(page(waiting, "approve")).context["form"]["seen"].value()
    now = timezone.now()
    registrations.reopen_registration(registration=waiting, at=now)
    again = registrations.Details("66666", "KE", now.date() - timedelta(days=9), "Shop")
    registrations.submit_registration(registration=waiting, details=again, insisted=True, at=now)
    registrations.check_registration(registration=waiting, at=now)
    said = as_support.post(page(waiting, "approve"), {"seen": seen}, follow=True).content.decode()
    assert "look at it again" in said
    waiting.refresh_from_db()
    assert waiting.state == RegistrationState.SUBMITTED


def test_deciding_twice_reports_the_first_decision(as_support: Client, waiting: Registration) -> None:
    seen = as_support.get(page(waiting, "approve")).context["form"]["seen"].value()
    as_support.post(page(waiting, "approve"), {"seen": seen})
    said = as_support.post(page(waiting, "approve"), {"seen": seen}, follow=True).content.decode()
    assert "look at it again" in said
    assert PointsEntry.objects.filter(registration=waiting).count() == 1


@pytest.mark.parametrize("verb", ["approve", "refuse"])
def test_the_buttons_need_the_permission(staff: SignIn, waiting: Registration, verb: str) -> None:
    client = staff("Programme")
    assert client.get(page(waiting, verb)).status_code == 403
    assert client.post(page(waiting, verb), {"seen": "x", "reason": "serial_wrong"}).status_code == 403
    waiting.refresh_from_db()
    assert waiting.state == RegistrationState.SUBMITTED


def test_a_missing_registration_is_not_found(as_support: Client, world: World) -> None:
    assert as_support.get(reverse("admin:kitbag_registration_approve", args=[999_999])).status_code == 404


def test_no_page_of_the_desk_edits_a_state(as_root: Client, waiting: Registration) -> None:
    for model in ("registration", "registrationinreview"):
        answer = as_root.post(page(waiting, "change", model), {"state": "validated", "serial": "1"})
        assert answer.status_code == 403
    waiting.refresh_from_db()
    assert (waiting.state, waiting.serial) == (RegistrationState.SUBMITTED, "12345")


# The queue


def test_the_queue_shows_the_longest_waiting_first_with_reason_and_same_serials(
    as_support: Client, world: World, waiting: Registration
) -> None:
    other = submitted(world.chloe, world.lens, "1000003", at=timezone.now() - timedelta(days=3))
    registrations.check_registration(registration=other, at=timezone.now())
    answer = as_support.get(QUEUE)
    assert [row.pk for row in answer.context["cl"].result_list] == [other.pk, waiting.pk]
    text = answer.content.decode()
    assert "Another member holds this serial number" in text
    assert world.ana.number in text
    assert page(waiting, "desk", "registrationinreview") in text


def test_many_are_approved_at_once_and_failures_are_listed(
    as_support: Client, world: World, waiting: Registration
) -> None:
    held = submitted(world.chloe, world.lens, "1000003")
    registrations.check_registration(registration=held, at=timezone.now())
    data = {"action": "approve_chosen", "_selected_action": [waiting.pk, held.pk]}
    said = as_support.post(QUEUE, data, follow=True).content.decode()
    assert "Approved." in said
    assert "Another member holds this serial number" in said
    waiting.refresh_from_db()
    held.refresh_from_db()
    assert (waiting.state, held.state) == (RegistrationState.VALIDATED, RegistrationState.SUBMITTED)


def test_a_decision_leads_back_to_the_queue(as_support: Client, waiting: Registration) -> None:
    url = page(waiting, "approve", "registrationinreview")
    seen = as_support.get(url).context["form"]["seen"].value()
    assert as_support.post(url, {"seen": seen})["Location"] == QUEUE


def test_a_counting_registration_is_not_in_the_queue(as_support: Client, world: World) -> None:
    validated(world.ben, world.lens, "7000001")
    assert as_support.get(QUEUE).context["cl"].result_count == 0
