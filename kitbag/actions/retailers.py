"""Shops: loading those that ship, suggesting them, and what a purchase there means for the warranty (R24, R60)."""

from collections.abc import Collection, Iterable
from datetime import date

from django.db import transaction
from django.db.models.functions import Lower

from kitbag.catalogue.retailers_reader import RetailerFacts
from kitbag.enums import ShopStatus
from kitbag.models import AuthorisedPeriod, Retailer

MAX_SUGGESTIONS = 100


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


def suggest_retailers(country: str, on: date) -> list[str]:
    """The authorised shops of a country on that day, for the store field."""
    shops = Retailer.objects.filter(country=country).authorised(on)
    return list(shops.order_by("name").values_list("name", flat=True)[:MAX_SUGGESTIONS])


def shop_status(store: str, country: str, on: date) -> ShopStatus:
    """What is known of a store as typed: authorised that day, not authorised, or nothing (R24)."""
    return shop_statuses([(store, country, on)])[store, country, on]


def shop_statuses(bought: Collection[tuple[str, str, date]]) -> dict[tuple[str, str, date], ShopStatus]:
    """The same for many purchases at once: store, country and day of each."""
    known = Retailer.objects.annotate(key=Lower("name")).filter(
        country__in={country for _store, country, _day in bought if country},
        key__in={_shop_key(store) for store, _country, _day in bought} - {""},
    )
    periods: dict[tuple[str, str], list[tuple[date | None, date | None]]] = {}
    for country, key, begins, ends in known.values_list("country", "key", "periods__begins_on", "periods__ends_on"):
        periods.setdefault((country, key), []).append((begins, ends))
    found = {}
    for store, country, day in bought:
        standing = ShopStatus.NOT_SAID
        if country and (key := _shop_key(store)):
            times = periods.get((country, key))
            standing = ShopStatus.UNKNOWN if times is None else ShopStatus.NOT_AUTHORISED
            if any(begins and begins <= day and (ends is None or ends > day) for begins, ends in times or ()):
                standing = ShopStatus.AUTHORISED
        found[store, country, day] = standing
    return found


def _shop_key(store: str) -> str:
    return " ".join(store.split()).lower()
