"""A refusal can be appealed once; a second person decides, and the member is told each step (R19)."""

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox.models import Message
from kitbag.actions import appeals, registrations, removals, review
from kitbag.enums import RefusalReason, RegistrationState, RemovalReason, ReviewReason
from kitbag.models import Appeal, Registration
from members.models import Notice, User
from members.support.enums import CaseKind, CaseState
from members.support.models import Case
from tests.factories import UserFactory, details, submitted
from tests.mails import mails_to
from tests.world import World

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
TEXT = "I hold the camera in my hand: the number is right."


@pytest.fixture
def second(db: None) -> User:
    return UserFactory(is_staff=True)


@pytest.fixture
def refused(world: World) -> Registration:
    row = submitted(world.ben, world.body, "58214", insisted=True, at=NOW)
    row = registrations.check_registration(registration=row, at=NOW)
    return refuse(row, world.staff)


def refuse(row: Registration, by: User, reason: RefusalReason = RefusalReason.SERIAL_WRONG) -> Registration:
    return review.refuse_registration(registration=row, reason=reason, by=by, at=NOW)


def appeal(row: Registration, text: str = TEXT) -> Appeal:
    return appeals.make_appeal(registration=row, text=text, by=row.member.user, at=NOW)


def said_to(row: Registration) -> str:
    return "\n".join(Case.objects.get(kind=CaseKind.APPEAL).messages.values_list("text", flat=True))


def test_an_appeal_puts_it_back_for_a_second_person_and_opens_a_case(refused: Registration, world: World) -> None:
    made = appeal(refused)
    refused.refresh_from_db()
    assert (refused.state, refused.review_reason) == (RegistrationState.SUBMITTED, ReviewReason.APPEAL)
    assert (made.refused_by, made.refusal_reason) == (world.staff, RefusalReason.SERIAL_WRONG)
    assert (made.case.kind, made.case.state, made.case.about) == (CaseKind.APPEAL, CaseState.OPEN, refused)
    assert TEXT in said_to(refused)
    assert Message.objects.filter(key__startswith=f"case-{made.case.pk}-received").exists()


def test_the_person_who_refused_cannot_decide_the_appeal_not_even_in_the_database(
    refused: Registration, world: World
) -> None:
    made = appeal(refused)
    with pytest.raises(Refusal, match="a colleague has to decide"):
        review.approve_registration(registration=refused, by=world.staff, at=NOW)
    with pytest.raises(Refusal, match="a colleague has to decide"):
        refuse(refused, world.staff)
    with pytest.raises(Refusal, match="Ask the member in its case"):
        review.ask_for_more(registration=refused, text="More", by=world.staff, at=NOW)
    with pytest.raises(IntegrityError, match="appeal_second_person"), transaction.atomic():
        Appeal.objects.filter(pk=made.pk).update(granted=True, decided_at=NOW, decided_by=world.staff)


def test_a_granted_appeal_counts_and_the_member_is_notified(refused: Registration, second: User, world: World) -> None:
    made = appeal(refused)
    row = review.approve_registration(registration=refused, by=second, at=NOW)
    made.refresh_from_db()
    world.ben.refresh_from_db()
    assert (row.state, made.granted, made.decided_by, world.ben.points) == ("validated", True, second, 300)
    assert "You were right: it counts now." in said_to(row)
    assert Case.objects.get(kind=CaseKind.APPEAL).state == CaseState.CLOSED
    letters = [mail["text"] for mail in mails_to(world.ben)]
    assert sum("You were right" in text for text in letters) == 1
    assert Notice.objects.filter(member=world.ben, code="registration_approved").count() == 1


