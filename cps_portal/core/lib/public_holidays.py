"""Public holidays from the `holidays` library: which days, until when half days last, what they are called (R44, R72).

The library knows most holidays years ahead, and marks those that depend on the moon as estimated.
"""

import re
from collections.abc import Mapping
from datetime import date, time
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

import holidays

from cps_portal.core.lib.text import latin_digits

PUBLIC, HALF_DAY = "public", "half_day"
HALF_DAY_CLOSES = time(13)  # where the library does not say from when the half day is free
FROM_HOUR = re.compile(r"\bfrom (\d{1,2})(am|pm)\b")
ESTIMATED = re.compile(r" \(estimated\)|, estimated(?=\))")
MAX_YEARS_CACHED = 1024


class HolidayRegion(NamedTuple):
    """Whose holidays: a country by ISO 3166, a part of it as the library writes it, and the categories that count."""

    country: str
    subdivision: str = ""
    categories: tuple[str, ...] = (PUBLIC,)


def check_country(country: str) -> None:
    """Raises ValueError if the library does not know the holidays of this country."""
    if country not in _countries():
        raise ValueError(f"the public holidays of {country!r} are not known")


def subdivisions_of(country: str) -> tuple[str, ...]:
    """The parts of a country that have holidays of their own. Raises ValueError as `check_country`."""
    check_country(country)
    return tuple(holidays.list_supported_countries(include_aliases=False)[country])


def categories_of(country: str) -> tuple[str, ...]:
    """The categories of holidays that the library knows for a country. Raises ValueError as `check_country`."""
    check_country(country)
    return tuple(holidays.country_holidays(country).supported_categories)


@lru_cache(maxsize=512)
def check_region(region: HolidayRegion) -> None:
    """Raises ValueError if the library does not know the country, the subdivision or one of the categories."""
    check_country(region.country)
    if region.subdivision and region.subdivision not in subdivisions_of(region.country):
        raise ValueError(f"{region.country} has no subdivision {region.subdivision!r}")
    unknown = set(region.categories) - set(categories_of(region.country))
    if unknown or not region.categories:
        raise ValueError(f"{region.country} has no categories {sorted(unknown)}, or none is chosen")


@lru_cache(maxsize=MAX_YEARS_CACHED)
def public_holidays(region: HolidayRegion, year: int, language: str | None = None) -> Mapping[date, str]:
    """The holidays of a year with their names, without half days, with the days on which they are observed instead.

    Names are in `language`, or in the language of the country if the library does not have it.
    """
    categories = [category for category in region.categories if category != HALF_DAY]
    return _read(region, tuple(categories), year, language)


@lru_cache(maxsize=MAX_YEARS_CACHED)
def half_days(region: HolidayRegion, year: int) -> Mapping[date, time]:
    """The half days of a year with the time at which they end; none unless the category `half_day` is chosen."""
    if HALF_DAY not in region.categories:
        return MappingProxyType({})
    names = _read(region, (HALF_DAY,), year, english_of(region.country))
    return MappingProxyType({day: _closes(name) for day, name in names.items()})


@lru_cache(maxsize=MAX_YEARS_CACHED)
def estimated_holidays(region: HolidayRegion, year: int) -> Mapping[date, str]:
    """The holidays of a year that the library has only estimated, with their names in English, without that mark."""
    names = public_holidays(region, year, english_of(region.country))
    return MappingProxyType({day: ESTIMATED.sub("", name) for day, name in names.items() if ESTIMATED.search(name)})


def holiday_name(region: HolidayRegion, day: date, language: str) -> str:
    """What a day off or a half day is called in this language ("en", "pt"); empty if the library does not have it."""
    library_language = language_of(region.country, language)
    if library_language is None:
        return ""
    named = _read(region, region.categories, day.year, library_language or None)
    return latin_digits(named.get(day, ""))  # as everywhere in the portal


@lru_cache(maxsize=512)
def language_of(country: str, language: str) -> str | None:
    """The library's code for a language in this country: "en" is en_US; "" where it has English only; else None."""
    languages = holidays.country_holidays(country).supported_languages
    if not languages:
        return "" if language == "en" else None
    preferred = sorted(languages, key=lambda code: (code != "en_US", code))
    return next((code for code in preferred if code.split("_")[0] == language), None)


def english_of(country: str) -> str | None:
    return language_of(country, "en") or None


def has_holidays(region: HolidayRegion, year: int) -> bool:
    """Whether the library has any day for this year: for a country in war or before a decree it may have none."""
    return bool(public_holidays(region, year))


@lru_cache(maxsize=1)
def _countries() -> frozenset[str]:
    return frozenset(holidays.list_supported_countries(include_aliases=False))


@lru_cache(maxsize=MAX_YEARS_CACHED)
def _read(region: HolidayRegion, categories: tuple[str, ...], year: int, language: str | None) -> Mapping[date, str]:
    if not categories:
        return MappingProxyType({})
    return MappingProxyType(
        dict(
            holidays.country_holidays(
                region.country,
                subdiv=region.subdivision or None,
                years=year,
                categories=categories,
                language=language,
            )
        )
    )


def _closes(name: str) -> time:
    """When a half day ends, from a name like "Republic Day (from 1pm)"."""
    match = FROM_HOUR.search(name)
    if match is None:
        return HALF_DAY_CLOSES
    return time(int(match[1]) % 12 + (12 if match[2] == "pm" else 0))
