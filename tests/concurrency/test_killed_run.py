"""A worker killed in the middle of a run over 20,000 members: R22."""

import signal
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from cps_portal.core.lib.background import queue_task
from cps_portal.core.outbox.models import Message
from cps_portal.dev import crowd
from kitbag.actions import planning, stage_change_notices
from kitbag.actions.planning import Plan
from kitbag.enums import Stage
from kitbag.models import PointsEntry, StageChange
from members.enums import ChangeState
from members.models import LevelChange, Member, PendingLevelNotice
from tests.factories import ProductFactory
from tests.workers import Broker, StartWorker, wait_until
from tests.world import World

MEMBERS = 20_000
pytestmark = [pytest.mark.launcher, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_broker")]


def announced_long_ago(held: crowd.Held, world: World) -> StageChange:
    before = timezone.now() - timedelta(days=100)
    plan = Plan(held.product, Stage.SUPERSEDED, timezone.localdate(), world.grip)
    (change,) = planning.plan_changes(plans=[plan], by=None, at=before)
    while stage_change_notices.notify_holders_step(change=change.pk, limit=1000, at=before + timedelta(hours=1)):
        pass
    change.refresh_from_db()
    return change


def settled(change: StageChange) -> int:
    return StageChange.objects.get(pk=change.pk).settled


def wait_with_sweeps(change: StageChange, true: Callable[[], bool]) -> None:
    """Sweep every other second. Beat does it once a minute: stalled changes, and level changes still to be notified.

    The database may still hold the locks of a killed worker. The next worker then skips the step, until a sweep. Only a
    run that stands still fails, because how long it takes depends on the machine.
    """
    swept = 0.0

    def sweep_and_look() -> bool:
        nonlocal swept
        if time.monotonic() > swept + 2:
            StageChange.objects.filter(pk=change.pk, state=ChangeState.RUNNING).update(stepped_at=None)
            queue_task("kitbag.apply_due_changes")
            queue_task("members.notify_level_changes")
            swept = time.monotonic()
        return true()

    wait_until(sweep_and_look, progress=lambda: (settled(change), PendingLevelNotice.objects.count()))


def test_a_run_whose_workers_are_killed_loses_and_doubles_no_entry(
    committed_world: World, broker: Broker, start_worker: StartWorker
) -> None:
    ProductFactory.create_batch(3)
    held = crowd.make(members=MEMBERS, registrations=MEMBERS)[0]
    change = announced_long_ago(held, committed_world)
    holders = held.product.registrations.filter(state="validated").count()
    assert holders > MEMBERS * 0.7
    Message.objects.all().delete()  # the e-mails of the announcement do not matter here
    kills = 0
    while settled(change) < holders and kills < 5:
        begun, worker = settled(change), start_worker()
        wait_with_sweeps(change, lambda begun=begun: settled(change) > begun)  # type: ignore[misc]
        time.sleep(0.3)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        kills += 1
    assert kills >= 2, "it was over before it could be killed"
    start_worker()
    wait_with_sweeps(change, lambda: StageChange.objects.filter(pk=change.pk, state=ChangeState.DONE).exists())
    wait_with_sweeps(change, lambda: not PendingLevelNotice.objects.exists())
    entries = PointsEntry.objects.filter(stage_change=change)
    assert entries.count() == entries.values("registration").distinct().count() == holders == settled(change)
    moved = LevelChange.objects.filter(cause="superseded")
    assert Message.objects.filter(key__startswith="level-").count() == moved.values("member").distinct().count()
    assert_points_agree()


def assert_points_agree() -> None:
    """Every member's points are the sum of their entries."""
    wrong = Member.objects.raw(
        "select m.id from members_member m left join kitbag_pointsentry e on e.member_id = m.id "
        "group by m.id having m.points <> coalesce(sum(e.amount), 0)"
    )
    assert list(wrong) == []
