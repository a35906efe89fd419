"""When support answers, in words (R19, R58): the same on pages, in mails and at the desk."""

from datetime import datetime

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from cps_portal.core.lib.written_dates import city_of_zone, date_format


def support_city() -> str:
    """The city whose time zone the working hours of support are in."""
    return city_of_zone(settings.SUPPORT_CALENDAR.zone.key)


def due_in_words(due_at: datetime) -> str:
    """A deadline of support, in the time zone of its working hours."""
    day = date_format(timezone.make_naive(due_at, settings.SUPPORT_CALENDAR.zone), "l j F, H:i")
    return _("%(day)s (%(place)s time)") % {"day": day, "place": support_city()}
