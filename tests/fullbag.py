"""Kitbags of any size, inserted in bulk, with a ledger written by the portal's own `reconcile`."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from django.db import transaction

from kitbag.actions import ledger
from kitbag.enums import RegistrationState
from kitbag.models import Product, Registration
from members.enums import PointsCause
from members.models import Member

ADDED_AT = datetime(2024, 3, 1, 9, 0, tzinfo=UTC)


def build_validated(member: Member, product: Product, number: int) -> Registration:
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
        added_at=ADDED_AT,
        submitted_at=ADDED_AT,
        decided_at=ADDED_AT + timedelta(minutes=1),
    )


@transaction.atomic
def fill(member: Member, products: Sequence[Product], *, validated: int, drafts: int = 0) -> list[Registration]:
    """Add validated registrations, their entries and points, and drafts; returns the validated ones."""
    count = Registration.objects.count()
    registrations = Registration.objects.bulk_create(
        build_validated(member, products[n % len(products)], count + n) for n in range(validated)
    )
    Registration.objects.bulk_create(
        Registration(member=member, product=products[n % len(products)], added_at=ADDED_AT) for n in range(drafts)
    )
    keys = [registration.pk for registration in registrations]
    ledger.reconcile(registrations=keys, cause=PointsCause.VALIDATED, about="", by=None, at=ADDED_AT)
    member.refresh_from_db()
    return registrations
