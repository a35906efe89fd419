"""Races of a handover on real Postgres: R20, R22, R35."""

from datetime import UTC, datetime

import pytest
from django.db import transaction

from cps_portal.core.lib.errors import Refusal
from kitbag.actions import handovers, removals
from kitbag.enums import RegistrationState, RemovalReason, Stage
from kitbag.models import Handover, Registration
from members.models import Member
from tests.concurrency.test_races import assert_ledger_agrees, change_and_reconcile
from tests.concurrency.threads import Background, together
from tests.factories import announced, plan, validated
from tests.world import World

NOW = datetime(2026, 3, 1, tzinfo=UTC)
pytestmark = pytest.mark.django_db(transaction=True)
KEPT, GONE, REMOVED = RegistrationState.VALIDATED, RegistrationState.TRANSFERRED, RegistrationState.REMOVED


def owned(world: World) -> Registration:
    return Registration.objects.get(member=world.ana, product=world.pro_body)


def released(world: World) -> str:
    return handovers.release(registration=owned(world), by=world.ana.user, at=NOW).code


def redeem(code: str, member: Member) -> Registration:
    return handovers.redeem(code=code, member=member, by=member.user, at=NOW)


def counting() -> int:
    return Registration.objects.filter(serial_key="100000000001", state=KEPT).count()


def assert_only_refusals(results: list[object]) -> None:
    assert not [result for result in results if isinstance(result, Exception) and not isinstance(result, Refusal)]
    assert_ledger_agrees()


@pytest.mark.parametrize("attempt", range(5))
def test_of_two_members_who_redeem_at_once_one_gets_the_product(committed_world: World, attempt: int) -> None:
    world = committed_world
    code = released(world)
    results = together(*(lambda member=member: redeem(code, member) for member in (world.ben, world.chloe, world.ben)))
    assert_only_refusals(results)
    won = [result for result in results if isinstance(result, Registration)]
    assert len(won) == 1 == counting()
    assert {result.code for result in results if isinstance(result, Refusal)} == {"unknown"}
    assert owned(world).state == GONE
    assert Handover.objects.get().redeemed_as == won[0]


@pytest.mark.parametrize("attempt", range(4))
def test_redeeming_while_the_code_is_cancelled(committed_world: World, attempt: int) -> None:
    world = committed_world
    code = released(world)
    results = together(
        lambda: redeem(code, world.ben),
        lambda: handovers.revoke(registration=owned(world), by=world.ana.user, at=NOW),
    )
    assert_only_refusals(results)
    assert len([result for result in results if isinstance(result, Refusal)]) == 1
    assert counting() == 1
    went = isinstance(results[0], Registration)
    assert owned(world).state == (GONE if went else KEPT)


@pytest.mark.parametrize("attempt", range(4))
def test_redeeming_while_a_removal_is_undone(committed_world: World, attempt: int) -> None:
    world = committed_world
    code = released(world)
    row = owned(world)

    def remove() -> None:
        removals.remove_registration(registration=row, reason=RemovalReason.SOLD, by=None, at=NOW)

    results = together(lambda: redeem(code, world.ben), remove)
    assert_only_refusals(results)
    went = isinstance(results[0], Registration)
    assert owned(world).state == (GONE if went else REMOVED)
    assert counting() == int(went)
    if not went:
        removals.undo_removal(registration=row, by=world.ana.user, at=NOW)
        with pytest.raises(Refusal):
            redeem(code, world.ben)
    assert counting() == 1
    assert_ledger_agrees()


def test_undoing_while_another_member_registers_it_counts_once(committed_world: World) -> None:
    world = committed_world
    row = owned(world)
    removals.remove_registration(registration=row, reason=RemovalReason.LOST, by=None, at=NOW)
    results = together(
        lambda: removals.undo_removal(registration=row, by=world.ana.user, at=NOW),
        lambda: validated(world.ben, world.pro_body, "100000000001", at=NOW),
    )
    assert_only_refusals(results)
    assert counting() == 1


def test_two_members_who_hand_over_to_each_other_do_not_deadlock(committed_world: World) -> None:
    world = committed_world
    bens = validated(world.ben, world.lens, "1000009", at=NOW)
    codes = [released(world), handovers.release(registration=bens, by=world.ben.user, at=NOW).code]
    results = together(lambda: redeem(codes[0], world.ben), lambda: redeem(codes[1], world.ana))
    assert [type(result) for result in results] == [Registration, Registration]
    assert_ledger_agrees()


@pytest.mark.parametrize("attempt", range(4))
def test_a_stage_change_at_the_same_time_leaves_the_right_points(committed_world: World, attempt: int) -> None:
    world = committed_world
    code = released(world)
    change = announced(plan(world.pro_body, Stage.SUPERSEDED, NOW), NOW)
    results = together(lambda: redeem(code, world.ben), lambda: change_and_reconcile(change))
    assert not [result for result in results if isinstance(result, Exception)], results
    world.ben.refresh_from_db()
    world.ana.refresh_from_db()
    assert (world.ben.points, world.ana.points) == (200, 500)
    assert_ledger_agrees()


def test_a_stage_change_waits_for_an_open_handover_and_misses_no_holder(committed_world: World) -> None:
    """The order is forced: Ben's registration is not visible yet when the change begins."""
    world = committed_world
    code = released(world)
    planned = announced(plan(world.pro_body, Stage.SUPERSEDED, NOW), NOW)
    with transaction.atomic():
        redeem(code, world.ben)
        change = Background(lambda: change_and_reconcile(planned))
        assert change.is_waiting(), "the change must wait for the open handover"
    assert not isinstance(change.finish(), Exception)
    world.ben.refresh_from_db()
    assert world.ben.points == 200
    assert_ledger_agrees()


def test_a_stage_change_between_release_and_redeem_counts_for_the_buyer(committed_world: World) -> None:
    world = committed_world
    code = released(world)
    change_and_reconcile(announced(plan(world.pro_body, Stage.SUPERSEDED, NOW), NOW))
    redeem(code, world.ben)
    world.ben.refresh_from_db()
    world.ana.refresh_from_db()
    assert (world.ben.points, world.ana.points) == (200, 500)
    assert_ledger_agrees()
