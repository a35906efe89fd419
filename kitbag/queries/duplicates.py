"""Drafts with a serial number that their member has already submitted (R31)."""

from collections.abc import Sequence

from kitbag.enums import NEEDS_MEMBER, SUBMITTED_STATES
from kitbag.models import Registration


def find_own_duplicates(registrations: Sequence[Registration]) -> dict[int, int]:
    """Of one member's registrations, those whose product and serial number another one of theirs has, with its key.

    Only what still needs the member is looked up; without any, nothing is queried.
    """
    rows = [row for row in registrations if row.state in NEEDS_MEMBER and row.serial_key]
    if not rows:
        return {}
    twins = Registration.objects.filter(
        member=rows[0].member_id, state__in=SUBMITTED_STATES, serial_key__in={row.serial_key for row in rows}
    ).values_list("product", "serial_key", "pk")
    keys = {(product, serial_key): pk for product, serial_key, pk in twins}
    pairs = [(row.pk, (row.product_id, row.serial_key)) for row in rows]
    return {pk: keys[pair] for pk, pair in pairs if pair in keys}
