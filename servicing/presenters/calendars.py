"""The calendar of a centre in words: its week, its special days, and which days a target skips (R72)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.utils.dates import WEEKDAYS
from django.utils.formats import time_format
from django.utils.functional import Promise
from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _

from cps_portal.core.lib.clock import Calendar, WhyClosed, explain_days
from cps_portal.core.lib.languages import ENGLISH
from cps_portal.core.lib.lists import comma, with_commas, with_semicolons
from cps_portal.core.lib.opening_hours import Hours
from cps_portal.core.lib.public_holidays import holiday_name
from cps_portal.core.lib.written_dates import date_format, week_of
from servicing.rules.clock import Clock

DAYS_AHEAD = 60
MAX_DAYS_LISTED = 5  # a longer row of days is written as a range


@dataclass(frozen=True)
class WeekdayHours:
    name: str | Promise
    hours: Hours | None
    is_today: bool


@dataclass(frozen=True)
class SpecialDay:
    """A day that differs from its weekday; `hours` is None if it is closed."""

    day: date
    hours: Hours | None
    why: str


def list_week(calendar: Calendar, today: date, *, country: str) -> list[WeekdayHours]:
    """The usual hours of the week of today, which begins as weeks do in `country`; in a season, those of the season."""
    season = next((season for season in calendar.seasons if season.first <= today <= season.last), None)
    rows = []
    for day in week_of(today, country):
        usual = calendar.week.get(day.isoweekday())
        hours = calendar.usual_hours(day) if season and usual else usual
        rows.append(WeekdayHours(WEEKDAYS[day.weekday()], hours, is_today=day == today))
    return rows


def list_special_days(calendar: Calendar, today: date) -> list[SpecialDay]:
    """The days ahead that are closed though the weekday is not, half days and days worked after all, soonest first."""
    ahead = [today + timedelta(days=n) for n in range(DAYS_AHEAD)]
    rows = []
    for day in ahead:
        why = calendar.why_closed(day)
        if why in (WhyClosed.HOLIDAY, WhyClosed.CLOSURE):
            rows.append(SpecialDay(day, None, name_of_day(calendar, day)))
        elif why is None and (day in calendar.days_on or calendar.closing_early(day)):
            rows.append(SpecialDay(day, calendar.hours_on(day), name_of_day(calendar, day)))
    return rows


def name_of_day(calendar: Calendar, day: date) -> str:
    """What a day off or a half day is called, in the language of the reader if the library has it."""
    if why := calendar.days_off.get(day) or calendar.early_because.get(day):
        return calendar.reason(why, get_language() or ENGLISH)
    if day in calendar.days_on:
        return _("Open after all")
    language = get_language() or ENGLISH
    name = holiday_name(calendar.region, day, language) if calendar.country else ""
    if name:
        return name
    return {
        WhyClosed.HOLIDAY: _("Public holiday"),
        WhyClosed.CLOSURE: pgettext("day of a service centre", "Closed"),
        WhyClosed.WEEKEND: _("Weekend"),
        None: pgettext("day of a service centre", "Half day"),
    }[calendar.why_closed(day)]


def explain_target(clock: Clock, calendar: Calendar) -> str:
    """Which working days the target counts and which days it skips; empty before the clock has started.

    Like "2 working days: Thu 22, Mon 26. Not counted: weekend (Fri, Sat); Sun 25 (public holiday)."
    """
    if clock.counts_since is None or clock.due_at is None:
        return ""
    first, last = (moment.astimezone(calendar.zone).date() for moment in (clock.counts_since, clock.due_at))
    days = explain_days(first, last, calendar)
    if not days.counted:
        return ""
    count = len(days.counted)
    counted = ngettext("%(count)s working day: %(days)s.", "%(count)s working days: %(days)s.", count)
    parts = [counted % {"count": count, "days": _row_of_days(days.counted)}]
    skipped = [f"{short_day(day)} ({name_of_day(calendar, day)})" for day, _why in days.closed]
    if days.weekend:
        names = with_commas(date_format(_weekday(number), "D") for number in days.weekend)
        skipped.insert(0, _("weekend (%(days)s)") % {"days": names})
    if skipped:
        parts.append(_("Not counted: %(days)s.") % {"days": with_semicolons(skipped)})
    for day, closes in days.short:
        params = {"day": short_day(day), "time": time_format(closes, "H:i")}
        parts.append(_("%(day)s is a half day, until %(time)s.") % params)
    return " ".join(parts)


def describe_change(data: Mapping[str, Any], calendar: Calendar) -> str:
    """Why a target has moved, from the data of the event: "Closed on Fri 4 December (stocktaking)."."""
    sentences = []
    why = calendar.reason(str(data.get("why", "")), get_language() or ENGLISH)
    for key, sentence in (
        ("closed", _("Closed on %(days)s.")),
        ("opened", _("Open after all on %(days)s.")),
        ("hours", _("Other hours on %(days)s.")),
    ):
        if days := [date.fromisoformat(day) for day in data.get(key, ())]:
            text = _row_of_days(days)
            sentences.append(sentence % {"days": f"{text} ({why})" if why and key == "closed" else text})
    return " ".join(sentences) or _("Its opening hours have changed.")


def _weekday(number: int) -> date:
    """Some day that is this day of the week, 1 for Monday."""
    return date(2024, 1, number)  # which began on a Monday


def short_day(day: date) -> str:
    return date_format(day, "D j")


def _row_of_days(days: Iterable[date]) -> str:
    rows = list(days)
    if len(rows) > MAX_DAYS_LISTED:
        return _("%(first)s to %(last)s") % {"first": _with_month(rows[0]), "last": _with_month(rows[-1])}
    texts = [
        _with_month(day) if day.month != before.month else short_day(day)
        for before, day in zip([*rows[:1], *rows], rows, strict=False)
    ]
    # Some languages write a day with its month with a comma of their own: "вт, 1 декабря".
    return with_semicolons(texts) if any(comma().strip() in text for text in texts) else with_commas(texts)


def _with_month(day: date) -> str:
    return date_format(day, "D j F")  # written out: an abbreviated one has a full stop, and ends sentences here
