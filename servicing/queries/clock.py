"""The clock of a ticket, from the events in the database (R47)."""

from collections.abc import Iterable
from datetime import date, datetime

from cps_portal.core.lib.clock import Calendar
from servicing.enums import EventKind
from servicing.models import Ticket, TicketEvent
from servicing.rules.clock import Clock, compute_clock
from servicing.rules.timeline import Event


def get_clock(ticket: Ticket, at: datetime, events: Iterable[TicketEvent] | None = None) -> Clock:
    """The clock at a moment. `events` are all of the ticket's events, if the caller has read them."""
    rows = list(ticket.events.all() if events is None else events)
    has_begun = any(row.kind == EventKind.BOOKED_IN for row in rows)  # before, nobody needs to read the calendar
    return get_clock_with(ticket.centre.calendar if has_begun else None, ticket, at, rows)


def get_clock_with(calendar: Calendar | None, ticket: Ticket, at: datetime, events: Iterable[TicketEvent]) -> Clock:
    """The clock at a moment as this calendar of the centre makes it."""
    return compute_clock([to_rule_event(row) for row in events], calendar, ticket.target_days, at)


def to_rule_event(row: TicketEvent) -> Event:
    expected = row.data.get("expected")
    return Event(
        kind=row.kind,
        occurred_at=row.occurred_at,
        received_at=row.received_at,
        external_id=row.external_id or "",
        sequence=row.pk or 0,
        target_days=row.data.get("target_days"),
        part=str(row.data.get("part", "")),
        expected=date.fromisoformat(expected) if expected else None,
        warranty=str(row.data.get("warranty", "")),
        why=str(row.data.get("why", "")),
    )
