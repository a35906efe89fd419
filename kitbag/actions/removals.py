"""Taking a product back that was removed a moment ago (R26)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.background import after_commit
from cps_portal.core.lib.errors import Refusal
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


@dataclass(frozen=True)
class RemovalCost:
    """What removing a registration takes away (R26)."""

    points: int
    total_before: int
    total_after: int
    level_before: str
    level_after: str


def removal_cost(registration: Registration) -> RemovalCost:
    """What removing it would cost, read live (R26)."""
    counted = registration.entries.aggregate(points=Coalesce(Sum("amount"), 0))["points"]
    member = registration.member
    after = member.points - counted
    level = member_rules.level_for(after, LevelThreshold.objects.in_force())
    return RemovalCost(counted, member.points, after, member.level, level)


@transaction.atomic
def remove_registration(
    *, registration: Registration, reason: RemovalReason, by: User | None, at: datetime
) -> Registration:
    """Take a product out of the Kitbag (R26); its points go, its history stays. Raises Refusal: `gone`, `held`."""
    row = lock_registration(registration)
    if not row.is_live:
        raise Refusal("gone", _("This product has left the Kitbag already."))
    if refusal := hold_blocker(row):
        raise refusal
    row.state = RegistrationState.REMOVED
    row.removal_reason = reason
    row.review_reason = ""
    row.ended_at = at
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
    """Take back a product picked a moment ago. Raises Refusal `not_draft` once it was handed in: then it has a cost."""
    row = lock_registration(registration)
    if row.state != RegistrationState.DRAFT:
        raise Refusal("not_draft", _("This one is no longer a draft. Open it to remove it."))
    return remove_registration(registration=row, reason=RemovalReason.MISTAKE, by=by, at=at)


def can_undo(row: Registration, at: datetime) -> bool:
    """Whether it was removed lately. What was handed over has a new owner."""
    if row.state != RegistrationState.REMOVED or row.ended_at is None:
        return False
    return at - row.ended_at <= timedelta(days=settings.REMOVAL_UNDO_DAYS)


@transaction.atomic
def undo_removal(*, registration: Registration, by: User, at: datetime) -> Registration:
    """Put it back as it was. What counted counts again, unless the serial number is somebody else's by now (R31).

    Then it is checked as if handed in. Raises Refusal: `late`, `limit`, `own_duplicate`, `closed`.
    """
    row = lock_registration(registration)
    if not can_undo(row, at):
        raise Refusal("late", _("It is too late to take this back. Add the product again: that takes a minute."))
    if row.member.closed_at:
        raise Refusal("closed", _("This account is closed."))
    if Registration.objects.of(row.member).live().count() >= settings.KITBAG_LIMIT:
        raise Refusal(
            "limit",
            _("Your Kitbag is full at %(limit)s products. Remove one you no longer have.")
            % {"limit": settings.KITBAG_LIMIT},
        )
    row.removal_reason, row.ended_at = "", None
    row.state = _state_before(row)
    if row.state == RegistrationState.VALIDATED and stolen_reports.find_report_by_other(row):
        _hand_in_again(row)
    if not _saved(row):
        _hand_in_again(row)
        if not _saved(row):
            raise Refusal("busy", _("Too much happens to this serial number just now. Try again in a minute."))
    if row.state == RegistrationState.VALIDATED:
        reconcile(registrations=[row.pk], cause=PointsCause.RETURNED, about=row.product.name, by=by, at=at)
        notify_new_holder(registration=row, at=at)
    if row.state == RegistrationState.SUBMITTED:
        after_commit("kitbag.check_registration", row.pk)
    return row


def _state_before(row: Registration) -> RegistrationState:
    """Told by what a removal leaves standing. An appeal that nobody answered leaves the refusal."""
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


def _hand_in_again(row: Registration) -> None:
    row.state = RegistrationState.SUBMITTED
    row.decided_at = row.decided_by = None


def _saved(row: Registration) -> bool:
    """False if another registration counts with this serial number by now: the database decides."""
    try:
        with transaction.atomic():
            row.save(update_fields=FIELDS)
    except IntegrityError as error:
        constraint = constraint_name(error)
        if constraint == "registration_submitted_once":
            raise Refusal("own_duplicate", _("You have added it again meanwhile. This one stays removed.")) from None
        if constraint != "registration_one_validated":
            raise
        return False
    return True
