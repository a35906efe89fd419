"""Missed turnaround targets (R48)."""

from datetime import datetime

from servicing.actions.events import SYSTEM, apply_events, events_of, locks_ticket, record_event
from servicing.actions.loans import offer_loan
from servicing.enums import EventKind
from servicing.models import Ticket
from servicing.queries.clock import get_clock


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
