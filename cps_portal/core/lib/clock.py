"""Working time, for first responses (R58), decisions (R19) and turnaround targets (R44).

Times may be passed in any time zone and are returned in UTC.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import count
from zoneinfo import ZoneInfo

import holidays

MONDAY_TO_FRIDAY = frozenset({1, 2, 3, 4, 5})
MAX_DAYS_CLOSED = 400  # a calendar that is closed longer is a mistake, and the search would never end
ZERO = timedelta(0)


@lru_cache(maxsize=512)
def public_holidays(country: str, year: int) -> frozenset[date]:
    """The public holidays of a country, including the days on which they are observed instead."""
    return frozenset(holidays.country_holidays(country, years=year))


@dataclass(frozen=True)
class Calendar:
    """Opening hours. `weekdays` are numbered by ISO 8601 (Monday is 1); `closes` 00:00 means the end of the day.

    The public holidays of `country` are closed ("" for none), and so are `days_off`. Raises ValueError if the values
    contradict each other.
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
        """Opening and closing time of a day, in UTC: differences of local times are wrong when the clocks change."""
        closing_day = day if self.closes > self.opens else day + timedelta(days=1)
        return self._moment(day, self.opens), self._moment(closing_day, self.closes)

    def working_days(self, first: date) -> Iterator[date]:
        """The working days from `first` on. Raises ValueError if there is none within MAX_DAYS_CLOSED."""
        days_closed = 0
        for n in count():
            day = first + timedelta(days=n)
            days_closed = 0 if self.is_working_day(day) else days_closed + 1
            if days_closed > MAX_DAYS_CLOSED:
                raise ValueError(f"no working day for {MAX_DAYS_CLOSED} days before {day}")
            if not days_closed:
                yield day

    def _moment(self, day: date, at: time) -> datetime:
        return datetime.combine(day, at, tzinfo=self.zone).astimezone(UTC)


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
    """The same local time this many working days later. From a day off, counted from the next opening (R44)."""
    if days < 0:
        raise ValueError(f"working days cannot be negative: {days}")
    local = start.astimezone(calendar.zone)
    following = calendar.working_days(local.date())
    first = next(following)
    at = local.timetz().replace(tzinfo=None) if first == local.date() else calendar.opens
    due = first
    for _step in range(days):
        due = next(following)
    # A local time that is skipped when daylight saving begins becomes the time one hour later.
    return datetime.combine(due, at, tzinfo=calendar.zone).astimezone(UTC)


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
