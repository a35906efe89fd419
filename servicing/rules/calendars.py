"""What changed between two calendars of a centre, and what that means for a target (R72)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cps_portal.core.lib.clock import Calendar
from cps_portal.core.lib.opening_hours import END_OF_DAY, Hours, Season, format_week, parse_week
from cps_portal.core.lib.public_holidays import half_days

Facts = dict[str, Any]
MAX_CLOSING_DAYS = 14


@dataclass(frozen=True, slots=True)
class CalendarChange:
    """The days that are closed now, that are worked now, and that have other hours now."""

    closed: tuple[date, ...]
    opened: tuple[date, ...]
    hours: tuple[date, ...]


def to_facts(calendar: Calendar, years: range) -> Facts:
    """The calendar as JSON, with the public holidays of these years as days off, as the library knows them today."""
    off = {day: "" for year in years for day in calendar.holidays(year)} | dict(calendar.days_off)
    early: dict[date, time] = {}
    if calendar.country:
        for year in years:
            early |= half_days(calendar.region, year)
    early |= calendar.early
    first, last = date(years[0], 1, 1), date(years[-1], 12, 31)
    return {
        "zone": calendar.zone.key,
        "week": format_week(calendar.week),
        "off": _dated({day: "" for day in off if first <= day <= last and day not in calendar.days_on}),
        "on": _dated({day: _times(hours) for day, hours in calendar.days_on.items() if first <= day <= last}),
        "early": _dated({day: f"{closes:%H:%M}" for day, closes in early.items() if first <= day <= last}),
        "seasons": [
            [season.first.isoformat(), season.last.isoformat(), _times(season.hours)] for season in calendar.seasons
        ],
    }


def from_facts(facts: Mapping[str, Any]) -> Calendar:
    """The calendar that `to_facts` described."""
    return Calendar(
        zone=ZoneInfo(facts["zone"]),
        week=parse_week(facts["week"]),
        days_off={date.fromisoformat(day): why for day, why in facts["off"].items()},
        days_on={date.fromisoformat(day): _hours(times) for day, times in facts["on"].items()},
        early={date.fromisoformat(day): time.fromisoformat(closes) for day, closes in facts["early"].items()},
        seasons=[
            Season(date.fromisoformat(first), date.fromisoformat(last), hours)
            for first, last, times in facts["seasons"]
            if (hours := _hours(times))
        ],
    )


def compare_calendars(before: Calendar, after: Calendar, first: date, last: date) -> CalendarChange:
    """Which days from `first` to `last` differ between two calendars."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    hours = {day: (before.hours_on(day), after.hours_on(day)) for day in days}
    return CalendarChange(
        closed=tuple(day for day, (old, new) in hours.items() if old and not new),
        opened=tuple(day for day, (old, new) in hours.items() if new and not old),
        hours=tuple(day for day, (old, new) in hours.items() if old and new and old != new),
    )


def _dated(values: Mapping[date, str]) -> dict[str, str]:
    return {day.isoformat(): value for day, value in sorted(values.items())}


def _times(hours: Hours | None) -> str:
    return str(hours) if hours else ""


def _hours(text: str) -> Hours | None:
    opens, dash, closes = text.partition("-")
    if not dash:
        return None
    return Hours(time.fromisoformat(opens), END_OF_DAY if closes == "24:00" else time.fromisoformat(closes))


def working_day_before(day: date, is_working_day: Callable[[date], bool]) -> date:
    """The last working day before this day; the day itself if none of the two weeks before it is worked."""
    earlier = (day - timedelta(days=days) for days in range(1, MAX_CLOSING_DAYS + 1))
    return next((candidate for candidate in earlier if is_working_day(candidate)), day)
