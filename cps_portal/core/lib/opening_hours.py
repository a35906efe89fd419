"""Opening hours of a week, as text of OpenStreetMap's `opening_hours`: "Mo-Th 09:00-18:00; Fr 09:00-12:00" (R72).

Only this part of that notation: days or ranges of days, each with one opening and one closing time.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, time
from itertools import groupby

WEEKDAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
END_OF_DAY = time(0)  # as a closing time
DAY = f"(?:{'|'.join(WEEKDAYS)})"
DAYS = f"{DAY}(?:-{DAY})?(?:,{DAY}(?:-{DAY})?)*"
CLOCK_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d"
RULE = re.compile(rf"(?P<days>{DAYS}) (?P<opens>{CLOCK_TIME})-(?P<closes>{CLOCK_TIME}|24:00)")


@dataclass(frozen=True, slots=True)
class Hours:
    """From when to when somebody works on a day; `closes` 00:00 means the end of the day. Raises ValueError."""

    opens: time
    closes: time

    def __post_init__(self) -> None:
        if self.closes != END_OF_DAY and self.closes <= self.opens:
            raise ValueError(f"closes at {self.closes:%H:%M}, not after it opens at {self.opens:%H:%M}")

    def close_at(self, closes: time) -> "Hours | None":
        """These hours until `closes` at the latest; None if nothing of them is left."""
        if closes != END_OF_DAY and (self.closes == END_OF_DAY or closes < self.closes):
            return Hours(self.opens, closes) if closes > self.opens else None
        return self

    def __str__(self) -> str:
        closes = "24:00" if self.closes == END_OF_DAY else f"{self.closes:%H:%M}"
        return f"{self.opens:%H:%M}-{closes}"


Week = Mapping[int, Hours]  # by ISO 8601: Monday is 1


@dataclass(frozen=True, slots=True)
class Season:
    """Other hours from one day to another, both included, as in Ramadan: they never change which days are worked."""

    first: date
    last: date
    hours: Hours


def same_hours(weekdays: Iterable[int], opens: time, closes: time) -> dict[int, Hours]:
    """A week with the same hours on each of these days. Raises ValueError."""
    return {day: Hours(opens, closes) for day in sorted(weekdays)}


def parse_week(text: str) -> dict[int, Hours]:
    """The hours by weekday. Raises ValueError, also for a day that is named twice and for a week without any day."""
    week: dict[int, Hours] = {}
    for rule in filter(None, (part.strip() for part in text.split(";"))):
        match = RULE.fullmatch(rule)
        if match is None:
            raise ValueError(f"{rule!r} is not like 'Mo-Th 09:00-18:00'")
        closes = END_OF_DAY if match["closes"] == "24:00" else time.fromisoformat(match["closes"])
        hours = Hours(time.fromisoformat(match["opens"]), closes)
        for day in _days(match["days"]):
            if day in week:
                raise ValueError(f"{WEEKDAYS[day - 1]} is named twice")
            week[day] = hours
    if not week:
        raise ValueError("no day has hours")
    return dict(sorted(week.items()))


def format_week(week: Week) -> str:
    """The text for these hours, with equal days in a row written as a range."""
    days = sorted(week)
    runs = [
        [day for _position, day in run]
        for _key, run in groupby(enumerate(days), lambda item: (item[1] - item[0], str(week[item[1]])))
    ]
    return "; ".join(f"{_range(run)} {week[run[0]]}" for run in runs)


def _days(text: str) -> list[int]:
    """Numbers of the days in "Mo-We,Fr"; "Sa-Mo" goes over the end of the week."""
    numbers = []
    for part in text.split(","):
        first, _dash, last = part.partition("-")
        start = WEEKDAYS.index(first)
        length = (WEEKDAYS.index(last or first) - start) % 7 + 1
        numbers += [(start + n) % 7 + 1 for n in range(length)]
    return numbers


def _range(run: list[int]) -> str:
    first, last = WEEKDAYS[run[0] - 1], WEEKDAYS[run[-1] - 1]
    return first if first == last else f"{first}-{last}"
