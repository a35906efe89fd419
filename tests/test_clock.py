"""Working time by tables: weekends, holidays, changes of the clocks (R44, R58)."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cps_portal.core.lib.clock import (
    Calendar,
    add_working_days,
    add_working_hours,
    add_working_time,
    working_time_between,
)
from cps_portal.core.lib.opening_hours import Hours, same_hours
from cps_portal.core.lib.public_holidays import HolidayRegion, public_holidays

SUPPORT = Calendar(zone=ZoneInfo("Africa/Johannesburg"), country="ZA")
# Rests on Friday and Saturday.
DUBAI = Calendar(
    zone=ZoneInfo("Asia/Dubai"), week=same_hours({7, 1, 2, 3, 4}, time(9), time(17))
)
BUCHAREST = Calendar(zone=ZoneInfo("Europe/Bucharest"), days_off={date(2026, 3, 27): ""})
ALWAYS = Calendar(zone=ZoneInfo("Europe/Bucharest"), week=same_hours(range(1, 8), time(0), time(0)))


def local(text: str, calendar: Calendar, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=calendar.zone, fold=fold)


@pytest.mark.parametrize(
    ("calendar", "start", "hours", "due"),
    [
        (SUPPORT, "2026-03-02T09:00", 4, "2026-03-02T13:00"),
        (SUPPORT, "2026-03-02T09:00", 8, "2026-03-02T17:00"),  # at closing time, not at the next opening
        (SUPPORT, "2026-03-02T16:00", 4, "2026-03-03T12:00"),
        (SUPPORT, "2026-03-02T06:00", 4, "2026-03-02T13:00"),  # before opening
        (SUPPORT, "2026-03-02T22:00", 4, "2026-03-03T13:00"),  # after closing
        (SUPPORT, "2026-03-06T16:00", 8, "2026-03-09T16:00"),  # over a weekend
        (SUPPORT, "2026-03-07T11:00", 24, "2026-03-11T17:00"),  # on a Saturday
        (SUPPORT, "2026-04-02T15:00", 4, "2026-04-07T11:00"),  # over Easter: Good Friday and Family Day
        (SUPPORT, "2026-08-07T16:00", 2, "2026-08-11T10:00"),  # a holiday on Sunday is observed on Monday
        (SUPPORT, "2026-03-02T09:00", 0, "2026-03-02T09:00"),
        (SUPPORT, "2026-03-07T09:00", 0, "2026-03-09T09:00"),
        (SUPPORT, "2026-03-02T09:00", 0.5, "2026-03-02T09:30"),
        (DUBAI, "2026-03-05T16:00", 2, "2026-03-08T10:00"),  # Thursday to Sunday
        (BUCHAREST, "2026-03-26T16:00", 2, "2026-03-30T10:00"),  # a day off, a weekend and summer time
        (ALWAYS, "2026-03-28T12:00", 24, "2026-03-29T13:00"),  # a day of 23 hours
        (ALWAYS, "2026-10-24T12:00", 24, "2026-10-25T11:00"),  # a day of 25 hours
    ],
)
def test_hours_pass_only_while_somebody_works(calendar: Calendar, start: str, hours: float, due: str) -> None:
    found = add_working_hours(local(start, calendar), hours, calendar)
    assert found.astimezone(calendar.zone).isoformat(timespec="minutes")[:16] == due
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    ("calendar", "start", "days", "due"),
    [
        (SUPPORT, "2026-03-02T10:20", 2, "2026-03-04T10:20"),
        (SUPPORT, "2026-03-06T10:20", 2, "2026-03-10T10:20"),
        (SUPPORT, "2026-03-07T10:20", 2, "2026-03-11T09:00"),  # a day off: from the start of the next working day
        (SUPPORT, "2026-04-03T10:20", 3, "2026-04-10T09:00"),  # Good Friday
        (SUPPORT, "2026-12-31T10:20", 2, "2027-01-05T10:20"),  # holidays of the next year
        (SUPPORT, "2026-03-02T20:00", 1, "2026-03-03T17:00"),  # not after closing time (R72)
        (SUPPORT, "2026-03-02T10:20", 0, "2026-03-02T10:20"),
        (DUBAI, "2026-03-05T10:20", 2, "2026-03-09T10:20"),
        (DUBAI, "2026-03-06T10:20", 5, "2026-03-15T09:00"),
        (BUCHAREST, "2026-03-26T10:20", 1, "2026-03-30T10:20"),  # the same local time across the change
        (BUCHAREST, "2026-10-23T10:20", 1, "2026-10-26T10:20"),
        (ALWAYS, "2026-03-28T03:30", 1, "2026-03-29T04:30"),  # half past three does not exist that night
        (ALWAYS, "2026-10-24T03:30", 1, "2026-10-25T03:30"),
    ],
)
def test_days_end_at_the_same_local_time(calendar: Calendar, start: str, days: int, due: str) -> None:
    found = add_working_days(local(start, calendar), days, calendar)
    assert found.astimezone(calendar.zone).isoformat(timespec="minutes")[:16] == due


@pytest.mark.parametrize(
    ("calendar", "start", "end", "hours"),
    [
        (SUPPORT, "2026-03-02T09:00", "2026-03-02T17:00", 8),
        (SUPPORT, "2026-03-02T00:00", "2026-03-09T00:00", 40),
        (SUPPORT, "2026-03-06T16:00", "2026-03-09T10:00", 2),
        (SUPPORT, "2026-03-07T08:00", "2026-03-08T20:00", 0),
        (SUPPORT, "2026-04-02T16:00", "2026-04-07T10:00", 2),
        (SUPPORT, "2026-03-03T09:00", "2026-03-02T09:00", 0),
        (ALWAYS, "2026-03-29T00:00", "2026-03-30T00:00", 23),
        (ALWAYS, "2026-10-25T00:00", "2026-10-26T00:00", 25),
    ],
)
def test_what_lies_between(calendar: Calendar, start: str, end: str, hours: int) -> None:
    between = working_time_between(local(start, calendar), local(end, calendar), calendar)
    assert between == timedelta(hours=hours)


def test_an_hour_that_comes_twice_counts_twice() -> None:
    first, second = (local("2026-10-25T03:30", ALWAYS, fold) for fold in (0, 1))
    assert working_time_between(first, second, ALWAYS) == timedelta(hours=1)


MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
LENGTHS = st.timedeltas(timedelta(0), timedelta(hours=60))


@given(MOMENTS, LENGTHS, st.sampled_from([SUPPORT, DUBAI, BUCHAREST, ALWAYS]))
def test_what_is_added_lies_between(start: datetime, length: timedelta, calendar: Calendar) -> None:
    assert working_time_between(start, add_working_time(start, length, calendar), calendar) == length


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"week": {}}, "days of a week"),
        ({"week": {0: Hours(time(9), time(17))}}, "days of a week"),
        ({"country": "XX"}, "not known"),
    ],
)
def test_a_calendar_that_cannot_be_is_refused(wrong: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Calendar(zone=SUPPORT.zone, **wrong)  # type: ignore[arg-type]


def test_negative_and_endless_working_time_raise() -> None:
    start = local("2026-03-02T09:00", SUPPORT)
    with pytest.raises(ValueError, match="negative"):
        add_working_hours(start, -1, SUPPORT)
    with pytest.raises(ValueError, match="negative"):
        add_working_days(start, -1, SUPPORT)
    closed = Calendar(zone=SUPPORT.zone, days_off={date(2026, 3, 1) + timedelta(days=n): "" for n in range(500)})
    with pytest.raises(ValueError, match="no working day"):
        add_working_hours(start, 1, closed)


def test_holidays_are_those_of_the_country() -> None:
    assert date(2026, 4, 27) in public_holidays(HolidayRegion("ZA"), 2026)  # Freedom Day
    assert date(2026, 4, 27) not in public_holidays(HolidayRegion("TR"), 2026)
