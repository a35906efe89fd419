"""The demo world is dated in working days: the same picture at every hour of every day of the week."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cps_portal.core.lib.clock import Calendar
from cps_portal.dev.demo.days import WorkingDays

JOBURG = Calendar(zone=ZoneInfo("Africa/Johannesburg"), country="ZA")
HOUR = timedelta(hours=1)
BEGIN = datetime(2026, 11, 26, tzinfo=UTC)  # a Thursday


def test_each_day_of_two_weeks_and_hour_of_a_day_is_dated_before_now_and_on_working_days() -> None:
    check_dates(range(0, 14 * 24, 5))


@pytest.mark.wide
def test_every_hour_of_two_weeks_is_dated_before_now_and_on_working_days() -> None:
    check_dates(range(14 * 24))


def check_dates(hours: range) -> None:
    for hour in hours:
        now = BEGIN + hour * HOUR
        days = WorkingDays(JOBURG, now)
        times = [days.ago(number) for number in range(12)]
        assert all(JOBURG.is_open(at) for at in times), now
        assert times == sorted(times, reverse=True), now
        assert times[0] < now, now
        assert days.ago(1, 6) < days.ago(0) < now, now
        assert days.ahead(1) > times[0].date(), now


def test_a_weekend_shows_the_picture_of_its_friday() -> None:
    friday = WorkingDays(JOBURG, datetime(2026, 11, 27, 12, tzinfo=UTC))
    for day in (28, 29):
        weekend = WorkingDays(JOBURG, datetime(2026, 11, day, 12, tzinfo=UTC))
        assert [weekend.ago(number) for number in range(30)] == [friday.ago(number) for number in range(30)]
        assert weekend.ahead(3) == friday.ahead(3) == date(2026, 12, 2)
