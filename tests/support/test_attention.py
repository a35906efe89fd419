"""Snoozing, reading, drafts and merging: what the desk does with a case besides answering it (R54)."""

from datetime import timedelta
from typing import Any

import pytest

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox.models import Message
from members.models import Member, User
from members.support import actions, rules
from members.support.enums import CaseGroup, CaseKind, CaseState
from members.support.models import Case, CaseMessage, CaseReader
from tests.rows import each_row
from tests.support.conftest import MONDAY, VISITOR
from tests.world import World

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
LATER = MONDAY + HOUR


def code(action: Any, **arguments: Any) -> str:
    with pytest.raises(Refusal) as refused:
        action(**arguments)
    return refused.value.code


def another(member: Member, at: Any = MONDAY, **values: Any) -> Case:
    values = {"kind": CaseKind.CONTACT, "subject": "Strap", "text": "And my strap?", **values}
    return actions.open_case(member=member, by=member.user, at=at, **values)


def claim_of(member: Member) -> Case:
    return actions.open_case(kind=CaseKind.CLAIM, subject="S", text="T", member=member, by=None, at=MONDAY, asks=True)


# --- Groups, as pure rules -------------------------------------------------------------------------


def test_the_group_of_a_case_follows_from_its_turn_its_target_and_its_snooze() -> None:
    """R58: the target of the answer is a promise, which a snooze does not hide."""
    late, soon = MONDAY - HOUR, MONDAY + HOUR
    for state, due, snoozed, group in (
        (CaseState.OPEN, late, False, CaseGroup.OVERDUE),
        (CaseState.OPEN, late, True, CaseGroup.OVERDUE),
        (CaseState.OPEN, MONDAY, False, CaseGroup.OURS),
        (CaseState.OPEN, soon, False, CaseGroup.OURS),
        (CaseState.OPEN, soon, True, CaseGroup.SNOOZED),
        (CaseState.WAITING, None, False, CaseGroup.THEIRS),
        (CaseState.WAITING, None, True, CaseGroup.SNOOZED),
        (CaseState.ANSWERED, None, False, CaseGroup.THEIRS),
        (CaseState.ANSWERED, None, True, CaseGroup.SNOOZED),
        (CaseState.CLOSED, None, False, CaseGroup.CLOSED),
        (CaseState.CLOSED, None, True, CaseGroup.CLOSED),
    ):
        assert rules.group_of(state=state, due_at=due, is_snoozed=snoozed, at=MONDAY) == group, (state, due, snoozed)


def test_a_snooze_ends_at_its_time_or_when_the_job_moves_on() -> None:
    for snoozed_at, until, moved, lasts in (
        (None, None, None, False),
        (MONDAY - HOUR, MONDAY + HOUR, None, True),
        (MONDAY - HOUR, MONDAY, None, False),
        (MONDAY - HOUR, MONDAY - timedelta(minutes=1), None, False),
        (MONDAY - HOUR, None, None, True),
        (MONDAY - HOUR, None, MONDAY - DAY, True),
        (MONDAY - HOUR, None, MONDAY - HOUR, True),
        (MONDAY - HOUR, None, MONDAY, False),
    ):
        row = {"snoozed_at": snoozed_at, "snoozed_until": until, "job_moved_at": moved}
        assert rules.is_snoozed(**row, at=MONDAY) == lasts, row


# --- Snooze ----------------------------------------------------------------------------------------


@each_row("until, expected", [(HOUR, ""), (timedelta(0), "past"), (-HOUR, "past"), (60 * DAY, ""), (61 * DAY, "far")])
def test_a_snooze_has_an_end_in_the_next_days(asked: Case, agent: User, until: timedelta, expected: str) -> None:
    snooze = {"case": asked, "until": LATER + until, "by": agent, "at": LATER}
    if expected:
        assert code(actions.snooze, **snooze) == expected
    else:
        assert actions.snooze(**snooze).snoozed_until == LATER + until


