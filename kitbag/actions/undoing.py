"""Taking a product back that was removed a moment ago (R26)."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.background import after_commit
from cps_portal.core.lib.errors import Refusal
from kitbag.actions import stolen
from kitbag.actions.announcing import tell_new_holder
from kitbag.actions.appeals import appeal_of
from kitbag.actions.points import settle
from kitbag.actions.steps import constraint_of, lock
from kitbag.enums import RegistrationState
from kitbag.models import Registration
from members.enums import PointsCause
from members.models import User

FIELDS = ["state", "removal_reason", "ended_at", "refusal_reason", "decided_at", "decided_by"]


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
    row = lock(registration)
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
    if row.state == RegistrationState.VALIDATED and stolen.report_against(row):
        _hand_in_again(row)
    if not _saved(row):
        _hand_in_again(row)
        if not _saved(row):
            raise Refusal("busy", _("Too much happens to this serial number just now. Try again in a minute."))
    if row.state == RegistrationState.VALIDATED:
        settle(registrations=[row.pk], cause=PointsCause.RETURNED, about=row.product.name, by=by, at=at)
        tell_new_holder(registration=row, at=at)
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
    appeal = appeal_of(row)
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
        constraint = constraint_of(error)
        if constraint == "registration_submitted_once":
            raise Refusal("own_duplicate", _("You have added it again meanwhile. This one stays removed.")) from None
        if constraint != "registration_one_validated":
            raise
        return False
    return True
