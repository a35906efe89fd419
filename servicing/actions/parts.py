"""Parts that a repair waits for; waiting does not pause the clock (R47, R48)."""

from datetime import date, datetime, timedelta
from typing import Unpack

from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from servicing.actions.events import (
    EventDetails,
    events_of,
    find_by_external_id,
    lock_ticket,
    locks_ticket,
    record_event,
)
from servicing.actions.loans import offer_loan
from servicing.enums import EventKind
from servicing.models import Part, Ticket, TicketEvent
from servicing.queries.clock import get_clock

MAX_NAME_LENGTH = 120
MAX_DAYS_AHEAD = 730


@locks_ticket
def order_part(*, ticket: Ticket, name: str, expected_on: date | None = None, **details: Unpack[EventDetails]) -> Part:
    """The job waits for a part. If it is expected after the target, the member is notified and offered a loan (R48).

    With an `external_id` that is known already: the part that was ordered then.
    Raises Refusal beside `name`, `expected_on`, and as `record_event`.
    """
    if repeated := find_by_external_id(ticket, details.get("external_id", "")):
        return Part.objects.get(ticket=ticket, pk=repeated.referenced_pk("part"))
    if not 0 < len(name.strip()) <= MAX_NAME_LENGTH:
        message = _("Enter which part it is, in at most %(n)d characters.") % {"n": MAX_NAME_LENGTH}
        raise Refusal("name", message, "name")
    at = details["at"]
    _check_day(ticket, expected_on, at)
    ordered_at = details.get("occurred_at") or at
    part = Part.objects.create(ticket=ticket, name=name.strip(), ordered_at=ordered_at, expected_on=expected_on)
    _record_expected(part, ticket, EventKind.PART_ORDERED, **details)
    return part


def expect_part(*, part: Part, expected_on: date | None, **details: Unpack[EventDetails]) -> Part:
    """Set or change the date on which a part is expected; None if it is unknown.

    Raises Refusal `arrived`, and as `order_part`.
    """
    with lock_ticket(part.ticket) as ticket:
        if not _is_repeated(part, ticket, **details):
            _check_day(ticket, expected_on, details["at"])
            part.expected_on = expected_on
            part.save(update_fields=["expected_on"])
            _record_expected(part, ticket, EventKind.PART_EXPECTED, **details)
    return part


def receive_part(*, part: Part, **details: Unpack[EventDetails]) -> Part:
    """A part has arrived. Raises Refusal `arrived` if it had before, and as `record_event`."""
    with lock_ticket(part.ticket) as ticket:
        if not _is_repeated(part, ticket, **details):
            part.arrived_at = details.get("occurred_at") or details["at"]
            part.save(update_fields=["arrived_at"])
            record_event(ticket=ticket, kind=EventKind.PART_ARRIVED, data={"part": part.pk}, **details)
    return part


def receive_last_part(*, part: Part, **details: Unpack[EventDetails]) -> TicketEvent:
    """The part that a repair waited for is there, and the work goes on: two events.

    Raises Refusal as `receive_part` and `record_event`; then neither is recorded.
    """
    with lock_ticket(part.ticket) as ticket:
        part.ticket = ticket
        number = details.get("external_id", "")
        arrival: EventDetails = {**details, "external_id": f"{number}-part" if number else ""}
        receive_part(part=part, **arrival)
        return record_event(ticket=ticket, kind=EventKind.REPAIR_STARTED, **details)


def _is_repeated(part: Part, ticket: Ticket, **details: Unpack[EventDetails]) -> bool:
    """Whether this report of a part is known already. Reads the part again, now that its ticket is locked."""
    part.refresh_from_db(fields=["expected_on", "arrived_at"])
    if find_by_external_id(ticket, details.get("external_id", "")):
        return True
    if part.arrived_at:
        raise Refusal("arrived", _("This part is there already."), "part")
    return False


def _record_expected(part: Part, ticket: Ticket, kind: EventKind, **details: Unpack[EventDetails]) -> None:
    """Record the event. If the part makes the job late, the member is notified and offered a loan (R48)."""
    day = part.expected_on
    due_at = get_clock(ticket, details["at"], events_of(ticket)).due_at if day else None
    is_late = bool(day and due_at and ticket.ready_at is None and day > ticket.centre.today(due_at))
    data = {"part": part.pk, "expected": day.isoformat() if day else None, "late": is_late}
    record_event(ticket=ticket, kind=kind, data=data, **details)
    offer_loan(ticket=ticket, at=details["at"])


def _check_day(ticket: Ticket, day: date | None, at: datetime) -> None:
    if day is None:
        return
    today = ticket.centre.today(at)
    if day < today:
        raise Refusal("past", _("This day is over. If the part is there, record that it arrived."), "expected_on")
    if day > today + timedelta(days=MAX_DAYS_AHEAD):
        raise Refusal("far", _("This is too far ahead. Check the year."), "expected_on")
