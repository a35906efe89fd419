"""Events by CSV file, for a service centre without a system of its own (R52, R55)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from members.models import User
from servicing.actions.dispatch import perform_event_action
from servicing.actions.events import Actor, EventDetails, keep_locked
from servicing.enums import EventKind
from servicing.models import ServiceCentre, Ticket, TicketEvent

STOLEN = "stolen"


@dataclass(frozen=True)
class EventLine:
    """A line of a file, with its number. `details` is what the action of the kind takes."""

    number: int
    reference: str
    kind: EventKind
    occurred_at: datetime
    external_id: str
    details: Mapping[str, Any]


@dataclass
class EventsLoaded:
    """New events, how many lines were known, and (line, column, sentence) of those that were refused."""

    new: list[TicketEvent] = field(default_factory=list)
    known: int = 0
    refused: list[tuple[int, str, str]] = field(default_factory=list)


def load_events(*, centre: ServiceCentre, lines: Sequence[EventLine], by: User, at: datetime) -> EventsLoaded:
    """Record the events of a file on tickets of the centre, each on its own, by the same actions as the API.

    Idempotent: the same line again, known by its own number or by kind and time, changes nothing.
    """
    loaded = EventsLoaded()
    for line in lines:
        try:
            with transaction.atomic():
                try:
                    event = _record(line, centre, by, at)
                except Refusal as refusal:
                    if refusal.code != STOLEN:  # rolling back would lose the sighting (R34)
                        raise
                    loaded.refused.append((line.number, refusal.field or "", str(refusal.message)))
                    continue
        except Refusal as refusal:
            loaded.refused.append((line.number, refusal.field or "", str(refusal.message)))
            continue
        if event.received_at == at:
            loaded.new.append(event)
        else:
            loaded.known += 1
    return loaded


def _record(line: EventLine, centre: ServiceCentre, by: User, at: datetime) -> TicketEvent:
    """Raises Refusal: `reference`, `own`, and as the action of the kind does."""
    try:
        ticket = Ticket.objects.locked_where(reference=line.reference, centre=centre.pk)
    except Ticket.DoesNotExist:
        raise Refusal("reference", _("This centre has no job with this reference."), "reference") from None
    if ticket.person and ticket.person.user_id == by.pk:
        raise Refusal("own", _("This is your own job. A colleague has to record this."), "reference")
    details: EventDetails = {
        "actor": Actor(user=by),
        "at": at,
        "occurred_at": line.occurred_at,
        "external_id": line.external_id or f"file-{line.kind}-{line.occurred_at.timestamp():.0f}",
    }
    with keep_locked(ticket):
        event = perform_event_action(ticket=ticket, kind=line.kind, payload=line.details, details=details)
    assert isinstance(event, TicketEvent)  # noqa: S101 (of the kinds that are reported)
    return event
