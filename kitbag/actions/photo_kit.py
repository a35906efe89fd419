"""Add what photos show to the Kitbag, as drafts with their serial numbers filled in (R16, R25)."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from kitbag.actions.registrations import Details, add_product, save_details
from kitbag.models import Registration
from kitbag.queries.photo_kit import Sighting, compare_with_kitbag
from members.models import Member


@transaction.atomic
def add_from_photos(*, member: Member, sightings: Sequence[Sighting], at: datetime) -> list[Registration]:
    """A draft for each product that the Kitbag does not have yet; one without a serial number gets it.

    A number from a photo fills the field and proves nothing: photos are published with it. Raises Refusal as
    `add_product` does, and then adds none.
    """
    added = []
    for found in compare_with_kitbag(member, sightings):
        if found.held:
            continue
        draft = found.draft or add_product(member=member, product=found.product, at=at)
        if found.serial:
            details = Details(
                serial=found.serial, country=draft.country, purchased_on=draft.purchased_on, store=draft.store
            )
            draft = save_details(registration=draft, details=details, at=at)
        added.append(draft)
    return added
