"""Working time by tables: weekends, holidays, changes of the clocks (R44, R58)."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cps_portal.core.lib.clock import (
    Calendar,
    Season,
    WhyClosed,
    add_working_days,
    add_working_hours,
    add_working_time,
    explain_days,
    working_time_between,
)
from cps_portal.core.lib.opening_hours import Hours, format_week, parse_week, same_hours
from cps_portal.core.lib.public_holidays import (
    HolidayRegion,
    check_region,
    estimated_holidays,
    half_days,
    has_holidays,
    holiday_name,
    public_holidays,
)
from tests.rows import each_row

SUPPORT = Calendar(zone=ZoneInfo("Africa/Johannesburg"), country="ZA")
# Rests on Friday and Saturday.
DUBAI = Calendar(zone=ZoneInfo("Asia/Dubai"), week=same_hours({7, 1, 2, 3, 4}, time(9), time(17)))
BUCHAREST = Calendar(zone=ZoneInfo("Europe/Bucharest"), days_off={date(2026, 3, 27): ""})
ALWAYS = Calendar(zone=ZoneInfo("Europe/Bucharest"), week=same_hours(range(1, 8), time(0), time(0)))


def local(text: str, calendar: Calendar, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=calendar.zone, fold=fold)


@each_row(
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


@each_row(
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


@each_row(
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


@each_row(
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


class EveryDay(dict[date, str]):
    """Days off without an end."""

    def __contains__(self, day: object) -> bool:
        return True


def test_negative_and_endless_working_time_raise() -> None:
    start = local("2026-03-02T09:00", SUPPORT)
    with pytest.raises(ValueError, match="negative"):
        add_working_hours(start, -1, SUPPORT)
    with pytest.raises(ValueError, match="negative"):
        add_working_days(start, -1, SUPPORT)
    with pytest.raises(ValueError, match="no working day"):
        add_working_hours(start, 1, Calendar(zone=SUPPORT.zone, days_off=EveryDay()))


def test_days_off_end_however_many_there_are() -> None:
    """R72: the first working day after 500 days off, and one more."""
    closed = Calendar(zone=SUPPORT.zone, days_off={date(2026, 3, 1) + timedelta(days=n): "" for n in range(500)})
    due = add_working_days(local("2026-03-02T10:00", SUPPORT), 1, closed)
    assert due.astimezone(SUPPORT.zone).isoformat() == "2027-07-15T09:00:00+02:00"


def test_holidays_are_those_of_the_country() -> None:
    assert date(2026, 4, 27) in public_holidays(HolidayRegion("ZA"), 2026)  # Freedom Day
    assert date(2026, 4, 27) not in public_holidays(HolidayRegion("TR"), 2026)


# --- What differs from the weekly hours (R72) ---------------------------------------------------------

DUBAI_FRIDAYS = Calendar(zone=ZoneInfo("Asia/Dubai"), week=parse_week("Mo-Th 09:00-18:00; Fr 09:00-12:00"))
RAMADAN = Season(date(2026, 2, 18), date(2026, 3, 19), Hours(time(10), time(15)))


def test_a_clock_that_jumps_changes_no_working_hour() -> None:
    """R72: the working time from the day before a jump to the day after it is the same as in any other week."""
    week = same_hours(range(1, 8), time(9), time(17))
    jumps = {
        "Africa/Cairo": ("2026-04-24", "2026-10-29", "2027-04-30", "2027-10-28"),
        "Africa/Casablanca": ("2026-02-15", "2026-03-22", "2027-02-07", "2027-03-14"),
        "Asia/Jerusalem": ("2026-03-27", "2026-10-25", "2027-03-26", "2027-10-31"),
        "Europe/London": ("2026-03-29", "2026-10-25", "2027-03-28", "2027-10-31"),
    }
    for zone, days in jumps.items():
        calendar = Calendar(zone=ZoneInfo(zone), week=week)
        for day in map(date.fromisoformat, days):
            before, after = (datetime.combine(day + timedelta(days=n), time(10), calendar.zone) for n in (-1, 1))
            assert before.utcoffset() != after.utcoffset(), (zone, day)
            assert working_time_between(before, after, calendar) == timedelta(hours=16), (zone, day)
            assert add_working_days(before, 2, calendar) == after, (zone, day)


def test_hours_by_weekday_half_days_and_seasons() -> None:
    """R72: for each day, from when to when it is worked."""
    calendar = replace(
        DUBAI_FRIDAYS,
        country="TR",
        categories=("public", "half_day"),
        seasons=(RAMADAN,),
        early={date(2026, 6, 1): time(12), date(2026, 6, 2): time(8)},
        days_off={date(2026, 6, 3): "Stocktaking"},
        days_on={date(2026, 6, 6): None, date(2026, 6, 7): Hours(time(10), time(14)), date(2026, 1, 1): None},
    )
    expected = {
        "2026-02-12": "09:00-18:00",
        "2026-02-13": "09:00-12:00",  # a short Friday
        "2026-02-14": None,
        "2026-02-19": "10:00-15:00",  # in Ramadan
        "2026-02-20": "10:00-12:00",  # on Fridays as short as ever
        "2026-03-19": "10:00-13:00",  # the half day before the bayram, in Ramadan
        "2026-03-20": None,
        "2026-10-28": "09:00-13:00",
        "2026-06-01": "09:00-12:00",
        "2026-06-02": None,  # nothing is left of it
        "2026-06-03": None,
        "2026-06-06": "09:00-18:00",  # a Saturday that is worked
        "2026-06-07": "10:00-14:00",
        "2026-01-01": "09:00-18:00",  # a holiday that is worked after all
    }
    hours = {day: calendar.hours_on(date.fromisoformat(day)) for day in expected}
    assert {day: str(at) if at else None for day, at in hours.items()} == expected


def test_nothing_is_due_after_closing_and_a_half_day_counts() -> None:
    """R72: from (local time, days) to when it is due."""
    short = replace(DUBAI_FRIDAYS, early={date(2026, 6, 2): time(13)})
    rows = [
        ("2026-06-05T16:00", 1, "2026-06-08T16:00"),  # Friday after closing
        ("2026-06-05T16:00", 2, "2026-06-09T16:00"),
        ("2026-06-03T16:00", 2, "2026-06-05T12:00"),  # due on a Friday
        ("2026-06-04T11:00", 1, "2026-06-05T11:00"),
        ("2026-06-01T16:00", 1, "2026-06-02T13:00"),
        ("2026-06-01T10:00", 1, "2026-06-02T10:00"),
        ("2026-06-01T16:00", 2, "2026-06-03T16:00"),
        ("2026-06-06T10:00", 4, "2026-06-12T09:00"),  # Saturday
        ("2026-06-08T23:00", 1, "2026-06-09T18:00"),
        ("2026-06-08T23:00", 0, "2026-06-08T23:00"),  # never before it begins
    ]
    due = [
        add_working_days(local(start, short), days, short).astimezone(short.zone).isoformat()[:16]
        for start, days, _expected in rows
    ]
    assert due == [expected for _start, _days, expected in rows]


def test_a_season_moves_no_target_by_days() -> None:
    """R72: Ramadan changes how long a pause is, never how many days a target has."""
    in_ramadan = replace(DUBAI_FRIDAYS, seasons=(RAMADAN,))
    for n in range(20):
        start = local("2026-02-20T11:00", DUBAI_FRIDAYS) + timedelta(days=n)
        usual, changed = (add_working_days(start, 5, calendar) for calendar in (DUBAI_FRIDAYS, in_ramadan))
        assert usual.date() == changed.date(), start
    day = [local(f"2026-02-23T{hour}:00", in_ramadan) for hour in ("00", "23")]
    assert working_time_between(*day, in_ramadan) == timedelta(hours=5)


def test_a_week_is_written_as_it_is_read_and_bad_text_is_refused() -> None:
    for text in ("Mo-Fr 09:00-17:00", "Mo-Th 09:00-18:00; Fr 09:00-12:00", "Tu 10:00-24:00", "Mo-Su 00:00-24:00"):
        assert format_week(parse_week(text)) == text
    assert format_week(parse_week("Su-Th 09:00-17:00")) == "Mo-Th 09:00-17:00; Su 09:00-17:00"
    assert format_week(parse_week("Mo,We,Fr 09:00-17:00")) == "Mo 09:00-17:00; We 09:00-17:00; Fr 09:00-17:00"
    bad = ["", ";", "Mo", "Mo 9:00-17:00", "Mo 17:00-09:00", "Mo 09:00-09:00", "Mo 09:00-25:00", "Xx 09:00-17:00"]
    bad += ["Mo 09:00-17:00, Tu 09:00-17:00", "Mo-Fr 09:00-17:00; Fr 09:00-12:00", "mo 09:00-17:00", "Mo 09:00-17:00 "]
    for text in bad[:-1]:
        with pytest.raises(ValueError, match=r"\S"):
            parse_week(text)
    assert parse_week(bad[-1])  # a space at the end is no mistake


def test_the_library_says_which_holidays_are_estimated_and_in_which_language() -> None:
    """R72: if this fails after an update of the library, its mark for estimated holidays has changed."""
    egypt, turkey = HolidayRegion("EG"), HolidayRegion("TR", "", ("public", "half_day"))
    assert estimated_holidays(egypt, 2027)[date(2027, 3, 9)] == "Eid al-Fitr"
    assert estimated_holidays(egypt, 2027)[date(2027, 6, 10)] == "Islamic New Year (observed)"
    assert date(2027, 1, 7) not in estimated_holidays(egypt, 2027)
    assert half_days(turkey, 2026) == dict.fromkeys(
        [date(2026, 3, 19), date(2026, 5, 26), date(2026, 10, 28)], time(13)
    )
    names = {
        (egypt, date(2026, 5, 1), "ar"): "عيد العمال",
        (egypt, date(2026, 5, 1), "fr"): "Fête du Travail",
        (egypt, date(2026, 5, 1), "ru"): "",
        (HolidayRegion("ZA"), date(2026, 4, 27), "en"): "Freedom Day",
        (HolidayRegion("ZA"), date(2026, 4, 27), "fr"): "",
        (HolidayRegion("GB", "ENG"), date(2026, 4, 6), "en"): "Easter Monday",
    }
    assert {row: holiday_name(*row) for row in names} == names
    assert not has_holidays(HolidayRegion("UA"), 2026) and has_holidays(HolidayRegion("ZA"), 2027)


@pytest.mark.parametrize("region", [("XX",), ("GB", "ZZ"), ("KE", "", ("public", "buddhist")), ("KE", "", ())])
def test_a_region_that_the_library_does_not_know_is_refused(region: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"known|no subdivision|categories"):
        check_region(HolidayRegion(*region))


def test_what_is_skipped_is_explained() -> None:
    """R72: which days count and which do not, and why."""
    cairo = Calendar(
        zone=ZoneInfo("Africa/Cairo"),
        week=parse_week("Su-Th 09:00-17:00"),
        country="EG",
        days_off={date(2026, 7, 5): "Stocktaking"},
        early={date(2026, 7, 6): time(12)},
    )
    days = explain_days(date(2026, 7, 1), date(2026, 7, 7), cairo)
    assert days.counted == (date(2026, 7, 6), date(2026, 7, 7))
    assert days.weekend == (5, 6)
    assert days.closed == ((date(2026, 7, 2), WhyClosed.HOLIDAY), (date(2026, 7, 5), WhyClosed.CLOSURE))
    assert days.short == ((date(2026, 7, 6), time(12)),)
    saturday = explain_days(date(2026, 7, 11), date(2026, 7, 14), cairo)  # counted from Sunday
    assert saturday.counted == (date(2026, 7, 13), date(2026, 7, 14)) and saturday.weekend == (6,)
