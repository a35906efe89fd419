"""A decision is held for ten seconds, can be taken back, and is applied by a worker or dropped (R19, R32, R54)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox.models import Message
from kitbag import tasks
from kitbag.actions import appeals, held_decisions, registrations, removals, review
from kitbag.enums import ClaimOutcome, HeldState, RefusalReason, RegistrationState, RemovalReason
from kitbag.models import Claim, HeldDecision, PointsEntry, Registration
from kitbag.queries.versions import version_of, version_of_claim
from members.models import Member, Notice, User
from tests.factories import UserFactory, details, submitted, validated, with_receipt
from tests.kitbag.test_attribution import last_event_user
from tests.rows import each_row
from tests.world import World

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
TEN = timedelta(seconds=10)
Hold = Callable[[Registration, User], HeldDecision]


def approve(row: Registration, by: User, at: datetime = NOW) -> HeldDecision:
    return held_decisions.hold_approval(registration=row, version=version_of(row), by=by, at=at)


def refuse(row: Registration, by: User) -> HeldDecision:
    reason = RefusalReason.SERIAL_WRONG
    return held_decisions.hold_refusal(registration=row, reason=reason, version=version_of(row), by=by, at=NOW)


def ask(row: Registration, by: User) -> HeldDecision:
    return held_decisions.hold_question(registration=row, text="A photo.", version=version_of(row), by=by, at=NOW)


HOLDS = [approve, refuse, ask]


@pytest.fixture
def waiting(world: World) -> Registration:
    row = submitted(world.ben, world.body, "58214", insisted=True, at=NOW - timedelta(days=1))
    return registrations.check_registration(registration=row, at=NOW)


@pytest.fixture
def other(db: None) -> User:
    return UserFactory(is_staff=True)


@pytest.fixture
def claim(world: World) -> Claim:
    validated(world.ben, world.pro_body, "100000000001", at=NOW)
    row = Claim.objects.get()
    with_receipt(row.claimant)
    with_receipt(row.holder)
    return row


def apply(decision: HeldDecision, at: datetime = NOW + TEN) -> HeldDecision | None:
    return held_decisions.apply_decision(decision=decision, at=at)


@each_row("hold, state", zip(HOLDS, ["validated", "rejected", "rejected"], strict=True))
def test_nothing_happens_before_the_time_is_over_and_all_of_it_then(
    waiting: Registration, world: World, hold: Hold, state: str
) -> None:
    before = (Message.objects.count(), Notice.objects.count(), PointsEntry.objects.count())
    decision = hold(waiting, world.staff)
    assert apply(decision, NOW + TEN - timedelta(milliseconds=1)) is None
    waiting.refresh_from_db()
    assert waiting.state == RegistrationState.SUBMITTED
    assert (Message.objects.count(), Notice.objects.count(), PointsEntry.objects.count()) == before
    applied = apply(decision)
    assert applied and applied.state == HeldState.APPLIED
    waiting.refresh_from_db()
    assert (waiting.state, waiting.decided_by, waiting.decided_at) == (state, world.staff, NOW + TEN)
    assert Message.objects.count() == before[0] + 1
    assert last_event_user(waiting) == world.staff.pk, "also when a worker applies it"
    assert apply(decision, NOW + 2 * TEN) is None, "once"


@each_row("hold", HOLDS)
def test_what_is_held_is_in_nobodys_queue_until_it_is_taken_back(
    waiting: Registration, world: World, other: User, hold: Hold
) -> None:
    decision = hold(waiting, world.staff)
    assert review.take_next(by=other, at=NOW) is None
    assert review.take_next(by=world.staff, at=NOW) is None
    held_decisions.undo_decision(decision=decision, by=world.staff, at=NOW + TEN - timedelta(seconds=1))
    held_decisions.undo_decision(decision=decision, by=world.staff, at=NOW + TEN)
    assert apply(decision) is None
    waiting.refresh_from_db()
    assert (waiting.state, waiting.taken_by) == (RegistrationState.SUBMITTED, world.staff)
    assert review.take_next(by=world.staff, at=NOW + TEN) == waiting
    assert hold(waiting, world.staff).pk != decision.pk, "it can be decided again"


def test_only_the_one_who_decided_takes_it_back_and_only_in_time(
    waiting: Registration, world: World, other: User
) -> None:
    decision = approve(waiting, world.staff)
    for by, at, code in [(other, NOW, "not_yours"), (world.staff, NOW + TEN, "late")]:
        with pytest.raises(Refusal) as refusal:
            held_decisions.undo_decision(decision=decision, by=by, at=at)
        assert refusal.value.code == code
    apply(decision)
    with pytest.raises(Refusal, match="too late"):
        held_decisions.undo_decision(decision=decision, by=world.staff, at=NOW)


def resubmit(row: Registration) -> None:
    registrations.reopen_registration(registration=row, at=NOW)
    registrations.submit_registration(registration=row, details=details("66666"), insisted=True, at=NOW)
    registrations.check_registration(registration=row, at=NOW)


def hand_in_again(row: Registration) -> None:
    registrations.reopen_registration(registration=row, at=NOW)


def remove(row: Registration) -> None:
    removals.remove_registration(registration=row, reason=RemovalReason.SOLD, by=None, at=NOW)


def decide_elsewhere(row: Registration) -> None:
    review.refuse_registration(registration=row, reason=RefusalReason.NOT_OURS, by=row.taken_by, at=NOW)


MEANWHILE = [resubmit, hand_in_again, remove, decide_elsewhere, with_receipt]


@each_row("hold", HOLDS)
@each_row("change", MEANWHILE)
def test_a_decision_is_dropped_and_said_so_if_the_registration_changed_meanwhile(
    waiting: Registration, world: World, hold: Hold, change: Callable[[Registration], object]
) -> None:
    decision = hold(waiting, world.staff)
    waiting.refresh_from_db()
    change(waiting)
    left = Registration.objects.get(pk=waiting.pk)
    dropped = apply(decision)
    assert dropped and dropped.state == HeldState.DROPPED
    assert dropped.note
    waiting.refresh_from_db()
    assert (waiting.state, waiting.decided_by) == (left.state, left.decided_by)
    assert list(HeldDecision.objects.dropped(world.staff)) == [decision]
    held_decisions.read_dropped(decision=decision, by=world.staff, at=NOW)
    assert not HeldDecision.objects.dropped(world.staff).exists()


@each_row("hold", HOLDS)
def test_what_the_action_would_refuse_is_refused_at_once(world: World, waiting: Registration, hold: Hold) -> None:
    old = version_of(waiting)
    stale = Registration.objects.get(pk=waiting.pk)
    resubmit(waiting)
    with pytest.raises(Refusal) as refusal:
        held_decisions.hold_approval(registration=stale, version=old, by=world.staff, at=NOW)
    assert refusal.value.code == "changed"
    waiting.refresh_from_db()
    with pytest.raises(Refusal, match="your own kit"):
        hold(waiting, world.ben.user)
    review.take_registration(registration=waiting, by=UserFactory(is_staff=True), at=NOW)
    with pytest.raises(Refusal, match="colleague"):
        hold(waiting, world.staff)
    assert not HeldDecision.objects.exists()


@each_row("first", HOLDS)
@each_row("second", HOLDS)
def test_one_decision_at_a_time_is_held(waiting: Registration, world: World, first: Hold, second: Hold) -> None:
    decision = first(waiting, world.staff)
    with pytest.raises(Refusal, match="just decided"):
        second(waiting, world.staff)
    decision.pk = None
    with pytest.raises(IntegrityError, match="held_one_a_registration"), transaction.atomic():
        decision.save(force_insert=True)


# --- A second person (R19) ---------------------------------------------------------------------------


@pytest.fixture
def appealed(waiting: Registration, world: World) -> Registration:
    row = review.refuse_registration(
        registration=waiting, reason=RefusalReason.SERIAL_WRONG, by=world.staff, at=NOW - timedelta(hours=1)
    )
    appeals.make_appeal(registration=row, text="It is right.", by=row.member.user, at=NOW)
    row.refresh_from_db()
    return row


def test_an_appeal_is_decided_by_a_second_person_also_in_the_database(
    appealed: Registration, world: World, other: User
) -> None:
    for hold in (approve, refuse):
        with pytest.raises(Refusal, match="colleague has to decide"):
            hold(appealed, world.staff)
    with pytest.raises(IntegrityError, match="second_person"), transaction.atomic():
        Registration.objects.filter(pk=appealed.pk).update(state="validated", decided_by=world.staff, decided_at=NOW)
    decision = approve(appealed, other)
    assert decision.refused_by == world.staff
    with pytest.raises(IntegrityError, match="held_second_person"), transaction.atomic():
        HeldDecision.objects.filter(pk=decision.pk).update(by=world.staff)
    assert apply(decision)
    appealed.refresh_from_db()
    assert (appealed.state, appealed.decided_by, appealed.appeal.granted) == ("validated", other, True)


# --- Claims (R32) ------------------------------------------------------------------------------------


def hold_claim(claim: Claim, by: User, outcome: ClaimOutcome = ClaimOutcome.HOLDER) -> HeldDecision:
    at = NOW + timedelta(days=20)
    version = version_of_claim(claim)
    return held_decisions.hold_claim(claim=claim, outcome=outcome, why="It fits.", version=version, by=by, at=at)


def test_a_claim_is_held_and_applied_in_the_same_way(claim: Claim, world: World) -> None:
    decision = hold_claim(claim, world.staff)
    claim.refresh_from_db()
    assert claim.outcome == ""
    with pytest.raises(Refusal, match="just decided"):
        hold_claim(claim, world.staff, ClaimOutcome.NEITHER)
    assert apply(decision, decision.apply_at)
    claim.refresh_from_db()
    assert (claim.outcome, claim.decided_by) == (ClaimOutcome.HOLDER, world.staff)


def test_a_claim_that_ended_meanwhile_is_dropped(claim: Claim, world: World) -> None:
    decision = hold_claim(claim, world.staff)
    removals.remove_registration(registration=claim.claimant, reason=RemovalReason.SOLD, by=None, at=NOW)
    dropped = apply(decision, decision.apply_at)
    assert dropped and dropped.state == HeldState.DROPPED
    claim.refresh_from_db()
    assert claim.outcome == ClaimOutcome.WITHDRAWN


@each_row("order", ["{first} {last}", "{last} {first}"])
def test_a_reason_that_names_a_member_is_refused_at_once(claim: Claim, world: World, order: str) -> None:
    Member.objects.filter(pk=world.ana.pk).update(last_name="Ho")  # too short to be found alone
    with pytest.raises(Refusal, match="leave it out"):
        held_decisions.hold_claim(
            claim=claim,
            outcome=ClaimOutcome.HOLDER,
            why=f"{order.format(first=world.ana.first_name, last='Ho')} has the receipt.",
            version=version_of_claim(claim),
            by=world.staff,
            at=NOW + timedelta(days=20),
        )
    assert not HeldDecision.objects.exists()


# --- The worker --------------------------------------------------------------------------------------


def test_a_worker_applies_what_is_due_whoever_is_online(waiting: Registration, world: World) -> None:
    """A worker that was away for an hour applies it when it is back; nothing is kept in a queue or a browser."""
    decision = approve(waiting, world.staff)
    HeldDecision.objects.update(held_at=NOW - timedelta(hours=1), apply_at=NOW)
    tasks.apply_decision(decision.pk)
    waiting.refresh_from_db()
    assert waiting.state == RegistrationState.VALIDATED
    assert not HeldDecision.objects.due(NOW + TEN).exists()
