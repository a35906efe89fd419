"""Times of the demo world, in working days of a centre: the same picture on every day of the week."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import islice

from cps_portal.core.lib.clock import Calendar

AFTER_OPENING = timedelta(hours=1)
MARGIN = timedelta(minutes=30)  # an action may happen a little later than the others of its day
MAX_DAYS_BACK = 600


@dataclass(frozen=True)
class WorkingDays:
    """Working days of a calendar, counted from the last one that has begun by `now`."""

    calendar: Calendar
    now: datetime

    def ago(self, days: int, hours: int = 0) -> datetime:
        """That many working days before the last one, an hour after opening. `hours` later, for any day but 0."""
        opens, _closes = self.calendar.opening(self.begun[-1 - days])
        return opens + AFTER_OPENING + timedelta(hours=hours)

    def ahead(self, days: int) -> date:
        """The date that many working days after the last one."""
        last = self.begun[-1]
        return max(islice(self.calendar.working_days(last + timedelta(days=1)), days), default=last)

    @cached_property
    def begun(self) -> list[date]:
        """The working days of MAX_DAYS_BACK that have begun, in order."""
        today = self.now.astimezone(self.calendar.zone).date()
        days = (today - timedelta(days=n) for n in range(MAX_DAYS_BACK, -1, -1))
        return [day for day in days if self.calendar.is_working_day(day) and self._has_begun(day)]

    def _has_begun(self, day: date) -> bool:
        opens, _closes = self.calendar.opening(day)
        return opens + AFTER_OPENING + MARGIN <= self.now
