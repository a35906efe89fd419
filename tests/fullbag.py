"""Kitbags of any size in one statement, with a ledger that the portal's own reconcile writes."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from django.db import transaction

from kitbag.actions import ledger
from kitbag.enums import RegistrationState
from kitbag.models import Product, Registration
from members.enums import PointsCause
from members.models import Member

BEGUN = datetime(2024, 3, 1, 9, 0, tzinfo=UTC)


def counted(member: Member, product: Product, number: int) -> Registration:
    """A validated registration, not saved and not yet in the ledger."""
    return Registration(
        member=member,
        product=product,
        state=RegistrationState.VALIDATED,
        serial=f"8{number:011}",
        serial_key=f"8{number:011}",
        country=member.country,
        purchased_on=date(2023, 9, 12),
        store="Rosebank Camera Co.",
        added_at=BEGUN,
        submitted_at=BEGUN,
        decided_at=BEGUN + timedelta(minutes=1),
    )


@transaction.atomic
def fill(member: Member, products: Sequence[Product], *, validated: int, drafts: int = 0) -> list[Registration]:
    """Add validated registrations, their entries and points, and drafts; returns the validated ones."""
    begun = Registration.objects.count()
    rows = Registration.objects.bulk_create(
        counted(member, products[n % len(products)], begun + n) for n in range(validated)
    )
    Registration.objects.bulk_create(
        Registration(member=member, product=products[n % len(products)], added_at=BEGUN) for n in range(drafts)
    )
    keys = [row.pk for row in rows]
    ledger.reconcile(registrations=keys, cause=PointsCause.VALIDATED, about="", by=None, at=BEGUN)
    member.refresh_from_db()
    return rows
