"""Dates and moments in words, as each language writes them: "9 ноября 2026", "9 de novembro de 2026", "9 Kasım".

Formats are Django's, as English writes them ("l j F"). English is written by Django; the other languages by Babel,
because they put the parts in another order, and Django has the names of months for headings only.
"""

import re
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_datetime
from django import template
from django.utils import dateformat, formats, timezone, translation

from cps_portal.core.lib.directions import left_to_right
from cps_portal.core.lib.languages import ENGLISH, LOCALES
from cps_portal.core.lib.lists import COMMA

register = template.Library()

# Django's format: how French, Arabic, Russian, Turkish and Portuguese write it, in the letters of CLDR.
LANGUAGES = ("fr", "ar", "ru", "tr", "pt")
PATTERNS = {
    "j F Y": ("d MMMM y", "d MMMM y", "d MMMM y", "d MMMM y", "d 'de' MMMM 'de' y"),
    "j M Y": ("d MMM y", "d MMM y", "d MMM y", "d MMM y", "d 'de' MMM 'de' y"),
    "l j F Y": ("EEEE d MMMM y", "EEEE، d MMMM y", "EEEE, d MMMM y", "d MMMM y EEEE", "EEEE, d 'de' MMMM 'de' y"),
    "D j M Y": ("EEE d MMM y", "EEE، d MMM y", "EEE, d MMM y", "d MMM y EEE", "EEE, d 'de' MMM 'de' y"),
    "l j F": ("EEEE d MMMM", "EEEE، d MMMM", "EEEE, d MMMM", "d MMMM EEEE", "EEEE, d 'de' MMMM"),
    "D j F": ("EEE d MMMM", "EEE، d MMMM", "EEE, d MMMM", "d MMMM EEE", "EEE, d 'de' MMMM"),
    "D j M": ("EEE d MMM", "EEE، d MMM", "EEE, d MMM", "d MMM EEE", "EEE, d 'de' MMM"),
    "j F": ("d MMMM", "d MMMM", "d MMMM", "d MMMM", "d 'de' MMMM"),
    "j M": ("d MMM", "d MMM", "d MMM", "d MMM", "d 'de' MMM"),
    "D j": ("EEE d", "EEE d", "EEE d", "d EEE", "EEE d"),
    "F Y": ("LLLL y", "LLLL y", "LLLL y", "LLLL y", "LLLL 'de' y"),
    "M Y": ("LLL y", "LLL y", "LLL y", "LLL y", "LLL 'de' y"),
    "F": ("LLLL",) * 5,
    "M": ("LLL",) * 5,
    "l": ("cccc",) * 5,
    "D": ("ccc",) * 5,
}
TIMES = {"H:i": "HH:mm", "H:i:s": "HH:mm:ss"}
FIRST_IN_FRENCH = re.compile(r"\bd\b"), "d'er'"  # "1er décembre", which CLDR leaves to the reader
REMEMBERED = 4096  # days: a list of fifty products names a handful
ZONES = (" T", " e")  # behind the time: its short name, as in "11:30 SAST", or the whole one


def date_format(value: Any, written: str | None = None) -> str:
    """A date, moment or time in the reader's language. As Django's, whose formats it takes, or the name of one."""
    language = translation.get_language() or ENGLISH
    if type(value) is date:  # a moment also depends on the zone
        return _written_day(value, written, language)
    return _written(value, written, language)


@lru_cache(REMEMBERED)
def _written_day(day: date, written: str | None, language: str) -> str:
    return _written(day, written, language)


