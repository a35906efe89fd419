"""The Welcome Pack as the programme describes it, loaded once; from then on it is data of the staff (R36, R39)."""

from datetime import UTC, datetime

from django.db import transaction

from members.enums import Level
from members.offers.enums import OfferKind, OfferState
from members.offers.models import Offer, PackItem

SINCE = datetime(2023, 1, 1, tzinfo=UTC)
LEVELS = [Level.SILVER, Level.GOLD, Level.PLATINUM]
ITEMS = [  # what it is made of is published; the order and the words are ours
    ("card", "Your membership card"),
    ("priority-stickers", "CPS Priority stickers, so your parcel gets spotted fast"),
    ("gift", "A small gift for your kit, such as a lens cloth"),
    ("letter", "A letter from us"),
]


@transaction.atomic
def load_offers() -> tuple[int, int]:
    """Add what is missing: the offer if there was never one, the contents by their code. Returns added, left alone."""
    added = 0
    if not Offer.objects.filter(kind=OfferKind.WELCOME_PACK).exists():
        Offer.objects.create(
            kind=OfferKind.WELCOME_PACK,
            slug="welcome-pack",
            title="Your Welcome Pack",
            summary="Your card, CPS Priority stickers and a small gift, by post. Tell us where to send them.",
            levels=LEVELS,
            since=SINCE,
            state=OfferState.PUBLISHED,
            sample=True,
        )
        added += 1
    before = PackItem.objects.count()
    rows = [PackItem(code=code, name=name, position=place) for place, (code, name) in enumerate(ITEMS, start=1)]
    PackItem.objects.bulk_create(rows, ignore_conflicts=True)
    added += PackItem.objects.count() - before
    return added, len(ITEMS) + 1 - added
