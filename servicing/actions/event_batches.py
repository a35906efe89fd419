"""Many events in one transaction, each on its own: what they have in common is read and written once (R55)."""

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import datetime
from typing import TypeVar

from django.db import transaction
from django.db.models import QuerySet

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.locks import require_transaction
from cps_portal.core.partners.models import Partner
from members.models import Member
from servicing.actions.event_writes import EventWrites
from servicing.actions.events import COPIED_FIELDS, keep_locked
from servicing.actions.notifications import Announcements, announce
from servicing.enums import EventKind
from servicing.models import Ticket, TicketEvent, load_calendars
from servicing.models.persons import ACCOUNTS
from servicing.models.tickets import LOCKED_WITH, endpoints_of_centre

# These are refused before anything is written, so they need no savepoint, and they are written together; and they
# change no other ticket, unless they free a place. After any other the tickets of the member are read anew.
OF_ONE_TICKET = frozenset(
    {EventKind.ACCEPTED, EventKind.SENT, EventKind.ASSESSED, EventKind.REPAIR_STARTED, EventKind.READY}
)


R = TypeVar("R")


class EventBatch:
    """Locked tickets, by reference. Made by `event_batch`."""

    def __init__(self, partner: Partner, tickets: Collection[Ticket], stack: ExitStack) -> None:
        self.partner = partner
        self.announcements = Announcements()
        self.writes = EventWrites(expected=len(tickets), columns=COPIED_FIELDS)
        self._stack = stack
        self._tickets: dict[str, Ticket] = {}
        for ticket in tickets:
            self._keep(ticket)

    def _keep(self, ticket: Ticket) -> Ticket:
        events = ticket.locked_events
        self._stack.enter_context(keep_locked(ticket))
        ticket.locked_events, ticket.announcements = events, self.announcements
        self._tickets[ticket.reference] = ticket
        return ticket

    def find(self, reference: str) -> Ticket:
        """Raises Ticket.DoesNotExist."""
        if ticket := self._tickets.get(reference):
            return ticket
        self.writes.write()
        return self._keep(Ticket.objects.locked_where(reference=reference, centre__partner_id=self.partner.pk))

    def record(self, reference: str, kind: EventKind, action: Callable[[Ticket], R]) -> R:
        """Call the action. Raises what it raises; then nothing of it is left, in the database and in memory.

        What the action reads from the database may lack events before it that wait to be written (`writes`).
        """
        ticket = self.find(reference)
        if kind not in OF_ONE_TICKET or self.writes.has(ticket):
            self.writes.write()
        ticket.writes = self.writes if kind in OF_ONE_TICKET else None
        place, before = ticket.place, (len(self.announcements.notices), len(self.announcements.messages))
        try:
            with nullcontext() if kind in OF_ONE_TICKET else transaction.atomic():
                result = action(ticket)
        except Refusal:
            del self.announcements.notices[before[0] :], self.announcements.messages[before[1] :]
            self._forget(ticket)
            raise
        if kind not in OF_ONE_TICKET or place != ticket.place:
            self._forget(ticket)
        return result

    def _forget(self, changed: Ticket) -> None:
        """This ticket, and all others of the same member, are read anew when they are asked for."""
        for reference, ticket in list(self._tickets.items()):
            if ticket is changed or (ticket.member_id and ticket.member_id == changed.member_id):
                del self._tickets[reference]


def lock_members_of(tickets: QuerySet[Ticket]) -> None:
    """Lock all accounts of the members of these tickets, in the order of their keys."""
    require_transaction("lock_members_of")
    list(Member.objects.locked().filter(pk__in=tickets.order_by().values(account=ACCOUNTS)).only("pk"))


def lock_tickets(references: Collection[str], partner: Partner) -> list[Ticket]:
    """The tickets of a partner's centres with these references, locked after all accounts of all their members.

    In the order of their keys: of two calls with the same members one waits for the other, instead of each for the
    other. What all tickets of a centre need is read once.
    """
    tickets = Ticket.objects.filter(reference__in=references, centre__partner=partner).order_by()
    lock_members_of(tickets)
    locked = tickets.select_related(*LOCKED_WITH).annotate(**endpoints_of_centre())
    rows = list(locked.order_by("pk").select_for_update(of=("self",), no_key=True))
    centres = {row.centre_id: row.centre for row in rows}
    load_calendars(centres.values())
    events: dict[int, list[TicketEvent]] = {row.pk: [] for row in rows}
    for event in TicketEvent.objects.filter(ticket__in=rows).order_by("pk"):
        events[event.ticket_id].append(event)
    for row in rows:
        row.centre, row.locked_events = centres[row.centre_id], events[row.pk]
    return rows


@contextmanager
def event_batch(*, partner: Partner, references: Collection[str], at: datetime) -> Iterator[EventBatch]:
    """Lock the tickets with these references; at the end, tell everybody what was recorded. In a transaction."""
    with ExitStack() as stack:
        batch = EventBatch(partner, lock_tickets(references, partner), stack)
        yield batch
        batch.writes.write()
        announce(batch.announcements, at=at)
