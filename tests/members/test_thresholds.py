"""Threshold changes: planned, announced, applied, cancelled (R10, R11, R22)."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox import actions as outbox
from cps_portal.core.outbox.models import Message
from members import actions
from members.enums import ChangeState, Level, NoticeCode, PointsCause
from members.models import LevelChange, LevelThreshold, Notice, ThresholdPlan
from tests.rows import each_row
from tests.world import World

NOW = timezone.now()
LATER = NOW + timedelta(hours=1)
TODAY = timezone.localdate(NOW)
DAY = TODAY + timedelta(days=80)
pytestmark = pytest.mark.django_db


def planned(world: World, gold: int = 1100, **changes: object) -> ThresholdPlan:
    """Ana has 1,000 points: Gold, and Silver under this plan."""
    facts = {"effective_on": DAY, "silver": 500, "gold": gold, "platinum": 1600, **changes}
    return actions.plan_thresholds(by=world.staff, at=NOW, **facts)  # type: ignore[arg-type]


def tell(at: object = LATER) -> None:
    for plan in actions.plans_to_announce(ThresholdPlan, at=at):  # type: ignore[arg-type]
        while actions.announce_thresholds_step(plan=plan, limit=1, at=at):  # type: ignore[arg-type]
            pass


def test_a_plan_changes_nothing_before_its_day_and_all_members_on_it(world: World) -> None:
    plan = planned(world)
    tell()
    assert LevelThreshold.objects.in_force(DAY)[Level.GOLD] == 1000, "it is a plan, not a row in force"
    assert actions.begin_due_thresholds(at=NOW + timedelta(days=79)) == []
    day = NOW + timedelta(days=80)
    assert actions.begin_due_thresholds(at=day) == [plan.pk]
    with time_machine.travel(day):
        while actions.apply_thresholds_step(plan=plan.pk, limit=1, at=day):
            pass
    assert not actions.apply_thresholds_step(plan=plan.pk, limit=1, at=day)
    world.ana.refresh_from_db()
    plan.refresh_from_db()
    assert (world.ana.level, world.ana.points, plan.state, plan.moved) == (Level.SILVER, 1000, ChangeState.DONE, 1)
    assert LevelChange.objects.latest("pk").cause == PointsCause.THRESHOLDS
    assert actions.notify_level_changes(limit=10, at=day + timedelta(hours=1))
    assert Notice.objects.filter(member=world.ana, code=NoticeCode.LEVEL_DOWN).count() == 1


def test_only_members_whose_level_changes_are_notified_of_a_plan_and_of_its_cancellation(
    world: World, mailoutbox: list[object]
) -> None:
    plan = planned(world)
    tell()
    tell()
    (message,) = Message.objects.filter(key__startswith="levels-")
    assert message.to == world.ana.user.email
    assert outbox.deliver(message.pk, at=LATER)
    assert "100" in mailoutbox[0].body  # type: ignore[attr-defined]  # what is missing to stay Gold
    actions.cancel_plan(plan=plan, by=world.staff, at=LATER)
    tell(LATER + timedelta(hours=1))
    tell(LATER + timedelta(hours=2))
    assert Message.objects.filter(key__startswith="levels-stay-").count() == 1
    assert Notice.objects.filter(member=world.ana, code=NoticeCode.LEVELS_STAY).count() == 1
    with pytest.raises(Refusal, match="cancelled already"):
        actions.cancel_plan(plan=plan, by=world.staff, at=LATER)


def test_a_plan_cancelled_before_its_mails_are_sent_is_never_mentioned(world: World, mailoutbox: list[object]) -> None:
    plan = planned(world)
    tell()
    actions.cancel_plan(plan=plan, by=world.staff, at=LATER)
    (message,) = Message.objects.filter(key__startswith="levels-")
    outbox.deliver(message.pk, at=LATER)
    tell(LATER + timedelta(hours=1))
    assert mailoutbox == []
    assert not Message.objects.filter(key__startswith="levels-stay-").exists()


def test_a_plan_announced_too_late_waits_for_staff(world: World) -> None:
    plan = planned(world)
    ThresholdPlan.objects.filter(pk=plan.pk).update(announced_at=NOW + timedelta(days=40), told=1)
    assert actions.begin_due_thresholds(at=NOW + timedelta(days=90)) == []


@each_row(
    ("wrong", "field"),
    [
        ({"silver": 0}, "silver"),
        ({"gold": 500}, "gold"),
        ({"platinum": 1100}, "platinum"),
        ({"platinum": 10**9}, "platinum"),
        ({"gold": 1000}, "silver"),  # nothing changes
        ({"effective_on": TODAY}, "effective_on"),
        ({"effective_on": TODAY + timedelta(days=60)}, "effective_on"),
        ({"effective_on": TODAY + timedelta(days=9999)}, "effective_on"),
    ],
)
def test_an_invalid_plan_is_refused_with_the_field(world: World, wrong: dict[str, object], field: str) -> None:
    with pytest.raises(Refusal) as refused:
        planned(world, **wrong)  # type: ignore[arg-type]
    assert refused.value.field == field
    assert not ThresholdPlan.objects.exists()


def test_one_plan_a_day(world: World) -> None:
    planned(world)
    with pytest.raises(Refusal, match="planned for that day"):
        planned(world, gold=1200)


def test_who_cancelled_a_plan_outside_a_request_is_in_its_history(world: World) -> None:
    plan = planned(world)
    actions.cancel_plan(plan=plan, by=world.staff, at=LATER)
    event = plan.events.latest("pgh_id")  # type: ignore[attr-defined]
    assert (event.state, event.pgh_context.metadata["user"]) == ("cancelled", world.staff.pk)
