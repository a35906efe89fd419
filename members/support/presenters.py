"""When support works and answers, in words (R19, R58): the same on pages, in mails and at the desk."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.formats import time_format
from django.utils.translation import gettext as _

from cps_portal.core.lib.clock import next_opening
from cps_portal.core.lib.written_dates import city_of_zone, date_format


@dataclass(frozen=True)
class SupportHours:
    """Whether support works now, and until when or from when, in its own time: what components/open_now.html shows."""

    is_open: bool
    hours: str


def support_city() -> str:
    """The city whose time zone the working hours of support are in."""
    return city_of_zone(settings.SUPPORT_CALENDAR.zone.key)


def due_in_words(due_at: datetime) -> str:
    """A deadline of support, in the time zone of its working hours."""
    day = date_format(timezone.make_naive(due_at, settings.SUPPORT_CALENDAR.zone), "l j F, H:i")
    return _("%(day)s (%(place)s time)") % {"day": day, "place": support_city()}


def support_hours(at: datetime) -> SupportHours:
    """Whether somebody of support works at that moment; closed for a year, no day is named."""
    calendar = settings.SUPPORT_CALENDAR
    today = at.astimezone(calendar.zone).date()
    params = {"place": support_city()}
    if hours := calendar.hours_on(today):
        opens, closes = calendar.opening(today)
        if opens <= at < closes:
            params["time"] = time_format(hours.closes, "H:i")
            return SupportHours(is_open=True, hours=_("Support is open now, until %(time)s (%(place)s time)") % params)
        if at < opens:
            params["time"] = time_format(hours.opens, "H:i")
            return SupportHours(is_open=False, hours=_("Support opens at %(time)s (%(place)s time)") % params)
    following = next_opening(calendar, today)
    if following is None:
        return SupportHours(is_open=False, hours=_("Support is closed"))
    day, opens_at = following
    params["time"] = time_format(opens_at, "H:i")
    if day == today + timedelta(days=1):
        return SupportHours(is_open=False, hours=_("Support opens tomorrow at %(time)s (%(place)s time)") % params)
    params["day"] = date_format(day, "l j F")
    return SupportHours(is_open=False, hours=_("Support opens %(day)s at %(time)s (%(place)s time)") % params)