@each_row("wakes", ["writes", "answer", "close", "wake"])
def test_what_wakes_a_snoozed_case(asked: Case, world: World, agent: User, wakes: str) -> None:
    actions.snooze(case=asked, by=agent, at=LATER, job="MQF2KG6X")
    due = asked.due_at
    do = {
        "writes": lambda: actions.write_message(case=asked, text="?", by=world.ana.user, at=LATER),
        "answer": lambda: actions.answer(case=asked, text="!", by=agent, at=LATER),
        "close": lambda: actions.close(case=asked, by=agent, at=LATER),
        "wake": lambda: actions.wake(case=asked, by=agent),
    }
    do[wakes]()
    asked.refresh_from_db()
    assert (asked.snoozed_at, asked.snoozed_until, asked.snoozed_job) == (None, None, "")
    assert asked.due_at in (due, None), "a snooze never moves the answer"
    if wakes == "close":
        assert code(actions.snooze, case=asked, by=agent, at=LATER) == "closed"


# --- Unread and drafts -----------------------------------------------------------------------------


def test_a_case_is_unread_from_the_first_message_that_nobody_of_staff_has_read(
    asked: Case, world: World, agent: User
) -> None:
    assert asked.unread_since == MONDAY
    first = asked.messages.get()
    actions.write_message(case=asked, text="Hello?", by=world.ana.user, at=LATER)
    asked.refresh_from_db()
    assert asked.unread_since == MONDAY, "the oldest counts"
    actions.mark_read(case=asked, seen=first.pk)
    asked.refresh_from_db()
    assert asked.unread_since == MONDAY, "a message that came after the page was drawn stays unread"
    actions.mark_read(case=asked, seen=first.pk + 1000)
    asked.refresh_from_db()
    assert asked.unread_since is None
    actions.answer(case=asked, text="Here", by=agent, at=LATER)
    actions.write_message(case=asked, text="Thanks", by=world.ana.user, at=LATER + DAY)
    asked.refresh_from_db()
    assert asked.unread_since == LATER + DAY
    actions.close(case=asked, by=agent, at=LATER + DAY)
    asked.refresh_from_db()
    assert asked.unread_since is None


def test_what_staff_and_what_the_portal_ask_is_not_unread(world: World, agent: User) -> None:
    by_staff = actions.open_case(
        kind=CaseKind.CONTACT, subject="S", text="T", member=world.ana, by=agent, at=MONDAY, asks=True
    )
    by_portal = actions.open_case(
        kind=CaseKind.CLAIM, subject="S", text="T", member=world.ana, by=None, at=MONDAY, asks=True
    )
    assert by_staff.unread_since is by_portal.unread_since is None


def test_a_draft_is_kept_for_each_of_staff_until_it_is_sent(asked: Case, agent: User, colleague: User) -> None:
    latest = asked.messages.get().pk
    for by, text in ((agent, "Dear"), (agent, "Dear Ana"), (colleague, "Hello")):
        actions.save_draft(case=asked, by=by, at=LATER, text=text, is_note=False, latest=latest)
    drafts = dict(CaseReader.objects.values_list("user__email", "draft"))
    assert drafts == {agent.email: "Dear Ana", colleague.email: "Hello"}
    actions.answer(case=asked, text="Dear Ana, here.", by=agent, at=LATER)
    reader = CaseReader.objects.get(user=agent)
    assert (reader.draft, reader.typing_at) == ("", None)
    actions.save_draft(case=asked, by=agent, at=LATER, text="Dear Ana", is_note=False, latest=latest)
    reader.refresh_from_db()
    assert reader.draft == "", "what arrives after the answer was sent is the answer"
    actions.add_note(case=asked, text="Rude", by=colleague, at=LATER)
    assert CaseReader.objects.get(user=colleague).draft == ""
    assert (
        code(actions.save_draft, case=asked, by=agent, at=LATER, text="x" * 5001, is_note=False, latest=latest)
        == "long"
    )


