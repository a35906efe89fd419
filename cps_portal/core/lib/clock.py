"""Working time, for first responses (R58), decisions (R19) and turnaround targets (R44, R72).

Times may be passed in any time zone and are returned in UTC.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cached_property
from itertools import count
from types import MappingProxyType
from zoneinfo import ZoneInfo

from cps_portal.core.lib.opening_hours import END_OF_DAY, Hours, Season, Week, same_hours
from cps_portal.core.lib.public_holidays import PUBLIC, HolidayRegion, check_region, half_days, public_holidays

MONDAY_TO_FRIDAY = same_hours((1, 2, 3, 4, 5), time(9), time(17))
MAX_DAYS_CLOSED = 400  # after the last special day; closed longer is a mistake, and the search would never end
ZERO = timedelta(0)
DAY = timedelta(days=1)
A_YEAR = timedelta(days=365)  # days further away are ambiguous without their year


class WhyClosed(StrEnum):
    """Why a day is not a working day."""

    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    CLOSURE = "closure"


@dataclass(frozen=True)
class Calendar:
    """Opening hours by weekday, and what differs from them on some days (R72).

    The public holidays of `country` are closed ("" for none), as far as they are in `categories` and of its
    `subdivision`; with the category `half_day`, half days close early. `days_off` are closed too, with the reason.
    `days_on` are worked after all, whatever else says that they are not; their hours, or None for the usual ones.
    On a day in `early` nothing is worked after this time: a half day, for the reason in `early_because`. `seasons` have
    other hours. `reasons` has those of days off and half days in other languages.
    Raises ValueError if the values contradict each other.
    """

    zone: ZoneInfo
    week: Week = field(default_factory=lambda: MONDAY_TO_FRIDAY)
    country: str = ""
    subdivision: str = ""
    categories: tuple[str, ...] = (PUBLIC,)
    days_off: Mapping[date, str] = field(default_factory=dict)
    days_on: Mapping[date, Hours | None] = field(default_factory=dict)
    early: Mapping[date, time] = field(default_factory=dict)
    early_because: Mapping[date, str] = field(default_factory=dict)
    seasons: Sequence[Season] = ()
    reasons: Mapping[str, Mapping[str, str]] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        if not self.week or not set(self.week) <= set(range(1, 8)):
            raise ValueError(f"the days of a week are one or more of 1 (Monday) to 7 (Sunday), not {sorted(self.week)}")
        if self.country:
            check_region(self.region)

    @cached_property
    def region(self) -> HolidayRegion:
        """Whose holidays are closed; for `country` "" nobody’s."""
        return HolidayRegion(self.country, self.subdivision, self.categories)

    @cached_property
    def full_day(self) -> Hours:
        """The hours of the weekday that closes last: those of a day that is worked after all."""
        return max(self.week.values(), key=_last_to_close)

    @cached_property
    def last_special_day(self) -> date | None:
        """The last day off or half day; None if there is none."""
        return max((*self.days_off, *self.early), default=None)

    def holidays(self, year: int) -> Mapping[date, str]:
        return public_holidays(self.region, year) if self.country else NOTHING

    def reason(self, why: str, language: str) -> str:
        """The reason of a day off or a half day in this language, as it is where there is no translation."""
        return self.reasons.get(why, {}).get(language, why)

    def why_closed(self, day: date) -> WhyClosed | None:
        """Why this is not a working day; None if it is one."""
        if day in self.days_on:
            return None
        if day.isoweekday() not in self.week:
            return WhyClosed.WEEKEND
        if day in self.days_off:
            return WhyClosed.CLOSURE
        if self.country and day in public_holidays(self.region, day.year):
            return WhyClosed.HOLIDAY
        return None if self._cut_short(day) else WhyClosed.CLOSURE

    def is_working_day(self, day: date) -> bool:
        return self.why_closed(day) is None

    def hours_on(self, day: date) -> Hours | None:
        """From when to when this day is worked; None if it is not."""
        return self._cut_short(day) if self.is_working_day(day) else None

    def closing_early(self, day: date) -> time | None:
        """When a half day ends; None for any other day."""
        if day in self.early:
            return self.early[day]
        return half_days(self.region, day.year).get(day) if self.country and day not in self.days_on else None

    def opening(self, day: date) -> tuple[datetime, datetime]:
        """Opening and closing time of a working day, in UTC: differences of local times are wrong when clocks change.

        Raises ValueError for another day.
        """
        hours = self.hours_on(day)
        if hours is None:
            raise ValueError(f"{day} is not a working day")
        return self._moment(day, hours.opens), self.closing(day, hours)

    def closing(self, day: date, hours: Hours) -> datetime:
        return self._moment(day + DAY if hours.closes == END_OF_DAY else day, hours.closes)

    def is_open(self, at: datetime) -> bool:
        """Whether somebody works at this moment."""
        day = at.astimezone(self.zone).date()
        if not self.is_working_day(day):
            return False
        opens, closes = self.opening(day)
        return opens <= at < closes

    def working_days(self, first: date) -> Iterator[date]:
        """The working days from `first` on.

        Raises ValueError if there is none for MAX_DAYS_CLOSED, beside the days off, which may be any number.
        """
        days_closed = 0
        for n in count():
            day = first + timedelta(days=n)
            if self.is_working_day(day):
                days_closed = 0
                yield day
            elif self.last_special_day is None or day > self.last_special_day:
                days_closed += 1
            if days_closed > MAX_DAYS_CLOSED:
                raise ValueError(f"no working day for {MAX_DAYS_CLOSED} days before {day}")

    def usual_hours(self, day: date) -> Hours:
        """The hours of a day as if it were worked until its usual closing time."""
        if special := self.days_on.get(day):
            return special
        usual = self.week.get(day.isoweekday(), self.full_day)
        season = next((season for season in self.seasons if season.first <= day <= season.last), None)
        if season is None:
            return usual
        # A weekday that is shorter than others all year stays as short: on Fridays Dubai closes at noon in Ramadan too.
        is_short = _last_to_close(usual) < _last_to_close(self.full_day)
        return (season.hours.close_at(usual.closes) or usual) if is_short else season.hours

    def _cut_short(self, day: date) -> Hours | None:
        """The hours of a day as if it were worked, until its half day ends; None if nothing is left of them."""
        usual, early = self.usual_hours(day), self.closing_early(day)
        return usual.close_at(early) if early else usual

    def _moment(self, day: date, at: time) -> datetime:
        return datetime.combine(day, at, tzinfo=self.zone).astimezone(UTC)


NOTHING: Mapping[date, str] = MappingProxyType({})


def _last_to_close(hours: Hours) -> tuple[bool, time]:
    """To compare hours by when they end; the end of the day is the latest."""
    return hours.closes == END_OF_DAY, hours.closes


def next_opening(calendar: Calendar, after: date) -> tuple[date, time] | None:
    """The next day on which it works and when it opens; None if it is closed for a year or longer."""
    try:
        day = next(calendar.working_days(after + DAY))
    except ValueError:
        return None
    hours = calendar.hours_on(day)
    return (day, hours.opens) if hours and day - after < A_YEAR else None


def add_working_time(start: datetime, length: timedelta, calendar: Calendar) -> datetime:
    """When `length` of working time has passed since `start`. Raises ValueError if it is negative."""
    if length < ZERO:
        raise ValueError(f"working time cannot be negative: {length}")
    for day in calendar.working_days(start.astimezone(calendar.zone).date()):
        opens, closes = calendar.opening(day)
        begins = max(start.astimezone(UTC), opens)
        if begins + length <= closes:
            return begins + length
        length -= max(closes - begins, ZERO)
    raise AssertionError("working days never end")


def add_working_hours(start: datetime, hours: float, calendar: Calendar) -> datetime:
    """When this many working hours have passed since `start` (R58)."""
    return add_working_time(start, timedelta(hours=hours), calendar)


def add_working_days(start: datetime, days: int, calendar: Calendar) -> datetime:
    """The same local time this many working days later, but not after closing time (R44, R72).

    From a day off, counted from the next opening. Raises ValueError if `days` is negative.
    """
    if days < 0:
        raise ValueError(f"working days cannot be negative: {days}")
    local = start.astimezone(calendar.zone)
    following = calendar.working_days(local.date())
    first = next(following)
    due = first
    for _step in range(days):
        due = next(following)
    # A local time that is skipped when daylight saving begins becomes the time one hour later.
    at = datetime.combine(due, local.time(), tzinfo=calendar.zone).astimezone(UTC)
    if first != local.date():
        opens = calendar.opening(first)[0].astimezone(calendar.zone)
        at = datetime.combine(due, opens.time(), tzinfo=calendar.zone).astimezone(UTC)
    return max(min(at, calendar.opening(due)[1]), start.astimezone(UTC))


def working_time_between(start: datetime, end: datetime, calendar: Calendar) -> timedelta:
    """The working time between two times; zero if `end` is not after `start`."""
    begin, finish = start.astimezone(UTC), end.astimezone(UTC)
    total = ZERO
    if finish <= begin:
        return total
    for day in calendar.working_days(begin.astimezone(calendar.zone).date()):
        opens, closes = calendar.opening(day)
        if opens >= finish:
            break
        total += max(min(finish, closes) - max(begin, opens), ZERO)
    return total


@dataclass(frozen=True, slots=True)
class SkippedDays:
    """The working days that were counted from one day to another, and the days between them that were not.

    `weekend` are the weekdays (ISO 8601) without hours on which days were skipped; `closed` the other days, each with
    why. `short` are those of the counted days that are half days, with the time at which they end.
    """

    counted: tuple[date, ...]
    weekend: tuple[int, ...]
    closed: tuple[tuple[date, WhyClosed], ...]
    short: tuple[tuple[date, time], ...]


def explain_days(first: date, last: date, calendar: Calendar) -> SkippedDays:
    """Which working days count from `first` to `last`, and which days are skipped and why (R72).

    As in `add_working_days`, counting begins on the day after the first working day.
    """
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    reasons = {day: calendar.why_closed(day) for day in days}
    counted = tuple(day for day in days if reasons[day] is None)[1:]
    early = {day: calendar.closing_early(day) for day in counted}
    return SkippedDays(
        counted=counted,
        weekend=tuple(dict.fromkeys(day.isoweekday() for day in days if reasons[day] == WhyClosed.WEEKEND)),
        closed=tuple((day, why) for day, why in reasons.items() if why and why != WhyClosed.WEEKEND),
        short=tuple((day, closes) for day, closes in early.items() if closes),
    )