def test_a_denied_appeal_is_final_and_gives_the_reason(refused: Registration, second: User, as_ben: Client) -> None:
    appeal(refused)
    row = refuse(refused, second, RefusalReason.DETAILS_WRONG)
    assert "we still can’t accept it. The reason: The details of the purchase don’t match" in said_to(row)
    with pytest.raises(Refusal, match="already appealed"):
        appeal(row)
    with pytest.raises(Refusal, match="on appeal, and that’s final"):
        registrations.submit_registration(registration=row, details=details(), insisted=False, at=NOW)
    with pytest.raises(Refusal, match="on appeal, and that’s final"):
        registrations.save_details(registration=row, details=details(), at=NOW)
    page = as_ben.get(f"/kitbag/{row.pk}/").content.decode()
    assert "That decision is final." in page
    assert "You’ve used your appeal" in page
    assert f"/kitbag/{row.pk}/appeal/" not in page
    assert as_ben.get(f"/kitbag/{row.pk}/finish/")["Location"] == f"/kitbag/{row.pk}/"
    removals.remove_registration(registration=row, reason=RemovalReason.MISTAKE, by=None, at=NOW)


def test_an_appeal_that_is_not_possible_gives_the_reason(refused: Registration, world: World) -> None:
    counting = Registration.objects.get(member=world.ana, product=world.lens)
    with pytest.raises(Refusal, match="nothing to appeal"):
        appeal(counting)
    for text, code in [("  ", "empty"), ("x" * 2001, "long")]:
        with pytest.raises(Refusal) as refusal:
            appeal(refused, text)
        assert (refusal.value.code, refusal.value.field) == (code, "text")
    registrations.save_details(registration=refused, details=details("", store=""), at=NOW)
    with pytest.raises(Refusal, match="Fill them in first"):
        appeal(refused)
    registrations.save_details(registration=refused, details=details("58214"), at=NOW)
    submitted(world.ben, world.body, "58214", insisted=True, at=NOW)
    with pytest.raises(Refusal, match="Remove one of the two"):
        appeal(refused)
    asked = submitted(world.ben, world.body, "58215", insisted=True, at=NOW)
    asked = registrations.check_registration(registration=asked, at=NOW)
    asked = review.ask_for_more(registration=asked, text="A photo", by=world.staff, at=NOW)
    with pytest.raises(Refusal, match="We asked you for something more"):
        appeal(asked)


def test_while_a_second_person_looks_it_can_be_removed_but_not_changed(refused: Registration, as_ben: Client) -> None:
    made = appeal(refused)
    with pytest.raises(Refusal, match="wait for the answer"):
        registrations.reopen_registration(registration=refused, at=NOW)
    assert "Withdraw and correct it" not in as_ben.get(f"/kitbag/{refused.pk}/").content.decode()
    removals.remove_registration(registration=refused, reason=RemovalReason.MISTAKE, by=None, at=NOW)
    made.refresh_from_db()
    assert (made.granted, made.case.state) == (None, CaseState.CLOSED)


def test_the_page_keeps_what_was_typed_and_works_once(refused: Registration, as_ben: Client) -> None:
    url = f"/kitbag/{refused.pk}/appeal/"
    assert url in as_ben.get(f"/kitbag/{refused.pk}/").content.decode()
    assert "doesn’t belong to this product" in as_ben.get(url).content.decode()
    empty = as_ben.post(url, {"text": " "})
    assert (empty.status_code, "Tell us why you think" in empty.content.decode()) == (422, True)
    long = as_ben.post(url, {"text": "y" * 2001})
    assert (long.status_code, "y" * 2001 in long.content.decode()) == (422, True)
    assert as_ben.post(url, {"text": TEXT})["Location"] == f"/kitbag/{refused.pk}/"
    page = as_ben.get(f"/kitbag/{refused.pk}/").content.decode()
    assert "You’ve appealed" in page
    assert as_ben.post(url, {"text": TEXT})["Location"] == f"/kitbag/{refused.pk}/"
    assert Appeal.objects.count() == 1


def test_members_cannot_appeal_for_each_other(refused: Registration, as_ana: Client) -> None:
    url = f"/kitbag/{refused.pk}/appeal/"
    assert as_ana.get(url).status_code == as_ana.post(url, {"text": TEXT}).status_code == 404
    assert Client().post(url, {"text": TEXT}).status_code == 302
    assert not Appeal.objects.exists()
