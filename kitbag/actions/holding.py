"""Registrations that must stay as they are while something runs that is not the Kitbag's (R50)."""

from datetime import datetime

from django.db import transaction

from cps_portal.core.lib.errors import Refusal
from kitbag.actions.steps import lock
from kitbag.enums import HoldReason
from kitbag.models import Hold, Registration


@transaction.atomic(savepoint=False)
def hold_registration(*, registration: Registration, key: str, why: HoldReason, at: datetime) -> Registration:
    """Neither removed nor handed over until `free_registration` with the same key. Again changes nothing.

    Returns the registration as it stands under the lock.
    """
    row = lock(registration)
    Hold.objects.bulk_create([Hold(registration=row, key=key, why=why, since=at)], ignore_conflicts=True)
    return row


@transaction.atomic
def free_registration(*, registration: Registration, key: str) -> None:
    """End the hold of this key; none there: nothing happens."""
    lock(registration)
    Hold.objects.filter(registration=registration, key=key).delete()


def why_held(row: Registration) -> Refusal | None:
    """What keeps it in the Kitbag; None if nothing does. The row is locked, or the answer is for a page only."""
    hold = Hold.objects.filter(registration=row).order_by("since").first()
    return Refusal("held", HoldReason(hold.why).label) if hold else None
