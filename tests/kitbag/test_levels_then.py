"""What a change of the levels means is told by the points of its day, not by those of today (R22, R70)."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from kitbag.actions import adjustments
from kitbag.enums import Stage
from kitbag.queries.forecast import Step, points_on
from members import actions
from members.emails import levels_then
from members.enums import ChangeState, Level, NoticeCode
from members.models import Member, ThresholdPlan
from tests.factories import announced, plan
from tests.mails import mails_to
from tests.notices import shown
from tests.rows import each_row
from tests.world import World

NOW = timezone.now().replace(microsecond=0)
TODAY = timezone.localdate(NOW)
ROWS = [(Level.RED, 0, date(2020, 1, 1)), (Level.SILVER, 500, date(2020, 1, 1))]
ROWS += [(Level.GOLD, 1000, date(2020, 1, 1)), (Level.PLATINUM, 1600, date(2020, 1, 1))]


@each_row(
    "points, gold, state, after",
    [
        (1000, 1200, ChangeState.PLANNED, "silver"),
        (1199, 1200, ChangeState.PLANNED, "silver"),
        (1200, 1200, ChangeState.PLANNED, ""),
        (999, 1200, ChangeState.PLANNED, ""),
        (900, 900, ChangeState.PLANNED, "gold"),
        (899, 900, ChangeState.PLANNED, ""),
        (0, 1200, ChangeState.PLANNED, ""),
        (5000, 1200, ChangeState.PLANNED, ""),
        (1000, 1200, ChangeState.CANCELLED, ""),
        (1000, 1200, ChangeState.RUNNING, ""),
        (1000, 1200, ChangeState.DONE, ""),
    ],
)
def test_the_level_by_the_points_of_that_day(points: int, gold: int, state: str, after: str) -> None:
    row = ThresholdPlan(effective_on=TODAY, silver=500, gold=gold, platinum=1600, state=state)
    then = levels_then(row, points, ROWS)
    assert (then.after.value if then else "") == after
    assert then is None or then.points == points


def test_an_earlier_plan_counts_as_done_by_then() -> None:
    row = ThresholdPlan(effective_on=TODAY, silver=500, gold=1200, platinum=1600, state=ChangeState.PLANNED)
    earlier = [*ROWS, (Level.GOLD, 1100, TODAY - timedelta(days=1))]
    assert levels_then(row, 1050, ROWS) is not None
    assert levels_then(row, 1050, earlier) is None, "Silver already"
    assert levels_then(row, 1050, [*ROWS, (Level.GOLD, 1100, TODAY + timedelta(days=1))]) is not None


def test_the_points_of_a_day() -> None:
    steps = [Step(TODAY + timedelta(days=n), 0, 100 - n, Level.RED, Level.RED, {}) for n in (3, 5, 9)]
    wanted = {0: 7, 2: 7, 3: 97, 4: 97, 5: 95, 8: 95, 9: 91, 99: 91}
    assert {n: points_on(TODAY + timedelta(days=n), steps, 7) for n in wanted} == wanted
    assert points_on(TODAY, [], 7) == 7


def raise_gold(world: World, days: int = 80) -> ThresholdPlan:
    """Ana, with 1,000 points, would be Silver then."""
    on = TODAY + timedelta(days=days)
    row = actions.plan_thresholds(effective_on=on, silver=500, gold=1200, platinum=1600, by=world.staff, at=NOW)
    actions.announce_thresholds_step(plan=row.pk, limit=9, at=NOW + timedelta(hours=1))
    return row


def words(member: Member) -> tuple[list[str], list[str]]:
    """What the dashboard says of levels to come, and the mails that would leave."""
    notices = [str(line.detail) for line in shown(member) if line.code == NoticeCode.LEVELS_WILL_CHANGE]
    return notices, [mail["text"] for mail in mails_to(member, "levels-")]


@pytest.mark.django_db
def test_without_other_plans_it_is_todays_points(world: World) -> None:
    raise_gold(world)
    (notice,), (mail,) = words(world.ana)
    assert "With your 1,000 points" in notice and "Silver" in notice
    assert "With your 1,000 points you’re Gold now, and you’ll be Silver then" in " ".join(mail.split())


@pytest.mark.django_db
def test_an_adjustment_that_ends_before_counts_no_longer(world: World) -> None:
    raise_gold(world)
    world.ana.refresh_from_db()
    until = TODAY + timedelta(days=40)
    adjustments.adjust_points(member=world.ana, points=150, reason="x", expires_on=until, by=world.staff, at=NOW)
    (notice,), (mail,) = words(world.ana)
    assert "1,000 points" in notice and "1,150" not in notice
    assert "1,000 points then" in " ".join(mail.split()) and "1,150" not in mail


@pytest.mark.django_db
def test_nothing_is_said_if_the_level_falls_before_for_another_reason(world: World) -> None:
    raise_gold(world, days=300)
    assert all(words(world.ana))
    announced(plan(world.body, Stage.SUPERSEDED, NOW), NOW)
    assert words(world.ana) == ([], []), "they are Silver on that day, with or without the new levels"
