"""Hold a decision for a moment, take it back, or apply it (R19, R32, R54).

Locks: applying locks the held decision, then the registration as every decision does. Holding locks the registration,
and never waits for a held decision, because it looks first whether there is one. So the two cannot wait for each other.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.history_context import attributed_to
from kitbag.actions import claims, review
from kitbag.actions.transitions import lock_registration, lock_registrations
from kitbag.enums import ClaimOutcome, DecisionKind, HeldState, RefusalReason, RegistrationState
from kitbag.models import Appeal, Claim, HeldDecision, Registration
from kitbag.models.held_decisions import MAX_NOTE_LENGTH
from members.models import User


@transaction.atomic
def hold_approval(*, registration: Registration, version: str, by: User, at: datetime) -> HeldDecision:
    """Approve a registration in a moment. Raises Refusal: `held`, and those of `approve_registration`."""
    row = lock_registration(registration)
    _require_not_held(row)
    appeal = review.require_approvable(row, version=version, by=by, at=at)
    return _hold(row, HeldDecision(kind=DecisionKind.APPROVE, version=version, by=by, held_at=at), appeal)


@transaction.atomic
def hold_refusal(
    *, registration: Registration, reason: RefusalReason, version: str, by: User, at: datetime
) -> HeldDecision:
    """Refuse a registration in a moment. Raises Refusal: `held`, and those of `refuse_registration`."""
    row = lock_registration(registration)
    _require_not_held(row)
    appeal = review.require_refusable(row, version=version, by=by, at=at)
    decision = HeldDecision(kind=DecisionKind.REFUSE, reason=reason, version=version, by=by, held_at=at)
    return _hold(row, decision, appeal)


@transaction.atomic
def hold_question(*, registration: Registration, text: str, version: str, by: User, at: datetime) -> HeldDecision:
    """Ask the member for more in a moment. Raises Refusal: `held`, and those of `ask_for_more`."""
    row = lock_registration(registration)
    _require_not_held(row)
    question = review.require_askable(row, text=text, version=version, by=by, at=at)
    return _hold(row, HeldDecision(kind=DecisionKind.ASK, text=question, version=version, by=by, held_at=at), None)


@transaction.atomic
def hold_claim(*, claim: Claim, outcome: ClaimOutcome, why: str, version: str, by: User, at: datetime) -> HeldDecision:
    """Decide a claim in a moment. Raises Refusal: `held`, and those of `decide_claim`."""
    sides = lock_registrations(claim.claimant, claim.holder)
    row = Claim.objects.select_for_update(of=("self",), no_key=True).get(pk=claim.pk)
    _require_not_held(row)
    text = claims.require_decidable(row, sides, outcome=outcome, why=why, version=version, by=by, at=at)
    decision = HeldDecision(kind=DecisionKind.CLAIM, claim=row, outcome=outcome, text=text, by=by, held_at=at)
    decision.version = version
    return _keep(decision)


def _require_not_held(row: Registration | Claim) -> None:
    if row.held_decisions.filter(state=HeldState.HELD).exists():
        raise Refusal("held", _("Somebody has just decided this one. Please take the next one."))


def _hold(row: Registration, decision: HeldDecision, appeal: Appeal | None) -> HeldDecision:
    if row.state == RegistrationState.SUBMITTED:  # what counts already waits for nobody
        row.taken_by, row.taken_at = decision.by, decision.held_at  # after an undo it is still theirs
        row.save(update_fields=["taken_by", "taken_at"])
    decision.registration = row
    decision.refused_by = appeal.refused_by if appeal else None
    return _keep(decision)


def _keep(decision: HeldDecision) -> HeldDecision:
    decision.apply_at = decision.held_at + timedelta(seconds=settings.HELD_DECISION_SECONDS)
    decision.save(force_insert=True)
    return decision


@transaction.atomic
def undo_decision(*, decision: HeldDecision, by: User, at: datetime) -> HeldDecision:
    """Take a held decision back, with those held by the same press, as if it had never been made. Twice is the same.

    Raises Refusal: `not_yours`, and `late` once its time is over or it has been applied.
    """
    pressed = HeldDecision.objects.held_with(decision).select_for_update(of=("self",), no_key=True).order_by("pk")
    rows = {row.pk: row for row in pressed}
    row = rows[decision.pk]
    if row.by_id != by.pk:
        raise Refusal("not_yours", _("A colleague decided this, so only they can take it back."))
    if row.state == HeldState.UNDONE:
        return row
    if row.state != HeldState.HELD or row.apply_at <= at:
        raise Refusal("late", _("It was too late to take this back."))
    for other in rows.values():
        if other.state == HeldState.HELD:
            _end(other, HeldState.UNDONE, at)
    return row


@transaction.atomic
def apply_decision(*, decision: HeldDecision, at: datetime) -> HeldDecision | None:
    """Apply a held decision whose time is over, or drop it if what it is about has changed.

    Returns it as it ended, or None if another worker has it, it has been taken back, or it is not due. Whoever decided
    reads why it was dropped.
    """
    rows = HeldDecision.objects.due(at).filter(pk=decision.pk).with_subjects()
    row = rows.select_for_update(of=("self",), no_key=True, skip_locked=True).first()
    if row is None:
        return None
    try:
        with transaction.atomic(), attributed_to(row.by, held_decision=row.pk):
            _apply(row, at)
    except Refusal as refusal:
        with translation.override(settings.LANGUAGE_CODE):
            row.note = str(refusal)[:MAX_NOTE_LENGTH]
        return _end(row, HeldState.DROPPED, at)
    return _end(row, HeldState.APPLIED, at)


def _apply(row: HeldDecision, at: datetime) -> None:
    """Call the action of this kind. Raises its Refusal."""
    if row.claim:
        outcome = ClaimOutcome(row.outcome)
        claims.decide_claim(claim=row.claim, outcome=outcome, why=row.text, version=row.version, by=row.by, at=at)
    elif row.kind == DecisionKind.APPROVE:
        review.approve_registration(registration=row.subject, version=row.version, by=row.by, at=at)
    elif row.kind == DecisionKind.ASK:
        review.ask_for_more(registration=row.subject, text=row.text, version=row.version, by=row.by, at=at)
    else:
        reason = RefusalReason(row.reason)
        review.refuse_registration(registration=row.subject, reason=reason, version=row.version, by=row.by, at=at)


def _end(row: HeldDecision, state: HeldState, at: datetime) -> HeldDecision:
    row.state, row.ended_at = state, at
    row.save(update_fields=["state", "ended_at", "note"])
    return row


def read_dropped(*, decision: HeldDecision, by: User, at: datetime) -> None:
    """Do not show this person again that a decision was dropped."""
    HeldDecision.objects.dropped(by).filter(pk=decision.pk).update(read_at=at)
