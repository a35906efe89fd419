"""The same deadline on the page, in the mail and at the desk (R19, R32, R58, R70)."""

from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.formats import date_format

from cps_portal.core.lib.dates import write_moment
from cps_portal.core.outbox.models import Message
from kitbag.actions import appeals, registrations, review
from kitbag.enums import RefusalReason, ReviewReason
from kitbag.models import Claim, Registration
from kitbag.presenters.texts import review_sentence
from kitbag.queries.deadlines import decision_due
from members.enums import Level
from members.models import Member
from members.support import actions as cases
from members.support.enums import CaseKind
from members.support.models import Case
from members.support.presenters import due_in_words
from tests.admin.conftest import signed_in
from tests.factories import UserFactory, submitted
from tests.mails import rendered
from tests.rows import each_row
from tests.world import World

FRIDAY = datetime(2026, 11, 27, 14, 30, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Client:
    return signed_in(UserFactory(is_staff=True, is_superuser=True))


def text(client: Client, address: str) -> str:
    return unescape(" ".join(client.get(address).content.decode().split()))


def appealed(world: World, at: datetime) -> tuple[Registration, Case]:
    row = submitted(world.ben, world.body, "ABCDE99", insisted=True, at=at)
    row = registrations.check_registration(registration=row, at=at)
    row = review.refuse_registration(registration=row, reason=RefusalReason.DETAILS_WRONG, by=world.staff, at=at)
    made = appeals.make_appeal(registration=row, text="It is right.", by=world.ben.user, at=at)
    return Registration.objects.get(pk=row.pk), made.case


@each_row(("level", "hours"), zip(Level, [0, 5, 24, 60], strict=True))
def test_an_appeal_has_one_deadline_whatever_the_level(
    world: World, as_ben: Client, desk: Client, level: Level, hours: int
) -> None:
    Member.objects.filter(pk=world.ben.pk).update(level=level)
    row, case = appealed(world, timezone.now() + timedelta(hours=hours) - timedelta(minutes=1))
    due = decision_due(row)
    assert due and case.due_at == case.first_answer_due_at == due
    words = due_in_words(due)
    mail = Message.objects.get(key__startswith=f"case-{case.pk}-received")
    assert f"We aim to answer by {words}." in rendered(mail)["text"]
    assert f"You’ll hear by {words}." in text(as_ben, row.get_absolute_url())
    assert f"We aim to answer by {words}." in text(as_ben, case.get_absolute_url())
    listed = write_moment(due)
    assert words in text(desk, f"/admin/cases/case/{case.pk}/change/")
    assert listed in text(desk, "/admin/kitbag/registrationinreview/")


def test_two_working_days_from_a_friday_afternoon() -> None:
    row = Registration(submitted_at=FRIDAY)
    assert decision_due(row) == datetime(2026, 12, 1, 14, 30, tzinfo=UTC)
    assert due_in_words(datetime(2026, 12, 1, 14, 30, tzinfo=UTC)) == "Tuesday 1 December, 16:30 (Johannesburg time)"


@each_row("reason", [reason for reason in ReviewReason if reason != ReviewReason.STOLEN])
def test_what_a_person_checks_says_by_when_and_says_sorry_when_that_is_over(reason: ReviewReason) -> None:
    row = Registration(submitted_at=FRIDAY, review_reason=reason)
    words = due_in_words(datetime(2026, 12, 1, 14, 30, tzinfo=UTC))
    assert review_sentence(row, FRIDAY).endswith(f"You’ll hear by {words}.")
    assert f"by {words}. Sorry" in review_sentence(row, FRIDAY + timedelta(days=9))


def test_what_was_reported_stolen_says_nothing_more() -> None:
    """R34: whoever presents it learns nothing."""
    row = Registration(submitted_at=FRIDAY, review_reason=ReviewReason.STOLEN)
    assert review_sentence(row, FRIDAY) == "Please contact us about this product."


def test_both_sides_of_a_claim_and_the_desk_have_the_same_day(world: World, as_ben: Client, desk: Client) -> None:
    held = Registration.objects.get(member=world.ana, product=world.body)
    row = submitted(world.ben, world.body, held.serial, at=timezone.now())
    row = registrations.check_registration(registration=row, at=timezone.now())
    claim = Claim.objects.get(claimant=row)
    day = date_format(claim.respond_by, "j F Y")
    for case in (claim.claimant_case, claim.holder_case):
        assert f"by {day}" in " ".join(
            rendered(Message.objects.get(key__startswith=f"case-{case.pk}-"))["text"].split()
        )
    assert f"Answer in the case by {day}." in text(as_ben, row.get_absolute_url())
    page = text(desk, "/admin/kitbag/claim/")
    assert str(claim.respond_by) in page or date_format(claim.respond_by, "j M Y") in page


def test_the_first_answer_to_a_question_has_one_deadline(world: World, as_ana: Client, desk: Client) -> None:
    case = cases.open_case(
        kind=CaseKind.CONTACT, subject="A bag", text="Where?", member=world.ana, by=world.ana.user, at=timezone.now()
    )
    assert case.due_at
    words = due_in_words(case.due_at)
    assert words in rendered(Message.objects.get(key__startswith=f"case-{case.pk}-"))["text"]
    assert words in text(as_ana, case.get_absolute_url())
    assert words in text(desk, f"/admin/cases/case/{case.pk}/change/")
    assert f'title="{words}"' in desk.get("/admin/cases/case/").content.decode()


def test_home_help_and_the_page_of_a_product_count_the_same_models(world: World, as_ana: Client) -> None:
    """R57: from live data, however many there are."""
    row = Registration.objects.get(member=world.ana, product=world.body)
    for address in ("/help/", f"/service/new/?product={row.pk}"):
        assert "120 models" not in text(as_ana, address)
    assert "<dt>pro products on Fast Track</dt><dd>1</dd>" in text(Client(), "/")
    assert "1 products that can still be serviced" in text(Client(), "/help/")
