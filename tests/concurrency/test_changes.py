"""Applying a planned change while members act, and by several workers at once: R21, R22."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from cps_portal.core.outbox.enums import State
from cps_portal.core.outbox.models import Message
from kitbag.actions import planning, registrations, removals, stage_change_notices, stage_changes
from kitbag.enums import RegistrationState, RemovalReason, Stage
from kitbag.models import Announcement, PointsEntry, Registration, StageChange
from members import actions as members
from members.enums import ChangeState
from members.models import LevelChange, Member
from tests import ledger
from tests.concurrency.threads import Background, together
from tests.factories import announced, plan, submitted, validated
from tests.world import World, join

NOW = timezone.now()
DAY = NOW + timedelta(days=100)
pytestmark = pytest.mark.django_db(transaction=True)


def holders(world: World, count: int) -> list[Member]:
    """Each with one copy of the product that is going to be superseded."""
    people = [join(f"holder-{n}", "ZA", world.terms) for n in range(count)]
    for n, member in enumerate(people):
        validated(member, world.pro_body, f"8000000000{n:02}", at=NOW)
    return people


def run(change: StageChange, limit: int = 2) -> None:
    """What a worker does on the day."""
    for key in stage_changes.begin_due(at=DAY):
        while stage_changes.reconcile_step(change=key, limit=limit, at=DAY):
            pass
    while members.notify_level_changes(limit=2, at=DAY + timedelta(hours=1)):
        pass


def assert_applied(change: StageChange) -> None:
    """Finish what is left, as the sweep would: a worker that finds a step locked leaves it to the other."""
    if change.state != ChangeState.DONE:
        while stage_changes.reconcile_step(change=change.pk, limit=10, at=DAY):
            pass
    change.refresh_from_db()
    assert change.state == ChangeState.DONE
    ledger.assert_points_and_levels_follow_the_entries()
    ledger.assert_only_what_is_validated_counts()
    ledger.assert_settling_again_writes_nothing()
    caused = PointsEntry.objects.filter(stage_change=change)
    assert caused.values("registration").distinct().count() == caused.count(), "no entry twice"


def no_errors(results: list[object]) -> None:
    assert not [result for result in results if isinstance(result, Exception)], results


@pytest.mark.parametrize("attempt", range(3))
def test_four_workers_apply_a_change_once(committed_world: World, attempt: int) -> None:
    holders(committed_world, 9)
    change = announced(plan(committed_world.pro_body, Stage.SUPERSEDED, NOW), NOW)
    no_errors(together(*(lambda: run(change) for _ in range(4))))
    assert_applied(change)
    change.refresh_from_db()
    assert (change.holders, change.settled) == (10, 10)


@pytest.mark.parametrize("attempt", range(3))
def test_members_who_register_and_remove_during_the_run_get_the_right_points(
    committed_world: World, attempt: int
) -> None:
    world = committed_world
    people = holders(world, 8)
    change = announced(plan(world.pro_body, Stage.SUPERSEDED, NOW), NOW)
    leaving = list(Registration.objects.filter(member__in=people[::2], product=world.pro_body))
    coming = [submitted(world.ben, world.pro_body, f"81000000000{n}", at=NOW) for n in range(3)]

    def leave() -> None:
        for row in leaving:
            removals.remove_registration(registration=row, reason=RemovalReason.SOLD, by=None, at=DAY)

    def come() -> None:
        for row in coming:
            registrations.check_registration(registration=row, at=DAY)

    no_errors(together(lambda: run(change, 1), leave, come, lambda: run(change, 1)))
    assert_applied(change)
    world.ben.refresh_from_db()
    assert world.ben.points == 3 * 200


def test_a_registration_waits_for_one_batch_at_most(committed_world: World) -> None:
    """The order is forced: a batch is open; its member waits for it, every other member does not."""
    world = committed_world
    ana_row = Registration.objects.get(member=world.ana, product=world.lens)
    holders(world, 3)
    change = announced(plan(world.pro_body, Stage.SUPERSEDED, NOW), NOW)
    stage_changes.begin_change(change=change, at=DAY)
    newcomer = submitted(world.ben, world.body, "820000000001", at=NOW)

    def remove() -> None:
        removals.remove_registration(registration=ana_row, reason=RemovalReason.SOLD, by=None, at=DAY)

    with transaction.atomic():
        stage_changes.reconcile_step(change=change.pk, limit=1, at=DAY)  # Ana's
        other = Background(lambda: registrations.check_registration(registration=newcomer, at=DAY))
        assert other.finish().state == RegistrationState.VALIDATED
        own = Background(remove)
        assert own.is_waiting()
    assert not isinstance(own.finish(), Exception)
    run(change)
    assert_applied(change)


def test_two_workers_announce_a_plan_to_each_holder_once(committed_world: World) -> None:
    world = committed_world
    holders(world, 9)
    (change,) = planning.plan_changes(plans=[plan(world.pro_body, Stage.SUPERSEDED, NOW)], by=None, at=NOW)
    later = NOW + timedelta(hours=1)
    late = submitted(world.ben, world.pro_body, "830000000001", at=NOW)

    def notify() -> None:
        while stage_change_notices.notify_holders_step(change=change.pk, limit=2, at=later):
            pass

    no_errors(together(notify, notify, lambda: registrations.check_registration(registration=late, at=later)))
    notify()
    assert Announcement.objects.filter(change=change).count() == 11
    ledger.assert_nobody_is_told_twice()
    ledger.assert_every_holder_was_told(change)


def test_a_plan_waits_for_an_open_validation_so_that_its_member_is_notified(committed_world: World) -> None:
    """Without the wait the plan is announced to everybody it can see while Ben is still validating."""
    world = committed_world
    row = submitted(world.ben, world.pro_body, "840000000001", at=NOW)
    with transaction.atomic():
        registrations.check_registration(registration=row, at=NOW)
        planned = Background(lambda: announced(plan(world.pro_body, Stage.SUPERSEDED, NOW), NOW))
        assert planned.is_waiting()
    change = planned.finish()
    ledger.assert_every_holder_was_told(change)


def test_cancelling_and_applying_a_plan_at_once_does_one_of_the_two(committed_world: World) -> None:
    world = committed_world
    change = announced(plan(world.pro_body, Stage.SUPERSEDED, NOW), NOW)
    together(
        lambda: planning.cancel_change(change=change, by=None, at=DAY),
        lambda: stage_changes.begin_change(change=change, at=DAY),
    )
    change.refresh_from_db()
    world.pro_body.refresh_from_db()
    assert (change.state, world.pro_body.stage) in [
        (ChangeState.CANCELLED, Stage.CURRENT),
        (ChangeState.RUNNING, Stage.SUPERSEDED),
    ]


def test_two_workers_notify_of_each_level_change_once(committed_world: World) -> None:
    world = committed_world
    holders(world, 6)
    assert members.notify_level_changes(limit=100, at=NOW + timedelta(hours=1))  # they know of their first level
    Message.objects.update(state=State.SENT, attempts=1, next_at=None, sent_at=NOW)
    change = announced(plan(world.pro_body, Stage.SUPERSEDED, NOW), NOW)
    stage_changes.begin_change(change=change, at=DAY)
    while stage_changes.reconcile_step(change=change.pk, limit=3, at=DAY):
        pass

    def notify() -> None:
        while members.notify_level_changes(limit=2, at=DAY + timedelta(hours=1)):
            pass

    no_errors(together(notify, notify))
    notify()
    ledger.assert_nobody_is_told_twice()
    moved = LevelChange.objects.filter(cause="superseded")
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(*) from outbox_message where key = any(%s)", [[f"level-{row.pk}" for row in moved]]
        )
        assert cursor.fetchone() == (moved.count(),)