def test_only_typing_counts_as_typing(asked: Case, agent: User) -> None:
    latest = asked.messages.get().pk
    for minutes, text in ((0, ""), (1, "a"), (2, "a"), (3, "ab")):
        at = LATER + timedelta(minutes=minutes)
        actions.save_draft(case=asked, by=agent, at=at, text=text, is_note=True, latest=latest)
        reader = CaseReader.objects.get()
        assert reader.seen_at == at
        assert reader.typing_at == (None if minutes == 0 else LATER + timedelta(minutes={1: 1, 2: 1, 3: 3}[minutes]))


# --- Merging ---------------------------------------------------------------------------------------


def test_two_cases_of_one_person_are_read_together_and_keep_the_earlier_target(
    asked: Case, world: World, agent: User
) -> None:
    later = another(world.ana, LATER)
    before = Message.objects.count()
    kept = actions.merge(case=asked, into=later, by=agent, at=LATER + HOUR)
    asked.refresh_from_db()
    assert (asked.state, asked.merged_into) == (CaseState.CLOSED, kept)
    assert (kept.state, kept.due_at, kept.unread_since) == (
        CaseState.OPEN,
        actions.answer_due(world.ana, MONDAY),
        MONDAY,
    )
    public = CaseMessage.objects.of_case(kept).public()
    assert [message.text for message in public] == ["Where is my grip?", "And my strap?"]
    assert asked.messages.count() == 1, "no message changes its case"
    assert Message.objects.count() == before, "nobody is told of it"
    message = actions.write_message(case=asked, text="Found it", by=world.ana.user, at=LATER + HOUR)
    assert message.case == kept, "a reply to the old one goes to the kept one"
    assert code(actions.reopen, case=asked, by=agent, at=LATER) == "merged"


def test_what_was_merged_before_follows_into_the_next(asked: Case, world: World, agent: User) -> None:
    second, third = another(world.ana), another(world.ana)
    actions.merge(case=asked, into=second, by=agent, at=LATER)
    actions.merge(case=second, into=third, by=agent, at=LATER)
    asked.refresh_from_db()
    assert asked.merged_into == third
    assert CaseMessage.objects.of_case(third).public().count() == 3


def test_which_cases_cannot_be_merged(asked: Case, visited: Case, world: World, agent: User) -> None:
    closed, merged, erased = (another(world.ana) for _n in range(3))
    claim = actions.open_case(
        kind=CaseKind.CLAIM, subject="S", text="T", member=world.ana, by=None, at=MONDAY, asks=True
    )
    actions.close(case=closed, by=agent, at=LATER)
    actions.merge(case=merged, into=another(world.ana), by=agent, at=LATER)
    actions.erase(case=erased, at=LATER)
    stranger = actions.open_case(
        kind=CaseKind.CONTACT,
        subject="S",
        text="T",
        visitor=actions.Visitor("Vera", "w@example.org"),
        by=None,
        at=MONDAY,
    )
    for case, into, expected in (
        (asked, asked, "same"),
        (asked, another(world.ben), "person"),
        (asked, visited, "person"),
        (visited, asked, "person"),
        (visited, stranger, "person"),
        (asked, claim, "kind"),
        (claim, asked, "kind"),
        (asked, closed, "closed"),
        (asked, merged, "merged"),
        (merged, asked, "merged"),
        (asked, erased, "erased"),
        (erased, asked, "erased"),
    ):
        assert code(actions.merge, case=case, into=into, by=agent, at=LATER) == expected, (str(case), str(into))
    again = actions.Visitor("V. Visitor", VISITOR.email.upper())
    own = actions.open_case(kind=CaseKind.CONTACT, subject="S", text="T", visitor=again, by=None, at=LATER)
    assert actions.merge(case=visited, into=own, by=agent, at=LATER) == own
    assert actions.merge(case=closed, into=asked, by=agent, at=LATER) == asked, "a closed one can be merged away"
