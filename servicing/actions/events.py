"""The one way to write what happens to a ticket: record an event, and the ticket follows from its events (R47, R52).

Locks are taken in the same order everywhere: the member, then the ticket. The columns in `COPIED_FIELDS` are computed
from all events each time, so that late, repeated and unordered reports correct themselves.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, NotRequired, ParamSpec, TypedDict, TypeVar, Unpack, cast

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.compiled_queries import CompiledModels
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.lists import with_commas
from cps_portal.core.lib.locks import require_transaction
from cps_portal.core.partners.models import Partner
from kitbag.actions.transitions import release_hold
from members.models import Member, User
from servicing.actions import notifications
from servicing.actions.loan_dates import follow_job
from servicing.enums import OVER, Charge, EventKind, TicketState
from servicing.models import Ticket, TicketEvent
from servicing.queries.clock import get_clock, to_rule_event
from servicing.rules import holds_a_place, next_moves, next_state
from servicing.rules.charge import is_allowed
from servicing.rules.clock import Clock
from servicing.rules.conversation import waiting_for
from servicing.rules.cover import is_same_fault, was_repaired
from servicing.rules.loans import is_lent
from servicing.rules.places import next_in_line
from servicing.rules.timeline import may_record

NOT_SETTLED = _(
    "Nobody has agreed to pay for this yet. Send an estimate and wait for the answer, or record that it costs nothing."
)
P = ParamSpec("P")
R = TypeVar("R")

CONVERSATION_FIELDS = ["last_message_at", "last_message_by", "unread_since", "waiting_for"]  # R73
COPIED_FIELDS = [
    "state",
    "booked_in_at",
    "due_at",
    "paused",
    "ready_at",
    "charge",
    "expected_on",
    "loan_out",
    "same_fault",
    "repaired",
    "ended_at",
    "place",
    "place_since",
    "waiting_since",
    "changed_at",
    *CONVERSATION_FIELDS,
]


@dataclass(frozen=True)
class Actor:
    """Who does something: a person, a partner's system, or, with neither, the portal itself."""

    user: User | None = None
    partner: Partner | None = None


SYSTEM = Actor()


class EventDetails(TypedDict):
    """The keywords of every action that records an event.

    `at` is now. `occurred_at` is when it happened, if that was earlier. `external_id` is the sender's own number of the
    event: with a number that the ticket knows already, nothing is recorded again (R55).
    """

    actor: Actor
    at: datetime
    occurred_at: NotRequired[datetime | None]
    external_id: NotRequired[str]


# --- Locks -------------------------------------------------------------------------------------------


@contextmanager
def lock_ticket(ticket: Ticket) -> Iterator[Ticket]:
    """Lock the member, then the ticket, in a transaction; yield the ticket as it is now.

    A ticket that is locked already is yielded as it is, so that an action can call another one at no extra cost.
    """
    if ticket.is_locked:
        yield ticket
        return
    with transaction.atomic(), keep_locked(Ticket.objects.locked(ticket.pk)) as locked:
        yield locked


@contextmanager
def keep_locked(ticket: Ticket) -> Iterator[Ticket]:
    """Mark a ticket that was read with `Ticket.objects.locked` as locked until the block ends."""
    require_transaction("keep_locked")
    ticket.is_locked = True
    try:
        yield ticket
    finally:
        # The object may outlive the transaction; used again later, it has to be locked and read again.
        ticket.is_locked, ticket.locked_events = False, None


def locks_ticket(action: Callable[P, R]) -> Callable[P, R]:
    """Decorator of an action: its argument `ticket` is locked with `lock_ticket` while it runs."""

    @wraps(action)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with lock_ticket(cast(Ticket, kwargs["ticket"])) as ticket:
            kwargs["ticket"] = ticket
            return action(*args, **kwargs)

    return run


EVENTS: CompiledModels[TicketEvent] = CompiledModels(
    lambda ticket: TicketEvent.objects.filter(ticket=ticket).order_by("pk")
)


def events_of(ticket: Ticket) -> list[TicketEvent]:
    """All events of a locked ticket, read once while it is locked."""
    if ticket.locked_events is None:
        ticket.locked_events = EVENTS.all(ticket=ticket.pk)
    return ticket.locked_events


def find_by_external_id(ticket: Ticket, external_id: str) -> TicketEvent | None:
    """The event of a locked ticket that was recorded with this number of the sender, if there is one."""
    return next((event for event in events_of(ticket) if external_id and event.external_id == external_id), None)


# --- Events ------------------------------------------------------------------------------------------


