"""Ask staff about holidays that are only estimated, and follow what changes in the calendars of centres (R72)."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.public_holidays import HolidayRegion, estimated_holidays, has_holidays
from cps_portal.core.outbox import actions as outbox
from cps_portal.core.outbox.enums import Kind
from members.models import User
from servicing.actions.targets import follow_calendar
from servicing.enums import DayKind, HolidayAnswer
from servicing.models import (
    CalendarException,
    CalendarSnapshot,
    EstimatedHoliday,
    ServiceCentre,
    Ticket,
    load_calendars,
)
from servicing.rules.calendars import from_facts, to_facts

MAX_DAYS_MOVED = 7  # an estimate is wrong by a day or two, not by more


# --- Holidays that are only estimated -----------------------------------------------------------------


def ask_about_holidays(*, at: datetime) -> int:
    """Ask staff about the estimated holidays of the days ahead, once each, in one mail. Returns how many are new.

    10 days (setting) before each. Those that fall on a weekend are asked too, because the day may move.
    """
    today = timezone.localdate(at)
    last = today + timedelta(days=settings.HOLIDAYS_ASKED_DAYS)
    new = []
    with transaction.atomic():
        for region in sorted(_regions()):
            for year in range(today.year, last.year + 1):
                for day, name in estimated_holidays(region, year).items():
                    if today <= day <= last:
                        new += _ask_once(region.country, day, name, at)
        _mail_staff(key="estimated-holidays", at=at, holidays=[row.pk for row in new])
    return len(new)


def _ask_once(country: str, day: date, name: str, at: datetime) -> list[EstimatedHoliday]:
    row, is_new = EstimatedHoliday.objects.get_or_create(
        country=country, day=day, defaults={"name": name, "asked_at": at}
    )
    return [row] if is_new else []


@transaction.atomic
def answer_holiday(
    *, holiday: EstimatedHoliday, answer: HolidayAnswer, moved_to: date | None, by: User, at: datetime
) -> None:
    """Record on which day a holiday really is. If not on the estimated one, all centres of the country work then.

    Raises Refusal: `moved_to` (beside it), `answered`.
    """
    row = EstimatedHoliday.objects.select_for_update().get(pk=holiday.pk)
    if row.answer:
        raise Refusal("answered", _("This has been answered. Change the special days of the country instead."))
    if (answer == HolidayAnswer.MOVED) != (moved_to is not None):
        raise Refusal("moved_to", _("Say to which day it has moved, if it has."), "moved_to")
    if moved_to and (moved_to == row.day or abs((moved_to - row.day).days) > MAX_DAYS_MOVED):
        message = _("Choose another day, at most %(days)s days away.") % {"days": MAX_DAYS_MOVED}
        raise Refusal("moved_to", message, "moved_to")
    row.answer, row.moved_to, row.answered_at, row.answered_by = answer, moved_to, at, by
    row.save()
    days = {DayKind.OPEN: row.day if answer != HolidayAnswer.CONFIRMED else None, DayKind.CLOSED: moved_to}
    for kind, day in days.items():
        if day:
            CalendarException.objects.create(country=row.country, kind=kind, first=day, last=day, why=row.name)


def warn_of_missing_holidays(*, at: datetime) -> list[str]:
    """Mail staff once a year about countries of centres for which the library has no holidays (R72).

    From December on the next year is looked at too. Returns the countries.
    """
    today = timezone.localdate(at)
    years = {today.year, (today + timedelta(days=31)).year}
    missing = sorted(
        {f"{region.country} {year}" for region in _regions() for year in years if not has_holidays(region, year)}
    )
    with transaction.atomic():
        for entry in missing:
            _mail_staff(key=f"missing-holidays-{entry.replace(' ', '-')}", at=at, missing=[entry])
    return missing


def _regions() -> set[HolidayRegion]:
    """Whose holidays the centres and support have."""
    support = settings.SUPPORT_CALENDAR
    regions = {
        HolidayRegion(centre.country.code, centre.subdivision, tuple(centre.holiday_categories))
        for centre in ServiceCentre.objects.open()
    }
    return regions | ({support.region} if support.country else set())


def _mail_staff(*, key: str, at: datetime, holidays: Iterable[int] = (), missing: Iterable[str] = ()) -> None:
    """One mail for each person who may change the calendars; nothing if there is nothing to say."""
    holiday_keys, countries = sorted(holidays), list(missing)
    if not holiday_keys and not countries:
        return
    suffix = f"-{holiday_keys[0]}" if holiday_keys else ""
    outbox.enqueue_many(
        kind=Kind.MAIL,
        messages=[
            outbox.OutgoingMessage(
                f"{key}{suffix}-{user.pk}",
                user.email,
                outbox.rendered_later("servicing.holidays", holidays=holiday_keys, missing=countries),
            )
            for user in calendar_staff()
        ],
        at=at,
    )


def calendar_staff() -> list[User]:
    """The people who may change the calendars of all centres."""
    code = "change_calendarexception"
    may_change = Q(groups__permissions__codename=code) | Q(user_permissions__codename=code) | Q(is_superuser=True)
    return list(User.objects.filter(may_change, is_staff=True, is_active=True).distinct().order_by("pk"))


# --- Calendars that change ----------------------------------------------------------------------------


def follow_calendars(*, at: datetime) -> int:
    """Move the targets of open jobs at centres whose calendar has changed: hours, special days, or the library.

    A burst of changes counts as one: it waits until NOTICE_PAUSE_MINUTES after the last of them, at most
    MAX_NOTICE_PAUSE_MINUTES after the first (R70). Returns how many targets moved.
    """
    year = timezone.localdate(at).year
    centres = list(ServiceCentre.objects.all())
    load_calendars(centres)
    snapshots = CalendarSnapshot.objects.in_bulk()
    moved = 0
    for centre in centres:
        facts = to_facts(centre.calendar, range(year - 1, year + 2))
        snapshot = snapshots.get(centre.pk)
        if snapshot is None:
            CalendarSnapshot.objects.get_or_create(centre=centre, defaults={"facts": facts})
        elif facts != snapshot.facts:
            moved += _follow(snapshot, facts, at)
        elif snapshot.next_facts is not None:  # changed back before anybody was told
            _settle(snapshot, facts)
    return moved


def _follow(snapshot: CalendarSnapshot, facts: dict[str, object], at: datetime) -> int:
    """Wait for the end of a burst, then move the targets. Returns how many moved."""
    if snapshot.next_facts != facts or snapshot.differs_since is None or snapshot.changed_at is None:
        snapshot.next_facts, snapshot.changed_at = facts, at
        snapshot.differs_since = snapshot.differs_since or at
        snapshot.save()
    quiet = at - snapshot.changed_at >= timedelta(minutes=settings.NOTICE_PAUSE_MINUTES)
    if not quiet and at - snapshot.differs_since < timedelta(minutes=settings.MAX_NOTICE_PAUSE_MINUTES):
        return 0
    before, changed_at = from_facts(snapshot.facts), snapshot.differs_since
    tickets = Ticket.objects.filter(centre=snapshot.centre_id, booked_in_at__isnull=False, ready_at=None, ended_at=None)
    # Each in a transaction of its own: what an interrupted run has recorded, the next one finds by its number.
    moved = sum(
        follow_calendar(ticket=ticket, before=before, changed_at=changed_at, at=at)
        for ticket in tickets.order_by("pk").iterator()
    )
    _settle(snapshot, facts)
    return moved


def _settle(snapshot: CalendarSnapshot, facts: dict[str, object]) -> None:
    snapshot.facts = facts
    snapshot.next_facts = snapshot.differs_since = snapshot.changed_at = None
    snapshot.save()
