"""Initial data: the Welcome Pack offer and its items. Staff maintain them in the admin afterwards (R36, R39)."""

from datetime import UTC, datetime
from pathlib import Path

from django.db import transaction

from cps_portal.core.lib.translations import as_translations, read_texts
from members.enums import Level
from members.offers.enums import OfferKind, OfferState
from members.offers.models import Offer, PackItem

TEXTS_FILE = Path(__file__).parents[2] / "reference" / "welcome_pack.csv"  # in the other languages
TITLE = "Your Welcome Pack"
SUMMARY = "Your card, CPS Priority stickers and a small gift, by post. Tell us where to send them."
SINCE = datetime(2023, 1, 1, tzinfo=UTC)
LEVELS = [Level.SILVER, Level.GOLD, Level.PLATINUM]
ITEMS = [  # the contents are published by the programme; order and wording are ours
    ("card", "Your membership card"),
    ("priority-stickers", "CPS Priority stickers, so your parcel gets spotted fast"),
    ("gift", "A small gift for your kit, such as a lens cloth"),
    ("letter", "A letter from us"),
]


@transaction.atomic
def load_offers() -> tuple[int, int]:
    """Add the offer if there has never been one, and missing items. Returns the number of added and existing rows."""
    added, texts = 0, read_texts(TEXTS_FILE)
    if not Offer.objects.filter(kind=OfferKind.WELCOME_PACK).exists():
        Offer.objects.create(
            kind=OfferKind.WELCOME_PACK,
            slug="welcome-pack",
            title=TITLE,
            summary=SUMMARY,
            translations=as_translations(title=texts[TITLE], summary=texts[SUMMARY]),
            levels=LEVELS,
            since=SINCE,
            state=OfferState.PUBLISHED,
            sample=True,
        )
        added += 1
    before = PackItem.objects.count()
    rows = [
        PackItem(code=code, name=name, position=place, translations=as_translations(name=texts[name]))
        for place, (code, name) in enumerate(ITEMS, start=1)
    ]
    PackItem.objects.bulk_create(rows, ignore_conflicts=True)
    added += PackItem.objects.count() - before
    return added, len(ITEMS) + 1 - added
