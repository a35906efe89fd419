"""Cases that end by themselves, and the question whether our help was any good (R58)."""

from datetime import timedelta
from typing import Any

import time_machine
from django.conf import settings
from django.core import signing
from django.test import Client
from pytest_django import Settings

from cps_portal.core.outbox.models import Message
from members.models import Notice, User
from members.support import actions
from members.support.emails import RATING_SALT, rating_url
from members.support.enums import CaseKind, CaseState
from members.support.models import Case
from members.support.tasks import close_quiet
from tests.mails import rendered
from tests.rows import each_row
from tests.support.conftest import MONDAY
from tests.world import World

DAYS = timedelta(days=settings.CASES_CLOSE_DAYS)
SECOND = timedelta(seconds=1)


def closes_at(case: Case, at: Any) -> bool:
    actions.close_quiet_cases(at=at, limit=10)
    case.refresh_from_db()
    return case.is_closed


@each_row("asks", [True, False])
@each_row("late, closed", [(-SECOND, False), (timedelta(0), True), (SECOND, True)])
def test_a_case_closes_after_days_of_silence_with_a_mail(
    asked: Case, agent: User, asks: bool, late: timedelta, closed: bool
) -> None:
    actions.answer(case=asked, text="Which one?", asks=asks, by=agent, at=MONDAY)
    assert closes_at(asked, MONDAY + DAYS + late) == closed
    mail = Message.objects.filter(key__contains="-quiet-")
    assert mail.exists() == closed
    if closed:
        with time_machine.travel(MONDAY + DAYS + late, tick=False):  # the signature has the second
            text, html, rating = rendered(mail.get())["text"], rendered(mail.get())["html"], rating_url(asked)
        assert f"for {settings.CASES_CLOSE_DAYS} days" in text and asked.reference_in_groups in text
        assert rating and rating in text and rating in html
        assert Notice.objects.filter(code="case_closed", path=asked.get_absolute_url()).count() == 1


def test_each_message_of_support_begins_the_silence_again(asked: Case, world: World, agent: User) -> None:
    actions.answer(case=asked, text="A", by=agent, at=MONDAY)
    actions.answer(case=asked, text="B", by=agent, at=MONDAY + DAYS / 2)
    assert not closes_at(asked, MONDAY + DAYS)
    actions.write_message(case=asked, text="C", by=world.ana.user, at=MONDAY + DAYS)
    assert not closes_at(asked, MONDAY + 9 * DAYS), "it is our turn"
    actions.answer(case=asked, text="D", by=agent, at=MONDAY + DAYS)
    assert closes_at(asked, MONDAY + 2 * DAYS)
    actions.write_message(case=asked, text="E", by=world.ana.user, at=MONDAY + 2 * DAYS + SECOND)
    asked.refresh_from_db()
    assert asked.state == CaseState.OPEN, "a reply reopens it"


def test_snoozed_cases_claims_and_appeals_do_not_close_by_themselves(asked: Case, world: World, agent: User) -> None:
    actions.answer(case=asked, text="A", by=agent, at=MONDAY)
    actions.snooze(case=asked, by=agent, at=MONDAY)
    assert not closes_at(asked, MONDAY + 3 * DAYS)
    for kind in (CaseKind.CLAIM, CaseKind.APPEAL):
        case = actions.open_case(kind=kind, subject="S", text="T", member=world.ana, by=None, at=MONDAY, asks=True)
        assert not closes_at(case, MONDAY + 3 * DAYS), kind


def test_the_task_closes_all_in_slices(world: World, agent: User, settings: Settings) -> None:
    settings.CASES_CLOSE_DAYS = 1
    cases = [
        actions.open_case(
            kind=CaseKind.CONTACT, subject=f"{n}", text="T", member=world.ana, by=agent, at=MONDAY, asks=True
        )
        for n in range(3)
    ]
    assert actions.close_quiet_cases(at=MONDAY + 2 * DAYS, limit=2) is True
    close_quiet()
    assert Case.objects.filter(pk__in=[case.pk for case in cases], state=CaseState.CLOSED).count() == 3
    assert Message.objects.filter(key__contains="-quiet-").count() == 3


# --- Did we help? ----------------------------------------------------------------------------------


def path_of(case: Case) -> str:
    return rating_url(case).removeprefix(settings.SITE_URL)


def test_a_mail_scanner_that_follows_every_link_records_nothing(visited: Case, agent: User, client: Client) -> None:
    actions.close(case=visited, by=agent, at=MONDAY)
    visited.refresh_from_db()
    for query in ("", "?rating=good", "?rating=bad", "?rating=x"):
        assert client.get(path_of(visited) + query).status_code == 200
        assert client.head(path_of(visited) + query).status_code == 200
    visited.refresh_from_db()
    assert (visited.rating, visited.rated_at) == ("", None)


def test_one_click_records_the_answer_and_the_last_one_counts(visited: Case, agent: User, client: Client) -> None:
    actions.close(case=visited, by=agent, at=MONDAY)
    visited.refresh_from_db()
    for rating, shown in (("good", "Thank you"), ("bad", "We’re sorry"), ("x", "We’re sorry"), ("", "We’re sorry")):
        answer = client.post(path_of(visited), {"rating": rating})
        assert shown in answer.content.decode(), rating
    visited.refresh_from_db()
    assert visited.rating == "bad" and visited.rated_at and visited.state == CaseState.CLOSED


def test_a_forged_old_or_erased_rating_link_opens_nothing(visited: Case, agent: User, client: Client) -> None:
    actions.close(case=visited, by=agent, at=MONDAY)
    visited.refresh_from_db()
    good = path_of(visited)
    for token in (
        "x",
        "%00",
        signing.dumps(visited.pk, salt="another"),
        signing.dumps("x", salt=RATING_SALT),
        signing.dumps(0, salt=RATING_SALT),
        signing.dumps(2**70, salt=RATING_SALT),
        signing.dumps([1], salt=RATING_SALT),
        good.rsplit("/", 2)[1][:-1],
    ):
        for method in (client.get, client.post):
            assert method(f"/contact/rating/{token}/").status_code == 404, token
    actions.erase(case=visited, at=MONDAY)
    assert client.get(good).status_code == client.post(good, {"rating": "good"}).status_code == 404


def test_the_question_comes_with_the_end_and_never_with_a_decision(asked: Case, world: World, agent: User) -> None:
    actions.answer(case=asked, text="A", by=agent, at=MONDAY)
    assert "Did we help?" not in rendered(Message.objects.get(key__contains="-answered-"))["text"]
    asked.refresh_from_db()
    actions.answer(case=asked, text="B", closes=True, by=agent, at=MONDAY)
    asked.refresh_from_db()
    assert asked.state == CaseState.CLOSED
    last = Message.objects.filter(key__contains="-answered-").order_by("-pk")[0]
    assert "B" in rendered(last)["text"] and "Did we help?" in rendered(last)["text"]
    claim = actions.open_case(
        kind=CaseKind.CLAIM, subject="S", text="T", member=world.ana, by=None, at=MONDAY, asks=True
    )
    actions.conclude(case=claim, text="Decided.", by=agent, at=MONDAY)
    claim.refresh_from_db()
    assert rating_url(claim) == ""