def _written(value: Any, written: str | None, language: str) -> str:
    asked = str(formats.get_format(written or "DATE_FORMAT"))
    shown_zone = next((each for each in ZONES if asked.endswith(each)), "")
    pattern = _pattern(asked.removesuffix(shown_zone), language)
    if pattern is None or not isinstance(value, date):
        return str(formats.date_format(value, written))
    if language == "fr" and value.day == 1:
        pattern = FIRST_IN_FRENCH[0].sub(FIRST_IN_FRENCH[1], pattern)
    # Naive, because Babel would convert it to UTC.
    moment = value.replace(tzinfo=None) if isinstance(value, datetime) else datetime.combine(value, time())
    zone = dateformat.format(value, shown_zone) if shown_zone else ""
    return format_datetime(moment, pattern, locale=Locale.parse(LOCALES[language])) + zone


def time_span(begins: datetime, ends: datetime | None) -> str:
    """From one moment to another, as they are here: "Saturday 5 December 2026, 10:00 – 16:00 SAST".

    A day and a zone that both share stand once. Without an end, when it begins.
    """
    start = timezone.localtime(begins)
    if ends is None:
        return date_format(start, "l j F Y, H:i T")
    end = timezone.localtime(ends)
    is_one_zone = start.tzname() == end.tzname()  # not if clocks are changed in between
    first = date_format(start, "l j F Y, H:i" if is_one_zone else "l j F Y, H:i T")
    if start.date() != end.date():
        return f"{first} – {date_format(end, 'l j F Y, H:i T')}"
    hour = date_format(start, "H:i" if is_one_zone else "H:i T")
    return first.removesuffix(hour) + left_to_right(f"{hour} – {date_format(end, 'H:i T')}")


def week_of(day: date, country: str) -> list[date]:
    """The seven days of the week that has this day, from the one on which weeks begin in the country (ISO code)."""
    first = day - timedelta(days=(day.weekday() - _first_weekday(country)) % 7)
    return [first + timedelta(days=n) for n in range(7)]


@lru_cache(REMEMBERED)
def _first_weekday(country: str) -> int:
    """As CLDR has it, 0 for Monday, which is also that of a country it does not know."""
    try:
        locale = Locale.parse(f"und_{country}")
    except (UnknownLocaleError, ValueError):
        return 0
    return int(locale.first_week_day) if locale.territory == country else 0  # Babel takes unknown ones for the US


def city_of_zone(zone: str) -> str:
    """The city that a time zone is named after, as CLDR calls it in the reader's language: "Йоханнесбург"."""
    english = zone.rpartition("/")[2].replace("_", " ")
    language = translation.get_language() or ENGLISH
    if language not in LANGUAGES:
        return english
    return str(Locale.parse(LOCALES[language]).time_zones.get(zone, {}).get("city", english))


def _pattern(written: str, language: str) -> str | None:
    """None for what all languages write alike, such as 2026-11-09 or 14:05, and for English."""
    if language not in LANGUAGES:
        return None
    day, comma, clock = written.partition(", ")
    if not comma and " " in day and day.rsplit(" ", 1)[1] in TIMES:
        day, _space, clock = day.rpartition(" ")
    if day not in PATTERNS or (clock and clock not in TIMES):
        return None
    of_day = PATTERNS[day][LANGUAGES.index(language)]
    return f"{of_day}{COMMA.get(language, ', ')}{TIMES[clock]}" if clock else of_day


@register.filter("date", expects_localtime=True, is_safe=False)
def written_date(value: Any, written: str | None = None) -> str:
    """The filter `date` of all templates, instead of Django's: "" for no date."""
    if value in (None, ""):
        return ""
    try:
        return date_format(value, written)
    except AttributeError:
        return ""


@register.filter("until", is_safe=False)
def written_span(begins: datetime, ends: datetime | None) -> str:
    """When something is, as `time_span` writes it."""
    return time_span(begins, ends)


@register.filter("end_after", is_safe=False)
def written_end(ends: datetime, begins: datetime) -> str:
    """The end of what began at a moment: "Mon 9 Nov, 14:05", or "14:05" on the same day."""
    start, end = timezone.localtime(begins), timezone.localtime(ends)
    return date_format(end, "H:i" if start.date() == end.date() else "D j M, H:i")
