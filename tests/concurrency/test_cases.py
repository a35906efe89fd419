"""Two agents and one case (R19, R54, R58)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cps_portal.core.lib.errors import Refusal
from members.models import User
from members.support import actions
from members.support.enums import CaseKind, CaseState
from members.support.models import Case, CaseMessage, CaseReader
from tests.concurrency.threads import together
from tests.factories import UserFactory
from tests.world import World

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.mark.django_db(transaction=True)
def test_of_simultaneous_agents_one_takes_the_case_and_one_answers_it(committed_world: World) -> None:
    world = committed_world
    agents = [UserFactory(is_staff=True) for _n in range(4)]
    ask = {"kind": CaseKind.KIT, "subject": "S", "text": "T", "member": world.ana, "by": world.ana.user, "at": NOW}
    taken, answered = actions.open_case(**ask), actions.open_case(**ask)

    def refusals(results: list[object]) -> list[str]:
        return [result.code for result in results if isinstance(result, Refusal)]

    takes = together(*(lambda by=by: actions.take(case=taken, by=by, at=NOW) for by in agents))
    answers = together(*(lambda by=by: actions.answer(case=answered, text="A", by=by, at=NOW) for by in agents))
    assert refusals(takes) == refusals(answers) == ["taken"] * 3
    assert CaseMessage.objects.filter(case=answered).count() == 2
    winner = next(agent for agent, result in zip(agents, answers, strict=True) if not isinstance(result, Refusal))
    answered.refresh_from_db()
    assert answered.assigned_to == winner


@pytest.fixture
def ask(committed_world: World) -> Callable[[], Case]:
    member = committed_world.ana
    values: dict[str, Any] = {"kind": CaseKind.KIT, "text": "T", "member": member, "by": member.user, "at": NOW}
    return lambda: actions.open_case(subject="S", **values)


@pytest.fixture
def agents(committed_world: World) -> list[User]:
    return [UserFactory(is_staff=True) for _n in range(3)]


def codes(results: list[object]) -> list[str]:
    """Of refusals; anything else that went wrong fails here."""
    assert [result for result in results if isinstance(result, Exception) and not isinstance(result, Refusal)] == []
    return [result.code for result in results if isinstance(result, Refusal)]


@pytest.mark.django_db(transaction=True)
def test_two_cases_merged_both_ways_at_once_are_merged_once(ask: Callable[[], Case], agents: list[User]) -> None:
    for _time in range(3):
        first, second = ask(), ask()
        results = together(_merge(first, second, agents[0]), _merge(second, first, agents[1]))
        assert codes(results) == ["merged"]
        rows = Case.objects.filter(pk__in=[first.pk, second.pk])
        assert sorted(rows.values_list("state", flat=True)) == [CaseState.CLOSED, CaseState.OPEN]
        (kept,) = rows.filter(merged_into=None)
        assert CaseMessage.objects.of_case(kept).public().count() == 2


def _merge(case: Case, into: Case, by: User) -> Callable[[], Case]:
    return lambda: actions.merge(case=case, into=into, by=by, at=NOW)


@pytest.mark.django_db(transaction=True)
def test_two_cases_merged_into_different_ones_at_once_leave_no_chain(
    ask: Callable[[], Case], agents: list[User]
) -> None:
    first, second, third = ask(), ask(), ask()
    results = together(
        _merge(first, second, agents[0]), _merge(second, third, agents[1]), _merge(first, third, agents[2])
    )
    assert set(codes(results)) <= {"merged"}
    for row in Case.objects.exclude(merged_into=None).select_related("merged_into"):
        assert row.merged_into and row.merged_into.merged_into_id is None, "an old reference leads there in one step"


@pytest.mark.django_db(transaction=True)
def test_a_message_written_while_cases_are_merged_is_read_in_the_kept_one(
    ask: Callable[[], Case], agents: list[User], committed_world: World
) -> None:
    away, kept = ask(), ask()
    by = committed_world.ana.user
    results = together(
        _merge(away, kept, agents[0]),
        lambda: actions.write_message(case=away, text="Hello?", by=by, at=NOW),
    )
    assert codes(results) == []
    kept.refresh_from_db()
    assert "Hello?" in CaseMessage.objects.of_case(kept).values_list("text", flat=True)
    assert (kept.state, kept.unread_since) == (CaseState.OPEN, NOW)


@pytest.mark.django_db(transaction=True)
def test_of_two_answers_to_the_same_message_one_is_sent(ask: Callable[[], Case], agents: list[User]) -> None:
    """One agent in two windows: the second has not read the first."""
    case = ask()
    seen = case.messages.get().pk
    answers = (lambda: actions.answer(case=case, text="A", by=agents[0], at=NOW, seen=seen),) * 3
    assert codes(together(*answers)) == ["crossed"] * 2
    assert case.messages.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_case_never_closes_by_itself_over_a_reply(
    ask: Callable[[], Case], agents: list[User], committed_world: World
) -> None:
    case, by = ask(), committed_world.ana.user
    actions.answer(case=case, text="A", by=agents[0], at=NOW - timedelta(days=100))
    results = together(
        lambda: actions.close_quiet_cases(at=NOW, limit=10),
        lambda: actions.write_message(case=case, text="B", by=by, at=NOW),
    )
    assert codes(results) == []
    case.refresh_from_db()
    assert (case.state, case.closed_at) == (CaseState.OPEN, None)


@pytest.mark.django_db(transaction=True)
def test_drafts_saved_at_once_are_one_row(ask: Callable[[], Case], agents: list[User]) -> None:
    case = ask()
    save: dict[str, Any] = {"case": case, "by": agents[0], "at": NOW, "is_note": False, "latest": 10**6}
    results = together(*(lambda n=n: actions.save_draft(text=f"{n}", **save) for n in range(4)))
    assert codes(results) == []
    assert CaseReader.objects.get().draft in "0123"
