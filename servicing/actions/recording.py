"""One way in for everything that happens to a ticket: an event is written, and the ticket follows (R47, R52).

Locks, everywhere: the member, then the ticket. What stands on the ticket are copies of what its events say, worked
out from all of them each time: late, repeated and out of order come right by themselves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.locks import require_transaction
from cps_portal.core.lib.prepared import CompiledQuery
from cps_portal.core.partners.models import Partner
from kitbag.actions.holding import free_registration
from members.models import Member, User
from servicing.actions import telling
from servicing.enums import OVER, EventKind, TicketState
from servicing.models import Ticket, TicketEvent
from servicing.rules import holds_a_place, next_moves
from servicing.rules.places import next_in_line
from servicing.rules.timeline import Clock, Event, may_record, timeline

COPIES = [
    "state",
    "booked_in_at",
    "due_at",
    "paused",
    "ready_at",
    "expected_on",
    "ended_at",
    "place",
    "place_since",
    "waiting_since",
    "changed_at",
]


@dataclass(frozen=True)
class Who:
    """Who recorded something: a person, a partner's system, or, with neither, the portal."""

    user: User | None = None
    partner: Partner | None = None


PORTAL = Who()
EVENTS: CompiledQuery[TicketEvent] = CompiledQuery(
    lambda ticket: TicketEvent.objects.filter(ticket=ticket).order_by("pk")
)


def hold_key(ticket: Ticket) -> str:
    return f"ticket-{ticket.pk}"


def clock_of(ticket: Ticket, at: datetime, events: list[TicketEvent] | None = None) -> Clock:
    """The clock of a ticket at a moment, from all its events (R47)."""
    found = events if events is not None else list(ticket.events.all())
    return timeline([as_event(row) for row in found], ticket.centre.calendar, ticket.target_days, at)


def as_event(row: TicketEvent) -> Event:
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
    )


@transaction.atomic
def record_event(
    *,
    ticket: Ticket,
    kind: EventKind,
    who: Who,
    at: datetime,
    occurred_at: datetime | None = None,
    external_id: str = "",
    data: Mapping[str, Any] | None = None,
) -> tuple[Ticket, TicketEvent]:
    """Write what happened, and let the ticket follow. The same `external_id` again: what was written the first time.

    Raises Refusal: `future` beside `occurred_at`, `move` beside `kind` with what can be recorded instead.
    """
    return record_on(
        ticket=Ticket.objects.locked(ticket.pk),
        kind=kind,
        who=who,
        at=at,
        occurred_at=occurred_at,
        external_id=external_id,
        data=data,
    )


def record_on(
    *,
    ticket: Ticket,
    kind: EventKind,
    who: Who,
    at: datetime,
    occurred_at: datetime | None = None,
    external_id: str = "",
    data: Mapping[str, Any] | None = None,
    events: list[TicketEvent] | None = None,
    changed: Sequence[str] = (),
) -> tuple[Ticket, TicketEvent]:
    """As `record_event`, for a ticket that the caller has locked: it becomes as it is now.

    `events` are those it has, if the caller has read them; the new one is added to them. `changed` are fields that the
    caller has set and not saved.
    Raises TransactionManagementError outside a transaction.
    """
    require_transaction("record_on")
    events = EVENTS.all(ticket=ticket.pk) if events is None else events
    repeated = next((row for row in events if external_id and row.external_id == external_id), None)
    if repeated:
        return ticket, repeated
    happened = occurred_at or at
    if happened > at + settings.PARTNER_CLOCKS_DIFFER:
        raise Refusal("future", _("This lies in the future. Check the date and the time zone."), "occurred_at")
    if happened < ticket.opened_at:
        raise Refusal("past", _("This lies before the service was requested."), "occurred_at")
    row = TicketEvent(
        ticket=ticket,
        kind=kind,
        occurred_at=happened,
        received_at=at,
        external_id=external_id or None,
        data=dict(data or {}),
        by=who.user,
        partner=who.partner,
    )
    if not may_record([as_event(one) for one in events], as_event(row)):
        raise Refusal("move", _not_now(ticket), "kind")
    row.save()
    before = TicketState(ticket.state)
    events.append(row)
    follow(ticket, events, at, changed)
    telling.tell(ticket=ticket, event=row, before=before)
    return ticket, row


def follow(ticket: Ticket, events: list[TicketEvent], at: datetime, changed: Sequence[str] = ()) -> Clock:
    """Let the copies on the row say what the events say; a place that is no longer needed goes to who waits (R49).

    The member and the ticket are locked. `changed`: what else to save.
    """
    clock = clock_of(ticket, at, events)
    state = clock.state or TicketState.REQUESTED
    ticket.state = state
    ticket.booked_in_at = clock.started_at
    ticket.due_at = clock.due_at
    ticket.paused = clock.paused_since is not None
    ticket.ready_at = clock.stopped_at if state != TicketState.CANCELLED else None
    ticket.expected_on = clock.part_expected
    ticket.changed_at = at
    ended = state in OVER
    ticket.ended_at = (ticket.ended_at or at) if ended else None
    if state != TicketState.WAITING:
        ticket.waiting_since = None
    frees = ticket.place is not None and not holds_a_place(state)
    if frees:
        ticket.place = ticket.place_since = None
    ticket.save(update_fields=[*COPIES, *changed])
    if ended and ticket.registration:
        free_registration(registration=ticket.registration, key=hold_key(ticket))
    if frees and ticket.member:
        give_places(member=ticket.member, at=at)
    return clock


def places_taken(member: Member) -> list[int]:
    """The numbers of the member's places that are taken (R43)."""
    rows = Ticket.objects.filter(member=member, place__isnull=False)
    return [place for place in rows.values_list("place", flat=True) if place]


def give_places(*, member: Member, at: datetime) -> list[Ticket]:
    """Give the free places to the tickets that wait longest, in the transaction that freed them (R49)."""
    rows = Ticket.objects.filter(member=member, state=TicketState.WAITING).values_list("waiting_since", "pk")
    waiting = [(since, key) for since, key in rows if since]
    given = []
    for key, place in next_in_line(waiting, places_taken(member)):
        ticket = Ticket.objects.locked(key)
        ticket.place, ticket.place_since = place, at
        events = list(TicketEvent.objects.filter(ticket=ticket).order_by("pk"))
        row = TicketEvent.objects.create(ticket=ticket, kind=EventKind.PLACE_GIVEN, occurred_at=at, received_at=at)
        follow(ticket, [*events, row], at)
        telling.tell(ticket=ticket, event=row, before=TicketState.WAITING)
        given.append(ticket)
    return given


def _not_now(ticket: Ticket) -> str:
    possible = ", ".join(str(kind.label) for kind in next_moves(ticket.state))
    words = {"state": ticket.get_state_display(), "possible": possible or _("nothing")}
    return str(_("This cannot be recorded while it is “%(state)s”. Possible now: %(possible)s.") % words)
