"""Shops: loading those that ship, suggesting them, and what a purchase there means for the warranty (R24, R60)."""

from collections.abc import Iterable
from datetime import date

from django.db import transaction

from kitbag.catalogue.retailers_reader import RetailerFacts
from kitbag.enums import ShopStanding
from kitbag.models import AuthorisedPeriod, Retailer

MOST_SUGGESTED = 100


@transaction.atomic
def load_retailers(*, retailers: Iterable[RetailerFacts]) -> tuple[int, int]:
    """Add those that are missing; what is there stays as staff left it. Returns how many were added and left."""
    known = {(row.country.code, row.name.casefold()) for row in Retailer.objects.all()}
    added = left = 0
    for facts in retailers:
        key = (facts.country, facts.name.casefold())
        if key in known:
            left += 1
            continue
        known.add(key)
        row = Retailer.objects.create(country=facts.country, name=facts.name, kind=facts.kind)
        if facts.authorised_from:
            AuthorisedPeriod.objects.create(retailer=row, begins_on=facts.authorised_from)
        added += 1
    return added, left


def suggestions(country: str, on: date) -> list[str]:
    """The authorised shops of a country on that day, for the store field."""
    shops = Retailer.objects.filter(country=country).authorised(on)
    return list(shops.order_by("name").values_list("name", flat=True)[:MOST_SUGGESTED])


def standing_of(store: str, country: str, on: date) -> ShopStanding:
    """What is known of a store as typed: authorised that day, not authorised, or nothing (R24)."""
    name = " ".join(store.split())
    if not name or not country:
        return ShopStanding.NOT_SAID
    known = Retailer.objects.filter(country=country, name__iexact=name)
    if known.authorised(on).exists():
        return ShopStanding.AUTHORISED
    return ShopStanding.NOT_AUTHORISED if known.exists() else ShopStanding.UNKNOWN
