"""Remove products from the Kitbag, and undo a removal for some time (R26)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.background import after_commit
from cps_portal.core.lib.compiled_queries import CompiledQuery
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.history_context import attributed_to
from kitbag.actions import appeals, claims, handovers, stolen_reports
from kitbag.actions.appeals import find_appeal
from kitbag.actions.ledger import reconcile
from kitbag.actions.stage_change_notices import notify_new_holder
from kitbag.actions.transitions import constraint_name, hold_blocker, lock_registration
from kitbag.enums import RegistrationState, RemovalReason
from kitbag.models import Registration
from members import rules as member_rules
from members.enums import PointsCause
from members.models import LevelThreshold, User

FIELDS = ["state", "removal_reason", "ended_at", "refusal_reason", "decided_at", "decided_by"]


COST: CompiledQuery[tuple[int, int, str]] = CompiledQuery(
    lambda registration: (
        Registration.objects.filter(pk=registration)
        .annotate(counted=Coalesce(Sum("entries__amount"), 0))
        .values_list("counted", "member__points", "member__level")
    )
)


@dataclass(frozen=True)
class RemovalCost:
    """What removing a registration takes away (R26)."""

    points: int
    total_before: int
    total_after: int
    level_before: str
    level_after: str


def removal_cost(registration: Registration) -> RemovalCost:
    """What removing a registration would cost at this moment (R26).

    One statement reads the total and the entries: read one after the other, they need not agree.
    """
    points, total, level = COST.all(registration=registration.pk)[0]
    level_after = member_rules.level_for(total - points, LevelThreshold.objects.in_force())
    return RemovalCost(points, total, total - points, level, level_after)


@transaction.atomic
def remove_registration(
    *, registration: Registration, reason: RemovalReason, by: User | None, at: datetime
) -> Registration:
    """Remove a product from the Kitbag (R26). Its points go, its history stays. Raises Refusal: `gone`, `held`."""
    row = lock_registration(registration)
    if not row.is_live:
        raise Refusal("gone", _("This product is no longer in the Kitbag."))
    if refusal := hold_blocker(row):
        raise refusal
    row.state = RegistrationState.REMOVED
    row.removal_reason = reason
    row.review_reason = ""
    row.ended_at = at
    with attributed_to(by):
        row.save(update_fields=["state", "removal_reason", "review_reason", "ended_at"])
    handovers.revoke_open_codes(row=row, at=at)
    claims.close_claims(row=row, at=at)
    appeals.drop_appeal(row=row, at=at)
    reconcile(
        registrations=[row.pk],
        cause=PointsCause.REMOVED,
        about=row.product.name,
        by=by,
        at=at,
    )
    return row


@transaction.atomic
def discard_draft(*, registration: Registration, by: User | None, at: datetime) -> Registration:
    """Remove a draft that was added a moment ago. Raises Refusal `not_draft` once it was submitted."""
    row = lock_registration(registration)
    if row.state != RegistrationState.DRAFT:
        raise Refusal("not_draft", _("You’ve sent this product in. Open it to remove it."))
    return remove_registration(registration=row, reason=RemovalReason.MISTAKE, by=by, at=at)


def can_undo(row: Registration, at: datetime) -> bool:
    """Whether it was removed not long ago. A product that was handed over has a new owner."""
    if row.state != RegistrationState.REMOVED or row.ended_at is None:
        return False
    return at - row.ended_at <= timedelta(days=settings.REMOVAL_UNDO_DAYS)


@transaction.atomic
def undo_removal(*, registration: Registration, by: User, at: datetime) -> Registration:
    """Put a removed product back as it was. What counted before counts again.

    If another registration counts with its serial number by now (R31) or it is reported stolen, it is submitted to the
    check again. Raises Refusal: `late`, `limit`, `own_duplicate`, `closed`, `busy`.
    """
    row = lock_registration(registration)
    if not can_undo(row, at):
        raise Refusal("late", _("It’s too late to undo this. You can add the product again: it only takes a minute."))
    if row.member.closed_at:
        raise Refusal("closed", _("This account is closed."))
    if Registration.objects.of(row.member).live().count() >= settings.KITBAG_LIMIT:
        raise Refusal(
            "limit",
            _("Your Kitbag is full: it holds up to %(limit)s products. Remove one that you no longer have.")
            % {"limit": settings.KITBAG_LIMIT},
        )
    row.removal_reason, row.ended_at = "", None
    row.state = _state_before(row)
    if row.state == RegistrationState.VALIDATED and stolen_reports.find_report_by_other(row):
        _submit_again(row)
    with attributed_to(by):
        if not _save(row):
            _submit_again(row)
            if not _save(row):
                raise Refusal(
                    "busy",
                    _("Someone else is working with this serial number right now. Please try again in a minute."),
                )
    if row.state == RegistrationState.VALIDATED:
        reconcile(registrations=[row.pk], cause=PointsCause.RETURNED, about=row.product.name, by=by, at=at)
        notify_new_holder(registration=row, at=at)
    if row.state == RegistrationState.SUBMITTED:
        after_commit("kitbag.check_registration", row.pk)
    return row


def _state_before(row: Registration) -> RegistrationState:
    """The state before the removal, from the fields that a removal leaves as they were.

    If an appeal was still open, the registration returns to the refusal that was appealed.
    """
    if row.submitted_at is None:
        return RegistrationState.DRAFT
    if row.refusal_reason:
        return RegistrationState.REJECTED
    if row.decided_at:
        return RegistrationState.VALIDATED
    appeal = find_appeal(row)
    if appeal and appeal.granted is None:
        row.refusal_reason, row.decided_at, row.decided_by = appeal.refusal_reason, appeal.made_at, appeal.refused_by
        return RegistrationState.REJECTED
    return RegistrationState.SUBMITTED


def _submit_again(row: Registration) -> None:
    row.state = RegistrationState.SUBMITTED
    row.decided_at = row.decided_by = None


def _save(row: Registration) -> bool:
    """Whether it could be saved: False if another registration counts with this serial number (unique constraint)."""
    try:
        with transaction.atomic():
            row.save(update_fields=FIELDS)
    except IntegrityError as error:
        constraint = constraint_name(error)
        if constraint == "registration_submitted_once":
            raise Refusal(
                "own_duplicate", _("You’ve added this product again since then, so this one stays removed.")
            ) from None
        if constraint != "registration_one_validated":
            raise
        return False
    return True