@locks_ticket
def record_event(
    *,
    ticket: Ticket,
    kind: EventKind,
    data: Mapping[str, Any] | None = None,
    changed: Sequence[str] = (),
    **details: Unpack[EventDetails],
) -> TicketEvent:
    """Record an event, let the ticket follow and notify whoever should know. `event.ticket` is the ticket afterwards.

    With an `external_id` that is known already: the event that was recorded then.
    `changed` are fields that the caller has set on the locked ticket and not saved.
    Raises Refusal: `future` and `past` beside `occurred_at`; beside `kind` `charge` if it is not settled who
    pays (R62), or `move`, naming what can be recorded instead.
    """
    external_id = details.get("external_id", "")
    if repeated := find_by_external_id(ticket, external_id):
        repeated.ticket = ticket
        return repeated
    at = details["at"]
    occurred_at = details.get("occurred_at") or _now(ticket, at)
    if details.get("occurred_at") and occurred_at > at + settings.PARTNER_CLOCKS_DIFFER:
        raise Refusal("future", _("This is in the future. Check the date and the time zone."), "occurred_at")
    if occurred_at < ticket.opened_at:
        raise Refusal("past", _("This is before the service was requested."), "occurred_at")
    event = TicketEvent(
        ticket=ticket,
        kind=kind,
        occurred_at=occurred_at,
        received_at=at,
        external_id=external_id or None,
        data=dict(data or {}),
        by=details["actor"].user,
        partner=details["actor"].partner,
    )
    if not may_record([to_rule_event(row) for row in events_of(ticket)], to_rule_event(event)):
        raise _refusal(ticket, kind)
    if ticket.writes is None:
        event.save()
    else:
        ticket.writes.add_event(event)
    previous_state = TicketState(ticket.state)
    events_of(ticket).append(event)
    clock = apply_events(ticket, at, changed)
    notifications.notify_of_event(ticket=ticket, event=event, previous_state=previous_state)
    follow_job(ticket=ticket, steps=clock.steps, at=at)
    return event


def _now(ticket: Ticket, at: datetime) -> datetime:
    """When something happens that is done now: after all that is recorded.

    `at` may be earlier, because it was read before the lock was waited for. The event would pass for a late report,
    which is always kept (R52): a product would be booked in twice.
    """
    last = max((event.occurred_at for event in events_of(ticket)), default=at)
    return at if last <= at else last + timedelta.resolution


def apply_events(ticket: Ticket, at: datetime, changed: Sequence[str] = ()) -> Clock:
    """Set the columns of a locked ticket to what its events say; a place it no longer needs goes to the next (R49).

    `changed` are further fields to save.
    """
    clock = get_clock(ticket, at, events_of(ticket))
    state = clock.state or TicketState.REQUESTED
    ticket.state = state
    ticket.charge = clock.steps[-1].charge if clock.steps else Charge.OPEN
    ticket.booked_in_at = clock.started_at
    ticket.due_at = clock.due_at
    ticket.paused = clock.paused_since is not None
    ticket.ready_at = clock.stopped_at if state != TicketState.CANCELLED else None
    ticket.expected_on = clock.part_expected
    ticket.loan_out = is_lent(step.event for step in clock.steps)
    ticket.same_fault = is_same_fault(clock.steps, follows=ticket.follows_id is not None)
    ticket.repaired = was_repaired(clock.steps)
    ticket.waiting_for = waiting_for(state, unread_since=ticket.unread_since, asks=clock.has_open_question)
    ticket.changed_at = at
    ended = state in OVER
    ticket.ended_at = (ticket.ended_at or at) if ended else None
    if state != TicketState.WAITING:
        ticket.waiting_since = None
    frees_place = ticket.place is not None and not holds_a_place(state)
    if frees_place:
        ticket.place = ticket.place_since = None
    if ticket.writes is None or changed:
        ticket.save(update_fields=[*COPIED_FIELDS, *changed])
    else:
        ticket.writes.add_ticket(ticket)
        if frees_place:
            ticket.writes.write()  # the next in line looks for a free place
    if ended and ticket.registration:
        release_hold(registration=ticket.registration, key=hold_key(ticket))
    if frees_place and ticket.member:
        give_places(member=ticket.member, at=at)
    return clock


def hold_key(ticket: Ticket) -> str:
    return f"ticket-{ticket.pk}"


def places_taken(member: Member) -> list[int]:
    """The numbers of the member's places that are taken, in all accounts of the person (R43, R69)."""
    tickets = Ticket.objects.of(member.account_in_use).filter(place__isnull=False)
    return [place for place in tickets.values_list("place", flat=True) if place]


def give_places(*, member: Member, at: datetime) -> None:
    """Give the free places to the tickets that have waited longest (R49). The caller has locked the member, and with
    it all accounts of the person (R69).

    In the same transaction that freed the places, so that nobody else can take them in between.
    """
    waits = Ticket.objects.of(member.account_in_use).filter(state=TicketState.WAITING)
    rows = waits.values_list("waiting_since", "pk")
    waiting = [(since, pk) for since, pk in rows if since]
    for pk, place in next_in_line(waiting, places_taken(member)):
        with keep_locked(Ticket.objects.locked(pk)) as ticket:
            ticket.place, ticket.place_since = place, at
            record_event(ticket=ticket, kind=EventKind.PLACE_GIVEN, actor=SYSTEM, at=at)


def _refusal(ticket: Ticket, kind: EventKind) -> Refusal:
    """Why an event cannot be recorded: it is not settled who pays (R62), or the state does not allow it."""
    if next_state(ticket.state, kind, Charge.APPROVED) and not is_allowed(Charge(ticket.charge), kind):
        return Refusal("charge", NOT_SETTLED, "kind")
    return Refusal("move", _not_possible_now(ticket), "kind")


def _not_possible_now(ticket: Ticket) -> str:
    moves = next_moves(ticket.state, ticket.charge, follows=ticket.follows_id is not None)
    possible = with_commas(each.label for each in moves)
    params = {"state": ticket.get_state_display(), "possible": possible or _("nothing")}
    return str(_("This cannot be recorded while the job is “%(state)s”. Possible now: %(possible)s.") % params)
