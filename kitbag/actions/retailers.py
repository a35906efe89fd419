"""Retailers: load them, suggest them, and tell whether a store was authorised on a day (R24, R60)."""

from collections.abc import Collection, Iterable
from datetime import date

from django.db import transaction
from django.db.models.functions import Lower

from cps_portal.core.lib.compiled_queries import CompiledQuery
from kitbag.catalogue.retailers_reader import RetailerRecord
from kitbag.enums import ShopStatus
from kitbag.models import AuthorisedPeriod, Retailer

MAX_SUGGESTIONS = 100
SUGGESTED: CompiledQuery[tuple[str]] = CompiledQuery(
    lambda country, on: (
        Retailer.objects.filter(country=country).authorised(on).order_by("name").values_list("name")[:MAX_SUGGESTIONS]
    )
)


@transaction.atomic
def load_retailers(*, retailers: Iterable[RetailerRecord]) -> tuple[int, int]:
    """Add missing retailers and leave existing ones as they are. Returns how many were added and left alone."""
    existing = {(retailer.country.code, retailer.name.casefold()) for retailer in Retailer.objects.all()}
    added = left = 0
    for record in retailers:
        key = (record.country, record.name.casefold())
        if key in existing:
            left += 1
            continue
        existing.add(key)
        row = Retailer.objects.create(country=record.country, name=record.name, kind=record.kind)
        if record.authorised_from:
            AuthorisedPeriod.objects.create(retailer=row, begins_on=record.authorised_from)
        added += 1
    return added, left


def suggest_retailers(country: str, on: date) -> list[str]:
    """The names of a country's retailers that are authorised on that day, for the store field."""
    return [name for (name,) in SUGGESTED.all(country=country, on=on)]


def shop_status(store: str, country: str, on: date) -> ShopStatus:
    """Whether a store, as typed by the member, was authorised on that day (R24)."""
    return shop_statuses([(store, country, on)])[store, country, on]


def shop_statuses(bought: Collection[tuple[str, str, date]]) -> dict[tuple[str, str, date], ShopStatus]:
    """As `shop_status`, for many purchases at once: store, country and day of each."""
    retailers = Retailer.objects.annotate(key=Lower("name")).filter(
        country__in={country for _store, country, _day in bought if country},
        key__in={_shop_key(store) for store, _country, _day in bought} - {""},
    )
    periods: dict[tuple[str, str], list[tuple[date | None, date | None]]] = {}
    for country, key, begins, ends in retailers.values_list("country", "key", "periods__begins_on", "periods__ends_on"):
        periods.setdefault((country, key), []).append((begins, ends))
    statuses = {}
    for store, country, day in bought:
        status = ShopStatus.NOT_SAID
        if country and (key := _shop_key(store)):
            times = periods.get((country, key))
            status = ShopStatus.UNKNOWN if times is None else ShopStatus.NOT_AUTHORISED
            if any(begins and begins <= day and (ends is None or ends > day) for begins, ends in times or ()):
                status = ShopStatus.AUTHORISED
        statuses[store, country, day] = status
    return statuses


def _shop_key(store: str) -> str:
    return " ".join(store.split()).lower()
