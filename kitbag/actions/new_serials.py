"""Write a changed serial number to its registration, for those who record the change and those who decide a claim."""

from django.db import IntegrityError, transaction

from cps_portal.core.lib.background import after_commit
from kitbag.actions.transitions import constraint_name
from kitbag.enums import SerialChangeState
from kitbag.models import Registration, SerialChange

FIELDS = ["serial", "serial_key", "no_serial", "warning"]


def save_change(change: SerialChange, row: Registration | None) -> None:
    """Save the change and, if it is applied, the number of the registration, which is locked.

    The unique constraint decides who was first (R31): if somebody else got the number meanwhile, a claim is opened.
    """
    if row and change.state == SerialChangeState.APPLIED and not _write(change, row):
        change.state = SerialChangeState.CLAIMED
    change.save()
    if change.state == SerialChangeState.CLAIMED:
        after_commit("kitbag.claim_serial", change.pk)


def _write(change: SerialChange, row: Registration) -> bool:
    before = {name: getattr(row, name) for name in FIELDS}
    row.serial, row.serial_key, row.no_serial, row.warning = change.new_serial, change.new_key, False, ""
    try:
        with transaction.atomic():
            row.save(update_fields=FIELDS)
    except IntegrityError as error:
        if constraint_name(error) != "registration_one_validated":
            raise
        for name, value in before.items():
            setattr(row, name, value)
        return False
    return True


def apply_change(change: SerialChange, row: Registration) -> None:
    """Give the registration, which is locked, the new number."""
    change.state = SerialChangeState.APPLIED
    save_change(change, row)


def drop_change(change: SerialChange) -> None:
    """The registration keeps the old number."""
    change.state = SerialChangeState.DROPPED
    change.save(update_fields=["state"])
