"""Two agents and one case (R19, R58)."""

from datetime import UTC, datetime

import pytest

from cps_portal.core.lib.errors import Refusal
from members.support import actions
from members.support.enums import CaseKind
from members.support.models import CaseMessage
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
