"""By when a person decides about a registration (R19): for pages, mails and the desk."""

from datetime import datetime, timedelta

from django.conf import settings

from cps_portal.core.lib import clock
from kitbag.models import Registration

MAX_DAYS_TO_DECIDE = 60  # no number of holidays in a row makes the deadline later than this


def decision_due(row: Registration) -> datetime | None:
    """DESK_WORKING_DAYS after it was submitted, or appealed (R19); None if it was not."""
    if row.submitted_at is None:
        return None
    return clock.add_working_days(row.submitted_at, settings.DESK_WORKING_DAYS, settings.SUPPORT_CALENDAR)


def submitted_before(at: datetime) -> datetime:
    """What was submitted before this has to be decided by `at`: the opposite of `decision_due`, to the minute.

    Found by halving, because what is submitted later is due later. Only in the night after a weekend some are due a few
    hours before those of the weekend: they count with them.
    """
    low, high = at - timedelta(days=MAX_DAYS_TO_DECIDE), at
    while high - low > timedelta(minutes=1):
        middle = low + (high - low) / 2
        due = clock.add_working_days(middle, settings.DESK_WORKING_DAYS, settings.SUPPORT_CALENDAR)
        low, high = (middle, high) if due <= at else (low, middle)
    return low
