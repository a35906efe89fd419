"""Days and moments in words, in the one form that all lists and pages of the desk share (R54)."""

from datetime import date, datetime

from django.utils import timezone

from cps_portal.core.lib.written_dates import date_format


def write_day(day: date | None) -> str:
    """Such as "14 Sep 2026"; of a moment, the day here. "" without one."""
    if day is None:
        return ""
    return date_format(timezone.localtime(day) if isinstance(day, datetime) else day, "DATE_FORMAT")


def write_moment(at: datetime | None) -> str:
    """Such as "14 Sep 2026, 11:30 SAST", here. "" without one."""
    return date_format(timezone.localtime(at), "DATETIME_FORMAT") if at else ""
