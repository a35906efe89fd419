"""Actions on cases, from opening to closing (R19, R56, R58)."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.reference import parse_reference
from cps_portal.core.outbox.models import Message
from kitbag.models import Registration
from members.enums import Level
from members.models import Member, Notice, User
from members.support import actions, rules
from members.support.enums import CaseKind, CaseState, MessageAuthor
from members.support.models import MAX_TEXT_LENGTH, Case, CaseMessage
from tests.mails import rendered
from tests.rows import each_row
from tests.support.conftest import MONDAY, VISITOR
from tests.world import World

LATER = MONDAY + timedelta(hours=1)


def refusal(action: Any, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(Refusal) as refused:
        action(**arguments)
    return refused.value.code, refused.value.field


def bring_to(case: Case, state: CaseState, agent: User) -> Case:
    if state == CaseState.WAITING:
        actions.answer(case=case, text="Which?", asks=True, by=agent, at=LATER)
    if state == CaseState.ANSWERED:
        actions.answer(case=case, text="Here.", by=agent, at=LATER)
    if state == CaseState.CLOSED:
        actions.close(case=case, by=agent, at=LATER)
    case.refresh_from_db()
    assert case.state == state
    return case


# --- Opening -------------------------------------------------------------------------------------


def test_the_first_answer_is_due_by_level_in_working_hours(world: World) -> None:
    for level, due in [  # from ten on a Monday, open from nine to five
        (Level.PLATINUM, "2026-03-02T14:00"),
        (Level.GOLD, "2026-03-03T10:00"),
        (Level.SILVER, "2026-03-04T10:00"),
        (Level.RED, "2026-03-05T10:00"),
    ]:
        Member.objects.filter(pk=world.ben.pk).update(level=level)
        world.ben.refresh_from_db()
        case = actions.open_case(
            kind=CaseKind.CONTACT, subject="S", text="T", member=world.ben, by=world.ben.user, at=MONDAY
        )
        assert case.due_at and case.due_at == case.first_answer_due_at
        assert (case.due_at + timedelta(hours=2)).isoformat()[:16] == due


def test_a_visitor_has_the_answer_target_of_red(world: World, visited: Case) -> None:
    assert visited.due_at == actions.answer_due(world.ben, MONDAY)
    world.ana.country = "FR"  # whose programme is not ours to serve
    assert actions.answer_hours(world.ana) == 24


def test_opening_a_case_mails_the_reference(asked: Case) -> None:
    mail = Message.objects.get(key__startswith=f"case-{asked.pk}-")
    assert (mail.to, asked.reference_in_groups in rendered(mail)["subject"]) == ("ana@example.org", True)
    assert "Tuesday 3 March, 10:00 (Johannesburg time)" in rendered(mail)["text"]
    assert f"/cases/{asked.reference}/" in rendered(mail)["text"]
    assert parse_reference(asked.reference) == asked.reference


def test_what_a_visitor_typed_is_never_mailed_to_the_address_they_typed(visited: Case) -> None:
    """Or anybody could send anything to anybody in our name."""
    mail = Message.objects.get(to=VISITOR.email)
    assert visited.access_token and f"/contact/case/{visited.access_token}/" in rendered(mail)["text"]
    for typed in (VISITOR.name, visited.subject, "May I join?"):
        assert typed not in rendered(mail)["text"] + rendered(mail)["html"] + rendered(mail)["subject"]


def test_the_portal_can_ask_a_member(world: World) -> None:
    about = Registration.objects.filter(member=world.ana).first()
    case = actions.open_case(
        kind=CaseKind.CLAIM,
        subject="Serial",
        text="Send the receipt.",
        member=world.ana,
        by=None,
        about=about,
        asks=True,
        at=MONDAY,
    )
    assert (case.state, case.due_at, case.about) == (CaseState.WAITING, None, about)
    assert case.messages.get().author == MessageAuthor.PORTAL
    assert Notice.objects.get(code="case_asked").path == case.get_absolute_url()
    assert "Send the receipt." in rendered(Message.objects.get(key__startswith=f"case-{case.pk}-"))["text"]
    actions.write_message(case=case, text="Here it is.", by=world.ana.user, at=LATER)
    case.refresh_from_db()
    assert case.due_at == case.first_answer_due_at == actions.answer_due(world.ana, LATER)
    assert not Notice.objects.filter(code="case_asked", read_at=None).exists()


def test_a_case_belongs_to_a_member_or_a_visitor(world: World) -> None:
    for who in ({}, {"member": world.ana, "visitor": VISITOR}):
        with pytest.raises(ValueError, match="either a member or a visitor"):
            actions.open_case(kind=CaseKind.CONTACT, subject="S", text="T", by=None, at=MONDAY, **who)


# --- Talking -------------------------------------------------------------------------------------


def test_an_answer_sends_a_mail_and_a_notice(asked: Case, agent: User) -> None:
    message = actions.answer(case=asked, text="In the post.", by=agent, at=LATER)
    asked.refresh_from_db()
    assert (asked.state, asked.due_at, asked.first_answered_at) == (CaseState.ANSWERED, None, LATER)
    assert asked.assigned_to == agent
    key = f"case-{asked.pk}-answered-{message.pk}"
    assert "In the post." in rendered(Message.objects.get(key=key))["text"]
    assert Notice.objects.get(key=key).params == {"case": asked.pk}
    actions.answer(case=asked, text="And another.", by=agent, at=LATER + timedelta(days=1))
    asked.refresh_from_db()
    assert asked.first_answered_at == LATER


def test_a_second_message_does_not_postpone_the_answer(asked: Case, world: World) -> None:
    due = asked.due_at
    actions.write_message(case=asked, text="And?", by=world.ana.user, at=LATER)
    asked.refresh_from_db()
    assert (asked.state, asked.due_at) == (CaseState.OPEN, due)


@pytest.mark.parametrize("state", [CaseState.WAITING, CaseState.ANSWERED, CaseState.CLOSED])
def test_a_reply_makes_it_supports_turn(asked: Case, world: World, agent: User, state: CaseState) -> None:
    first_due = asked.first_answer_due_at
    bring_to(asked, state, agent)
    at = LATER + timedelta(days=2)
    actions.write_message(case=asked, text="It came back.", by=world.ana.user, at=at)
    asked.refresh_from_db()
    assert (asked.state, asked.closed_at, asked.due_at) == (CaseState.OPEN, None, actions.answer_due(world.ana, at))
    assert asked.first_answer_due_at == first_due


def test_a_reply_to_a_case_closed_long_ago_opens_one_that_follows_it(
    asked: Case, visited: Case, world: World, agent: User
) -> None:
    for case, by in ((asked, world.ana.user), (visited, None)):
        actions.close(case=case, by=agent, at=LATER)
        late = actions.write_message(case=case, text="Again", by=by, at=LATER + timedelta(days=31)).case
        case.refresh_from_db()
        assert (late.follows, late.state, late.subject, late.email) == (case, CaseState.OPEN, case.subject, case.email)
        assert case.is_closed and late.access_token != (case.access_token or "")
        in_time = actions.write_message(case=case, text="Again", by=by, at=LATER + timedelta(days=30))
        assert in_time.case == case and not in_time.case.is_closed


def test_a_note_is_for_staff_only(asked: Case, agent: User) -> None:
    before = Message.objects.count()
    actions.add_note(case=asked, text="Be patient with her.", by=agent, at=LATER)
    asked.refresh_from_db()
    assert (asked.state, asked.first_answered_at, Message.objects.count()) == (CaseState.OPEN, None, before)
    assert [message.text for message in asked.messages.public()] == ["Where is my grip?"]


MOVES = {
    "answer": lambda case, by: actions.answer(case=case, text="A", by=by, at=LATER),
    "close": lambda case, by: actions.close(case=case, by=by, at=LATER),
    "reopen": lambda case, by: actions.reopen(case=case, by=by, at=LATER),
    "write": lambda case, by: actions.write_message(case=case, text="W", by=case.member.user, at=LATER),
}


@each_row("state", CaseState)
def test_actions_are_allowed_exactly_in_the_states_of_the_table(asked: Case, agent: User, state: CaseState) -> None:
    case = bring_to(asked, state, agent)
    for move, make in MOVES.items():
        point = transaction.savepoint()
        if state in rules.ALLOWED_STATES[move]:
            make(case, agent)
        else:
            assert refusal(make, case=case, by=agent)[0] in {"closed", "open"}
            assert Case.objects.get(pk=case.pk).state == state
        transaction.savepoint_rollback(point)


def test_empty_and_overlong_texts_are_refused(asked: Case, world: World, agent: User) -> None:
    for text, code in [("", "empty"), (" \n ", "empty"), ("x" * (MAX_TEXT_LENGTH + 1), "long")]:
        said = {"case": asked, "text": text, "at": LATER}
        assert refusal(actions.write_message, by=world.ana.user, **said) == (code, "text")
        assert refusal(actions.answer, by=agent, **said) == (code, "text")
        assert refusal(actions.add_note, by=agent, **said) == (code, "text")
    assert CaseMessage.objects.count() == 1


# --- Who works on it, and the end ----------------------------------------------------------------


def test_an_assigned_case_cannot_be_taken_by_a_second_agent(asked: Case, agent: User, colleague: User) -> None:
    actions.take(case=asked, by=agent, at=LATER)
    actions.take(case=asked, by=agent, at=LATER)
    assert refusal(actions.take, case=asked, by=colleague, at=LATER) == ("taken", "")
    assert refusal(actions.answer, case=asked, text="Me!", by=colleague, at=LATER) == ("taken", "")
    assert actions.assign(case=asked, to=colleague, by=agent, at=LATER).assigned_to == colleague
    actions.answer(case=asked, text="Me!", by=colleague, at=LATER)
    assert actions.assign(case=asked, to=None, by=agent, at=LATER).assigned_to is None
    assert refusal(actions.assign, case=asked, to=asked.member.user, by=agent, at=LATER) == ("staff", "to")


def test_closing_notifies_the_person_if_requested(asked: Case, visited: Case, agent: User) -> None:
    actions.close(case=asked, notify=True, by=agent, at=LATER)
    actions.close(case=visited, notify=True, by=agent, at=LATER)
    assert Notice.objects.filter(code="case_closed").count() == 1
    assert Message.objects.filter(key__contains="-closed-").count() == 2


def test_a_visitors_link_can_be_revoked(visited: Case, asked: Case, agent: User) -> None:
    assert actions.revoke_link(case=visited, by=agent, at=LATER).get_absolute_url() == ""
    assert refusal(actions.revoke_link, case=visited, by=agent, at=LATER) == ("link", "")
    actions.answer(case=visited, text="Still an answer.", by=agent, at=LATER)
    assert "Reply here" not in rendered(Message.objects.latest("pk"))["text"]


def test_erasing_keeps_the_case_but_no_text(visited: Case, agent: User) -> None:
    actions.add_note(case=visited, text="She called.", by=agent, at=LATER)
    erased = actions.erase(case=visited, at=LATER)
    assert (erased.state, erased.subject, erased.visitor_email, erased.email) == (CaseState.CLOSED, "", "", "")
    assert {message.text for message in erased.messages.all()} == {""}
    assert refusal(actions.reopen, case=erased, by=agent, at=LATER) == ("erased", "")
    assert refusal(actions.write_message, case=erased, text="?", by=None, at=LATER) == ("closed", "text")
    assert refusal(actions.add_note, case=erased, text="?", by=agent, at=LATER) == ("erased", "")
    actions.erase(case=erased, at=LATER)


def test_the_database_refuses_inconsistent_cases(asked: Case) -> None:
    for wrong in (
        {"due_at": None},
        {"state": CaseState.CLOSED},
        {"state": CaseState.ANSWERED, "due_at": None},
        {"member": None},
        {"visitor_email": "x@example.org"},
        {"about_id": 3},
        {"kind": "gossip"},
        {"reference": "lower"},
        {"erased_at": LATER},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Case.objects.filter(pk=asked.pk).update(**wrong)
