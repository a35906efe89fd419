"""Parts that a repair waits for; the clock does not (R47, R48)."""

from datetime import date, datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.locks import require_transaction
from servicing.actions.heard import heard_before, key_in
from servicing.actions.keeping import offer_loan_on
from servicing.actions.recording import EVENTS, Who, clock_of, record_on
from servicing.enums import EventKind
from servicing.models import Part, Ticket

MAX_NAME_LENGTH = 120
FARTHEST = timedelta(days=730)


@transaction.atomic
def order_part(
    *,
    ticket: Ticket,
    name: str,
    who: Who,
    at: datetime,
    expected_on: date | None = None,
    occurred_at: datetime | None = None,
    external_id: str = "",
) -> Part:
    """The centre waits for a part. Expected after the target: the member is told at once and offered a loan (R48).

    Raises Refusal beside `name`, `expected_on`, and as `record_event`.
    """
    return order_part_on(
        ticket=Ticket.objects.locked(ticket.pk),
        name=name,
        who=who,
        at=at,
        expected_on=expected_on,
        occurred_at=occurred_at,
        external_id=external_id,
    )


def order_part_on(
    *,
    ticket: Ticket,
    name: str,
    who: Who,
    at: datetime,
    expected_on: date | None = None,
    occurred_at: datetime | None = None,
    external_id: str = "",
) -> Part:
    """As `order_part`, for a ticket that the caller has locked."""
    require_transaction("order_part_on")
    if before := heard_before(ticket, external_id):
        return Part.objects.get(ticket=ticket, pk=key_in(before, "part"))
    if not 0 < len(name.strip()) <= MAX_NAME_LENGTH:
        words = _("Say which part it is, in at most %(n)d characters.")
        raise Refusal("name", words % {"n": MAX_NAME_LENGTH}, "name")
    _check_day(ticket, expected_on, at)
    row = Part.objects.create(ticket=ticket, name=name.strip(), ordered_at=occurred_at or at, expected_on=expected_on)
    _record(row, ticket, EventKind.PART_ORDERED, who=who, at=at, occurred_at=occurred_at, external_id=external_id)
    return row


@transaction.atomic
def expect_part(
    *,
    part: Part,
    expected_on: date | None,
    who: Who,
    at: datetime,
    occurred_at: datetime | None = None,
    external_id: str = "",
) -> Part:
    """A part has a date, another one, or none any more. Raises Refusal `arrived`, or as `order_part`."""
    ticket = Ticket.objects.locked(part.ticket_id)
    row = Part.objects.get(pk=part.pk)
    if heard_before(ticket, external_id):
        return row
    if row.arrived_at:
        raise Refusal("arrived", _("This part is there already."), "part")
    _check_day(ticket, expected_on, at)
    row.expected_on = expected_on
    row.save(update_fields=["expected_on"])
    _record(row, ticket, EventKind.PART_EXPECTED, who=who, at=at, occurred_at=occurred_at, external_id=external_id)
    return row


@transaction.atomic
def part_arrived(
    *, part: Part, who: Who, at: datetime, occurred_at: datetime | None = None, external_id: str = ""
) -> Part:
    """A part is there. Raises Refusal `arrived` if it was before, and as `record_event`."""
    ticket = Ticket.objects.locked(part.ticket_id)
    row = Part.objects.get(pk=part.pk)
    if heard_before(ticket, external_id):
        return row
    if row.arrived_at:
        raise Refusal("arrived", _("This part is there already."), "part")
    row.arrived_at = occurred_at or at
    row.save(update_fields=["arrived_at"])
    record_on(
        ticket=ticket,
        kind=EventKind.PART_ARRIVED,
        who=who,
        at=at,
        occurred_at=occurred_at,
        external_id=external_id,
        data={"part": row.pk},
    )
    return row


def _record(
    row: Part,
    ticket: Ticket,
    kind: EventKind,
    *,
    who: Who,
    at: datetime,
    occurred_at: datetime | None,
    external_id: str,
) -> None:
    """Write it down with whether it makes the job late: then the member reads why, and a loan is offered (R48)."""
    events = EVENTS.all(ticket=ticket.pk)
    day = row.expected_on
    due = clock_of(ticket, at, events).due_at if day else None
    late = bool(day and due and ticket.ready_at is None and day > ticket.centre.today(due))
    data = {"part": row.pk, "expected": day.isoformat() if day else None, "late": late}
    done, _event = record_on(
        ticket=ticket,
        kind=kind,
        who=who,
        at=at,
        occurred_at=occurred_at,
        external_id=external_id,
        data=data,
        events=events,
    )
    offer_loan_on(ticket=done, events=events, at=at)


def _check_day(ticket: Ticket, day: date | None, at: datetime) -> None:
    if day is None:
        return
    today = ticket.centre.today(at)
    if day < today:
        raise Refusal("past", _("This day is over. If the part is there, say that it arrived."), "expected_on")
    if day > today + FARTHEST:
        raise Refusal("far", _("This is more than two years ahead. Check the year."), "expected_on")
