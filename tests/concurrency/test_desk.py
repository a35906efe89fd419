"""Races in reviews: taking, deciding, claims during removals and stage changes (R11, R19, R22, R32)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cps_portal.core.lib.errors import Refusal
from kitbag.actions import claims, held_decisions, registrations, removals, review
from kitbag.enums import ClaimOutcome, RefusalReason, RegistrationState, RemovalReason, ReviewReason, Stage
from kitbag.models import Claim, HeldDecision, Registration
from kitbag.queries.versions import version_of
from members.models import Member, User
from tests.concurrency.test_races import assert_ledger_agrees, change_and_reconcile
from tests.concurrency.threads import together
from tests.factories import UserFactory, announced, plan, submitted, validated, with_receipt
from tests.world import World

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
LATE = NOW + timedelta(days=16)
SERIAL = "100000000001"
pytestmark = pytest.mark.django_db(transaction=True)


def waiting(world: World, count: int) -> list[Registration]:
    rows = [submitted(world.ben, world.body, f"5821{n}", insisted=True, at=NOW) for n in range(count)]
    return [registrations.check_registration(registration=row, at=NOW) for row in rows]


def codes(results: list[Any]) -> list[str]:
    """The codes of the refusals. Any other exception fails the test."""
    broken = [result for result in results if isinstance(result, Exception) and not isinstance(result, Refusal)]
    assert broken == []
    return sorted(result.code for result in results if isinstance(result, Refusal))


def test_agents_who_press_next_at_once_get_different_registrations(committed_world: World) -> None:
    rows = waiting(committed_world, 4)
    agents = [UserFactory(is_staff=True) for _n in range(4)]
    taken = together(*(lambda by=by: review.take_next(by=by, at=NOW) for by in agents))
    assert codes(taken) == []
    assert {row.pk for row in taken} == {row.pk for row in rows}


def test_one_of_several_simultaneous_decisions_counts(committed_world: World) -> None:
    world = committed_world
    (row,) = waiting(world, 1)
    agents = [UserFactory(is_staff=True) for _n in range(2)]
    results = together(
        lambda: review.approve_registration(registration=row, by=agents[0], at=NOW),
        lambda: review.refuse_registration(registration=row, reason=RefusalReason.SERIAL_WRONG, by=agents[1], at=NOW),
        lambda: review.ask_for_more(registration=row, text="A photo", by=agents[1], at=NOW),
        lambda: registrations.reopen_registration(registration=row, at=NOW),
    )
    assert set(codes(results)) == {"not_waiting"}
    row.refresh_from_db()
    assert (row.taken_by, row.review_reason) == (None, "")
    assert_ledger_agrees()


# --- Claims ------------------------------------------------------------------------------------------

Job = Callable[[], Any]


def claim_of(world: World) -> Claim:
    """Ben, whose key is higher, claims what Ana holds."""
    validated(world.ben, world.pro_body, SERIAL, at=NOW)
    claim = Claim.objects.get()
    with_receipt(claim.claimant)
    with_receipt(claim.holder)
    return claim


def decision(claim: Claim, outcome: ClaimOutcome, by: User) -> Job:
    return lambda: claims.decide_claim(claim=claim, outcome=outcome, why="The receipt fits.", by=by, at=LATE)


def removal(row: Registration) -> Job:
    return lambda: removals.remove_registration(registration=row, reason=RemovalReason.SOLD, by=None, at=LATE)


def assert_whole(world: World) -> None:
    """Points agree, at most one registration counts, and none waits for a claim that has ended."""
    assert_ledger_agrees()
    counting = Registration.objects.filter(product=world.pro_body, state=RegistrationState.VALIDATED)
    assert counting.count() <= 1
    for claim in Claim.objects.open().select_related("claimant", "holder"):
        assert (claim.claimant.state, claim.holder.state) == ("submitted", "validated")
    stale = Registration.objects.filter(review_reason=ReviewReason.DUPLICATE, state=RegistrationState.SUBMITTED)
    for row in stale.exclude(claims_made__outcome=""):
        assert row in Registration.objects.undecided(since=LATE), "it is checked again"


@pytest.mark.parametrize("side", ["holder", "claimant"])
@pytest.mark.parametrize("attempt", range(2))
def test_a_decision_during_a_removal(committed_world: World, side: str, attempt: int) -> None:
    world = committed_world
    claim = claim_of(world)
    outcome = ClaimOutcome.CLAIMANT if attempt % 2 else ClaimOutcome.HOLDER
    results = together(decision(claim, outcome, world.staff), removal(getattr(claim, side)))
    assert set(codes(results)) <= {"decided"}
    claim.refresh_from_db()
    assert claim.outcome in (outcome, ClaimOutcome.WITHDRAWN)
    assert Registration.objects.get(pk=getattr(claim, f"{side}_id")).state == RegistrationState.REMOVED
    assert_whole(world)


def test_both_members_removing_at_once_end_the_claim_once(committed_world: World) -> None:
    claim = claim_of(committed_world)
    assert codes(together(removal(claim.holder), removal(claim.claimant))) == []
    claim.refresh_from_db()
    assert claim.outcome == ClaimOutcome.WITHDRAWN
    assert claim.claimant_case.messages.count() == 2
    assert_whole(committed_world)


def test_two_agents_decide_a_claim_at_once_and_one_decision_counts(committed_world: World) -> None:
    world = committed_world
    claim = claim_of(world)
    first, second = UserFactory(is_staff=True), UserFactory(is_staff=True)
    results = together(
        decision(claim, ClaimOutcome.CLAIMANT, first),
        decision(claim, ClaimOutcome.HOLDER, second),
        decision(claim, ClaimOutcome.NEITHER, second),
    )
    assert codes(results) == ["decided", "decided"]
    assert claim.claimant_case.messages.count() == 2
    assert_whole(world)


def test_a_decision_during_a_stage_change_leaves_the_right_points(committed_world: World) -> None:
    world = committed_world
    claim = claim_of(world)
    change = announced(plan(world.pro_body, Stage.SUPERSEDED, NOW), NOW)
    results = together(lambda: change_and_reconcile(change), decision(claim, ClaimOutcome.CLAIMANT, world.staff))
    assert codes(results) == []
    totals = {member.first_name: member.points for member in Member.objects.all()}
    assert (totals["Ana"], totals["Ben"]) == (500, 200)
    assert_whole(world)


def test_claims_against_each_other_do_not_deadlock(committed_world: World) -> None:
    """Ana claims what Ben holds and Ben what Ana holds, while both are checked and decided: no deadlock."""
    world = committed_world
    validated(world.ben, world.body, "400000000002", at=NOW)
    rows = [
        submitted(world.ben, world.pro_body, SERIAL, at=NOW),
        submitted(world.ana, world.body, "400000000002", at=NOW),
        submitted(world.chloe, world.pro_body, SERIAL, at=NOW),
    ]
    checks = together(*(lambda row=row: registrations.check_registration(registration=row, at=NOW) for row in rows))
    assert codes(checks) == []
    for claim in Claim.objects.open():
        with_receipt(claim.claimant)
        with_receipt(claim.holder)
    made = list(Claim.objects.open())
    assert len(made) == 3
    results = together(*(decision(claim, ClaimOutcome.CLAIMANT, world.staff) for claim in made))
    assert set(codes(results)) <= {"decided"}
    assert_whole(world)


# --- Held decisions (R54) ---------------------------------------------------------------------------


def test_of_two_people_who_decide_the_same_one_at_once_one_decision_is_held(committed_world: World) -> None:
    (row,) = waiting(committed_world, 1)
    agents = [UserFactory(is_staff=True) for _n in range(3)]
    version = version_of(row)
    results = together(
        *(lambda by=by: held_decisions.hold_approval(registration=row, version=version, by=by, at=NOW) for by in agents)
    )
    assert set(codes(results)) <= {"held", "taken"}
    assert HeldDecision.objects.count() == 1


def test_undo_and_two_workers_at_once_end_a_decision_once(committed_world: World) -> None:
    world = committed_world
    rows = waiting(world, 4)
    for row in rows:
        decision = held_decisions.hold_approval(registration=row, version=version_of(row), by=world.staff, at=NOW)
        due = decision.apply_at
        results = together(
            lambda one=decision, at=due: held_decisions.apply_decision(decision=one, at=at),
            lambda one=decision, at=due: held_decisions.apply_decision(decision=one, at=at),
            lambda one=decision: held_decisions.undo_decision(decision=one, by=world.staff, at=NOW),
            lambda one=row: registrations.reopen_registration(registration=one, at=NOW),
        )
        assert set(codes(results)) <= {"late", "not_waiting", "not_submitted", "decided"}
        decision.refresh_from_db()
        row.refresh_from_db()
        assert decision.state in ("applied", "undone", "dropped")
        assert (decision.state == "applied") == (row.decided_by_id == world.staff.pk)
    assert_ledger_agrees()


def test_holding_and_applying_at_once_do_not_wait_for_each_other(committed_world: World) -> None:
    world = committed_world
    (row,) = waiting(world, 1)
    decision = held_decisions.hold_approval(registration=row, version=version_of(row), by=world.staff, at=NOW)
    version, due = version_of(row), decision.apply_at
    results = together(
        lambda: held_decisions.apply_decision(decision=decision, at=due),
        lambda: held_decisions.hold_approval(registration=row, version=version, by=world.staff, at=due),
        lambda: held_decisions.hold_approval(registration=row, version=version, by=world.staff, at=due),
    )
    assert set(codes(results)) <= {"held", "changed", "not_waiting"}
    decision.refresh_from_db()
    assert decision.state == "applied"
    assert_ledger_agrees()
