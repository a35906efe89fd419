"""By when a person decides about a registration (R19): for pages, mails and the desk."""

from datetime import datetime

from django.conf import settings

from cps_portal.core.lib import clock
from kitbag.models import Registration


def decision_due(row: Registration) -> datetime | None:
    """DESK_WORKING_DAYS after it was submitted, or appealed (R19); None if it was not."""
    if row.submitted_at is None:
        return None
    return clock.add_working_days(row.submitted_at, settings.DESK_WORKING_DAYS, settings.SUPPORT_CALENDAR)
