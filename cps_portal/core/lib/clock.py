"""Working time: the sums behind first answers (R58), decisions (R19) and repair targets (R44). No framework.

Moments go in with any zone and come out in UTC.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import count
from zoneinfo import ZoneInfo

import holidays

MONDAY_TO_FRIDAY = frozenset({1, 2, 3, 4, 5})
MAX_DAYS_CLOSED = 400  # days; a calendar that rests longer is a mistake, and searching on would not end
NOTHING = timedelta(0)


@lru_cache(maxsize=512)
def public_holidays(country: str, year: int) -> frozenset[date]:
    """The public holidays of a country, with the days on which they are observed."""
    return frozenset(holidays.country_holidays(country, years=year))


@dataclass(frozen=True)
class Calendar:
    """When somebody works. `weekdays` as in ISO 8601 (Monday is 1); `closes` at 00:00 means at midnight.

    `country` names whose public holidays are days off ("" for none), `days_off` what is closed besides.
    Raises ValueError for what cannot be.
    """

    zone: ZoneInfo
    weekdays: Collection[int] = MONDAY_TO_FRIDAY
    opens: time = time(9)
    closes: time = time(17)
    country: str = ""
    days_off: Collection[date] = frozenset()

    def __post_init__(self) -> None:
        if not self.weekdays or not set(self.weekdays) <= set(range(1, 8)):
            raise ValueError(f"weekdays are one or more of 1 (Monday) to 7 (Sunday), not {sorted(self.weekdays)}")
        if self.closes != time(0) and self.closes <= self.opens:
            raise ValueError(f"closes at {self.closes}, not after it opens at {self.opens}")
        if self.country and self.country not in holidays.list_supported_countries(include_aliases=False):
            raise ValueError(f"the public holidays of {self.country!r} are not known")

    def is_working_day(self, day: date) -> bool:
        return (
            day.isoweekday() in self.weekdays
            and day not in self.days_off
            and not (self.country and day in public_holidays(self.country, day.year))
        )

    def opening(self, day: date) -> tuple[datetime, datetime]:
        """When that day opens and closes, in UTC: subtracting local times would miss a change of the clocks."""
        after = day if self.closes > self.opens else day + timedelta(days=1)
        return self._moment(day, self.opens), self._moment(after, self.closes)

    def working_days(self, first: date) -> Iterator[date]:
        """The working days from `first` on. Raises ValueError if none comes for two months."""
        rested = 0
        for n in count():
            day = first + timedelta(days=n)
            rested = 0 if self.is_working_day(day) else rested + 1
            if rested > MAX_DAYS_CLOSED:
                raise ValueError(f"no working day for {MAX_DAYS_CLOSED} days before {day}")
            if not rested:
                yield day

    def _moment(self, day: date, at: time) -> datetime:
        return datetime.combine(day, at, tzinfo=self.zone).astimezone(UTC)


def add_working_time(start: datetime, length: timedelta, calendar: Calendar) -> datetime:
    """The moment at which `length` of working time has passed since `start`. Raises ValueError below zero."""
    if length < NOTHING:
        raise ValueError(f"working time only goes forward, not by {length}")
    for day in calendar.working_days(start.astimezone(calendar.zone).date()):
        opens, closes = calendar.opening(day)
        begins = max(start.astimezone(UTC), opens)
        if begins + length <= closes:
            return begins + length
        length -= max(closes - begins, NOTHING)
    raise AssertionError("working days never end")


def add_working_hours(start: datetime, hours: float, calendar: Calendar) -> datetime:
    """When an answer is due that has this many working hours (R58)."""
    return add_working_time(start, timedelta(hours=hours), calendar)


def add_working_days(start: datetime, days: int, calendar: Calendar) -> datetime:
    """The same local time this many working days later; from a day off, counted from the next opening (R44)."""
    if days < 0:
        raise ValueError(f"working days only go forward, not by {days}")
    local = start.astimezone(calendar.zone)
    following = calendar.working_days(local.date())
    first = next(following)
    at = local.timetz().replace(tzinfo=None) if first == local.date() else calendar.opens
    due = first
    for _step in range(days):
        due = next(following)
    # A time that a change of the clocks leaves out becomes the one an hour later.
    return datetime.combine(due, at, tzinfo=calendar.zone).astimezone(UTC)


def working_time_between(start: datetime, end: datetime, calendar: Calendar) -> timedelta:
    """How much working time lies between two moments; none if `end` is not after `start`."""
    begin, finish = start.astimezone(UTC), end.astimezone(UTC)
    total = NOTHING
    if finish <= begin:
        return total
    for day in calendar.working_days(begin.astimezone(calendar.zone).date()):
        opens, closes = calendar.opening(day)
        if opens >= finish:
            break
        total += max(min(finish, closes) - max(begin, opens), NOTHING)
    return total
