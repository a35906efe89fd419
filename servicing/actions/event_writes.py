"""Events of many locked tickets, written together: one INSERT for the events, one UPDATE for their tickets (R55)."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from django.db import connection

from servicing.models import Ticket, TicketEvent

KEYS_SQL = "select nextval(pg_get_serial_sequence('servicing_ticketevent', 'id')) from generate_series(1, %s)"


class EventWrites:
    """Events and tickets that wait to be written, at most one event of each ticket.

    While a ticket has this as its `writes`, `record_event` and `apply_events` add to it instead of writing. Whoever
    reads the tickets from the database before the end calls `write` first. All tickets are locked until then.
    """

    def __init__(self, *, expected: int, columns: Sequence[str]) -> None:
        """`expected`: about how many events. `columns`: the fields of a ticket that follow from its events."""
        self._expected = expected
        self._fields: list[Any] = [Ticket._meta.get_field(name) for name in columns]
        self._keys: Iterator[int] = iter(())
        self._events: list[TicketEvent] = []
        self._tickets: dict[int, Ticket] = {}

    def has(self, ticket: Ticket) -> bool:
        """Whether the ticket waits to be written."""
        return ticket.pk in self._tickets

    def add_event(self, event: TicketEvent) -> None:
        """Give the event its key, which notices and answers name, and keep it."""
        key = next(self._keys, None)
        if key is None:
            with connection.cursor() as cursor:
                cursor.execute(KEYS_SQL, [self._expected])
                self._keys = chain.from_iterable(cursor.fetchall())
            key = next(self._keys)
        event.pk = key
        self._events.append(event)

    def add_ticket(self, ticket: Ticket) -> None:
        self._tickets[ticket.pk] = ticket

    def write(self) -> None:
        """Write what waits. Nothing waits afterwards."""
        events, tickets = self._events, list(self._tickets.values())
        self._events, self._tickets = [], {}
        if events:
            TicketEvent.objects.bulk_create(events)
        if tickets:
            self._update(tickets)

    def _update(self, tickets: Sequence[Ticket]) -> None:
        names = [connection.ops.quote_name(field.column) for field in self._fields]
        arrays = ", ".join(f"%s::{field.db_type(connection)}[]" for field in self._fields)
        values = [
            [field.get_db_prep_save(getattr(ticket, field.attname), connection) for ticket in tickets]
            for field in self._fields
        ]
        sql = (
            f"update servicing_ticket set {', '.join(f'{name} = new.{name}' for name in names)} "  # noqa: S608
            f"from unnest(%s::bigint[], {arrays}) as new (key, {', '.join(names)}) where servicing_ticket.id = new.key"
        )
        with connection.cursor() as cursor:
            cursor.execute(sql, [[ticket.pk for ticket in tickets], *values])
