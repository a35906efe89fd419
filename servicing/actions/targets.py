"""Turnaround targets that are missed (R48), and those that move with the calendar of their centre (R72)."""

from datetime import datetime, timedelta
from typing import Any

from cps_portal.core.lib.clock import Calendar
from servicing.actions.events import SYSTEM, apply_events, events_of, locks_ticket, record_event
from servicing.actions.loans import offer_loan
from servicing.enums import EventKind
from servicing.models import Ticket
from servicing.queries.clock import get_clock, get_clock_with
from servicing.rules.calendars import compare_calendars
from servicing.rules.clock import Clock


def flag_overdue(*, at: datetime, limit: int = 200) -> int:
    """Record every missed target, once, and offer a loan if the level gives one (R48). Returns how many were due.

    Reads a partial index of what is due, so that it costs nothing however many tickets are open.
    """
    due = list(Ticket.objects.to_flag(at).order_by("due_at")[:limit])
    for ticket in due:
        flag_missed_target(ticket=ticket, at=at)
    return len(due)


@locks_ticket
def flag_missed_target(*, ticket: Ticket, at: datetime) -> bool:
    """Record that a target was missed, unless the clock says otherwise by now. Returns whether it was recorded."""
    clock = get_clock(ticket, at, events_of(ticket))
    if ticket.missed_at or not clock.missed or clock.stopped_at:
        # `due_at` may be out of date, for example after a change of holidays; corrected, it is not found again.
        apply_events(ticket, at)
        return False
    ticket.missed_at = at
    record_event(ticket=ticket, kind=EventKind.TARGET_MISSED, actor=SYSTEM, at=at, changed=["missed_at"])
    offer_loan(ticket=ticket, at=at)
    return True


@locks_ticket
def follow_calendar(*, ticket: Ticket, before: Calendar, changed_at: datetime, at: datetime) -> bool:
    """Record that the target has moved because the calendar of the centre is no longer `before` (R72).

    `changed_at` tells this change from others: it is recorded once. Nothing if the target stays where it was.
    Returns whether it moved.
    """
    old = get_clock_with(before, ticket, at, events_of(ticket))
    new = get_clock(ticket, at, events_of(ticket))
    if new.stopped_at or old.due_at is None or new.due_at is None or old.due_at == new.due_at:
        return False
    changed = []
    if ticket.missed_at and not new.missed:
        ticket.missed_at, changed = None, ["missed_at"]
    record_event(
        ticket=ticket,
        kind=EventKind.TARGET_CHANGED,
        data=_describe(old, new, before, ticket.centre.calendar),
        changed=changed,
        actor=SYSTEM,
        at=at,
        external_id=f"calendar-{changed_at:%Y%m%dT%H%M%S%f}",
    )
    return True


def _describe(old: Clock, new: Clock, before: Calendar, after: Calendar) -> dict[str, Any]:
    """The data of the event: both due times, and the days between booking in and the later one that differ."""
    if old.started_at is None or old.due_at is None or new.due_at is None:
        raise ValueError("the clock has not started")
    first, last = (moment.astimezone(after.zone).date() for moment in (old.started_at, max(old.due_at, new.due_at)))
    change = compare_calendars(before, after, first - timedelta(days=1), last)
    reasons = {after.days_off.get(day, "") for day in change.closed}
    return {
        "before": old.due_at.isoformat(),
        "after": new.due_at.isoformat(),
        "later": new.due_at > old.due_at,
        "closed": [day.isoformat() for day in change.closed],
        "opened": [day.isoformat() for day in change.opened],
        "hours": [day.isoformat() for day in change.hours],
        "why": reasons.pop() if len(reasons) == 1 else "",
    }
