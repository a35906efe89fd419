"""Races on real Postgres: R11, R22, R31."""

from datetime import UTC, datetime

import pytest
from django.db import transaction
from django.db.models import Sum

from kitbag.actions import ledger, registrations, removals, stage_changes
from kitbag.enums import RegistrationState, RemovalReason, ReviewReason, Stage
from kitbag.models import PointsEntry, Registration, StageChange
from members.enums import PointsCause
from members.models import Member
from tests.concurrency.threads import Background, together
from tests.factories import announced, plan, submitted
from tests.world import World

NOW = datetime(2026, 3, 1, tzinfo=UTC)
pytestmark = pytest.mark.django_db(transaction=True)


def check(row: Registration) -> Registration:
    return registrations.check_registration(registration=row, at=NOW)


def assert_ledger_agrees() -> None:
    for member in Member.objects.all():
        total = PointsEntry.objects.filter(member=member).aggregate(sum=Sum("amount"))["sum"] or 0
        assert member.points == total
    for row in Registration.objects.with_counted().select_related("product"):
        assert row.counted == (row.product.points if row.state == RegistrationState.VALIDATED else 0)


@pytest.mark.parametrize("attempt", range(10))
def test_two_members_with_the_same_serial_one_counts_and_one_waits(committed_world: World, attempt: int) -> None:
    world = committed_world
    rows = [submitted(member, world.pro_body, "400000000001") for member in (world.ben, world.chloe)]
    results = together(*(lambda row=row: check(row) for row in rows))
    assert sorted(row.state for row in results) == [RegistrationState.SUBMITTED, RegistrationState.VALIDATED]
    assert [row.review_reason for row in results if row.state == RegistrationState.SUBMITTED] == [
        ReviewReason.DUPLICATE
    ]
    assert_ledger_agrees()


def test_one_registration_checked_by_eight_workers_counts_once(committed_world: World) -> None:
    row = submitted(committed_world.ben, committed_world.body, "400000000001")
    results = together(*(lambda: check(row) for _ in range(8)))
    assert {result.state for result in results} == {RegistrationState.VALIDATED}
    assert PointsEntry.objects.filter(registration=row).count() == 1
    assert_ledger_agrees()


@pytest.mark.parametrize("attempt", range(5))
def test_reconciling_during_a_removal_leaves_the_right_points(committed_world: World, attempt: int) -> None:
    world = committed_world
    row = Registration.objects.get(member=world.ana, product=world.pro_body)

    def reconcile() -> None:
        with transaction.atomic():
            keys = list(Registration.objects.values_list("pk", flat=True))
            ledger.reconcile(registrations=keys, cause=PointsCause.VALIDATED, about="", by=None, at=NOW)

    def remove() -> None:
        removals.remove_registration(registration=row, reason=RemovalReason.SOLD, by=None, at=NOW)

    results = together(reconcile, remove, reconcile)
    assert not [result for result in results if isinstance(result, Exception)], results
    assert_ledger_agrees()


def test_the_same_member_validating_many_at_once_loses_no_point(committed_world: World) -> None:
    world = committed_world
    rows = [submitted(world.ben, world.body, f"50000000000{n}") for n in range(6)]
    results = together(*(lambda row=row: check(row) for row in rows))
    assert {row.state for row in results} == {RegistrationState.VALIDATED}
    world.ben.refresh_from_db()
    assert world.ben.points == 6 * 300
    assert_ledger_agrees()


def change_and_reconcile(change: StageChange) -> None:
    """What the task does: change the stage, commit, then reconcile the holders it can see."""
    stage_changes.begin_change(change=change, at=NOW)
    while stage_changes.reconcile_step(change=change.pk, limit=100, at=NOW):
        pass


def test_a_stage_change_waits_for_an_open_validation_and_misses_no_holder(committed_world: World) -> None:
    """The order is forced: Ben, who holds no other copy, is still validating when the change comes."""
    world = committed_world
    row = submitted(world.ben, world.pro_body, "600000000001")
    planned = announced(plan(world.pro_body, Stage.SUPERSEDED, NOW), NOW)
    with transaction.atomic():
        check(row)
        change = Background(lambda: change_and_reconcile(planned))
        assert change.is_waiting(), "the change must wait for the open validation"
    assert not isinstance(change.finish(), Exception)
    world.pro_body.refresh_from_db()
    world.ben.refresh_from_db()
    assert (world.pro_body.stage, world.ben.points) == (Stage.SUPERSEDED, 200)
    assert_ledger_agrees()


def test_without_the_rules_lock_the_same_order_goes_wrong(
    committed_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shows that the test above can fail: the lock, and nothing else, keeps the holder from being missed."""
    world = committed_world
    row = submitted(world.ben, world.pro_body, "600000000001")
    planned = announced(plan(world.pro_body, Stage.SUPERSEDED, NOW), NOW)
    monkeypatch.setattr(ledger, "lock_rules_shared", lambda: None)
    with transaction.atomic():
        check(row)
        change = Background(lambda: change_and_reconcile(planned))
        change.finish()  # nothing holds it up
    world.pro_body.refresh_from_db()
    world.ben.refresh_from_db()
    assert (world.pro_body.points, world.ben.points) == (200, 500)


def test_a_removal_and_a_check_at_once_leave_nothing_counted(committed_world: World) -> None:
    world = committed_world
    row = submitted(world.ben, world.body, "700000000001")

    def remove() -> None:
        removals.remove_registration(registration=row, reason=RemovalReason.MISTAKE, by=None, at=NOW)

    results = together(lambda: check(row), remove)
    assert not [result for result in results if isinstance(result, Exception)], results
    row.refresh_from_db()
    world.ben.refresh_from_db()
    assert (row.state, world.ben.points) == (RegistrationState.REMOVED, 0)
    assert_ledger_agrees()
