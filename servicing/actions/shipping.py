"""Shipments: on their way to the centre and back, delivered, and the address to return to (R49, R52, R61)."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from typing import Unpack

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from members.addresses import Address, phone_in_groups
from members.models import BLANK_ADDRESS, Member
from servicing.actions.events import (
    Actor,
    EventDetails,
    events_of,
    find_by_external_id,
    lock_ticket,
    locks_ticket,
    record_event,
)
from servicing.actions.loan_dates import follow_job
from servicing.enums import Direction, EventKind, TicketState, Travel
from servicing.models import Carrier, Parcel, ServiceCentre, Shipment, Ticket, TicketEvent
from servicing.models.parcels import MAX_NUMBER_LENGTH, tracking_key, validate_https
from servicing.queries.clock import get_clock

MAX_CARRIER_LENGTH = 60
MAX_URL_LENGTH = 300
MAX_SHIPMENTS = 20  # of one job
MAX_EXPECTED_AHEAD = timedelta(days=60)
FIRST_COLLECTION, LAST_COLLECTION = timedelta(days=1), timedelta(days=14)
NOT_OFFERED = {
    Travel.COURIER: _("This centre has no postal address yet. Bring it, or choose another centre."),
    Travel.COLLECTION: _("This centre doesn’t send couriers. Send it, or bring it."),
    Travel.DROP_OFF: _("This centre has no counter. Send it, or choose another centre."),
}


@dataclass(frozen=True)
class Tracking:
    """What is known of a shipment. `carrier` is the slug or the name of a `Carrier`, or any other name."""

    carrier: str = ""
    number: str = ""
    url: str = ""
    expected_on: date | None = None


@dataclass(frozen=True)
class ReturnTo:
    """How a parcel travels and where its products return to (R61). Without an address they are collected.

    `phone` is for the technician too; without one, that of the address.
    """

    travel: Travel = Travel.COURIER
    address: Address | None = None
    collect_on: date | None = None
    phone: str = ""

    @property
    def phone_in_groups(self) -> str:
        return phone_in_groups(self.phone) if self.phone else ""


@transaction.atomic
def mark_sent(*, parcel: Parcel, member: Member, tracking: Tracking, actor: Actor, at: datetime) -> int:
    """The parcel is on its way with everything in it that may travel. If it is already, its tracking is corrected.

    Returns how many tickets left now.
    Raises Refusal beside `carrier`, `tracking`, `tracking_url`, `expected_on`; `nothing` if nothing can travel.
    """
    check_tracking(tracking, at)
    Member.objects.locked().get(pk=member.pk)
    tickets = list(Ticket.objects.of(member).filter(parcel=parcel).order_by("pk"))
    leaving = [ticket for ticket in tickets if ticket.state in (TicketState.REQUESTED, TicketState.ACCEPTED)]
    travelling = [ticket for ticket in tickets if ticket.state == TicketState.IN_TRANSIT]
    if not leaving and not travelling:
        raise Refusal("nothing", _("There’s nothing to send in this parcel now."))
    last = Shipment.objects.to_centre().filter(tickets__in=travelling).order_by("-pk").first()
    if last and not leaving:
        correct_shipment(ticket=travelling[0], shipment=last, tracking=tracking, actor=actor, at=at)
        return 0
    _add_shipment(leaving or travelling, Direction.TO_CENTRE, tracking, actor, at)
    for ticket in leaving:
        record_event(ticket=ticket, kind=EventKind.SENT, actor=actor, at=at)
    return len(leaving)


@locks_ticket
def ship(*, ticket: Ticket, tracking: Tracking = Tracking(), **details: Unpack[EventDetails]) -> TicketEvent:
    """The product is on its way back, in a box of its own. Raises Refusal as `mark_sent` and `record_event`."""
    return _ship(ticket, tracking, None, details)


@transaction.atomic
def ship_together(*, tickets: Sequence[Ticket], tracking: Tracking, actor: Actor, at: datetime) -> Shipment | None:
    """Several products of one customer go back in one box. Returns the shipment; None if there are no tickets.

    Raises Refusal `customers` if they belong to several customers, and as `ship`.
    """
    if len({(ticket.member_id, ticket.visitor_id) for ticket in tickets}) > 1:
        raise Refusal("customers", _("These jobs belong to different customers. Ship them separately."), "tickets")
    shipment = None
    for ticket in sorted(tickets, key=lambda ticket: ticket.pk):
        with lock_ticket(ticket) as locked:
            _ship(locked, tracking, shipment, {"actor": actor, "at": at})
            shipment = shipment or locked.shipments.to_customer().latest("pk")
    return shipment


def _ship(ticket: Ticket, tracking: Tracking, shipment: Shipment | None, details: EventDetails) -> TicketEvent:
    """Record it, with its box: `shipment`, or a new one. The ticket is locked."""
    is_repeated = find_by_external_id(ticket, details.get("external_id", "")) is not None
    if not is_repeated and shipment is None:
        check_tracking(tracking, details["at"])
        _require_few(ticket)
    expected_on = shipment.expected_on if shipment else tracking.expected_on
    data = {"expected": expected_on.isoformat()} if expected_on else None
    event = record_event(ticket=ticket, kind=EventKind.SHIPPED, data=data, **details)
    if not is_repeated and shipment:
        shipment.tickets.add(ticket)
    elif not is_repeated:
        _add_shipment([ticket], Direction.TO_CUSTOMER, tracking, details["actor"], event.occurred_at)
    return event


@locks_ticket
def add_shipment(*, ticket: Ticket, direction: Direction, tracking: Tracking, actor: Actor, at: datetime) -> Shipment:
    """One more box of a job that travels, such as an accessory sent later.

    Raises Refusal: `many`, `number` without a tracking number, and as `mark_sent`.
    """
    check_tracking(tracking, at)
    _require_few(ticket)
    if not tracking_key(tracking.number):
        raise Refusal("number", _("Enter the tracking number."), "tracking")
    shipment = _add_shipment([ticket], direction, tracking, actor, at)
    _move_loan(ticket, at)
    return shipment


@transaction.atomic
def correct_shipment(*, ticket: Ticket, shipment: Shipment, tracking: Tracking, actor: Actor, at: datetime) -> Shipment:
    """Change what is known of a shipment of this ticket, with an event on each job in the box. The same again is no
    change. Raises Refusal as `mark_sent`, and Shipment.DoesNotExist if it is of another ticket.
    """
    if tracking.expected_on != shipment.expected_on:
        check_tracking(tracking, at)
    else:  # the day may be over by now
        check_tracking(replace(tracking, expected_on=None), at)
    with ExitStack() as locks:
        in_the_box = Ticket.objects.filter(shipments=shipment).order_by("pk")
        tickets = [locks.enter_context(lock_ticket(row)) for row in in_the_box]
        locked = Shipment.objects.select_for_update(no_key=True).get(pk=shipment.pk, tickets=ticket)
        before = _known_of(locked)
        _save_tracking(locked, tracking)
        if _known_of(locked) == before:
            return locked
        for row in tickets:
            kind, data = EventKind.SHIPMENT_CORRECTED, {"shipment": locked.pk}
            record_event(ticket=row, kind=kind, data=data, actor=actor, at=at)
    return locked


def _known_of(shipment: Shipment) -> tuple[object, ...]:
    return shipment.carrier_text, shipment.number, shipment.url, shipment.expected_on


@locks_ticket
def record_delivery(*, ticket: Ticket, **details: Unpack[EventDetails]) -> TicketEvent:
    """The customer has the product back. Raises Refusal as `record_event`."""
    event = record_event(ticket=ticket, kind=EventKind.DELIVERED, **details)
    note_delivery(ticket=ticket, direction=Direction.TO_CUSTOMER, at=event.occurred_at)
    return event


def note_delivery(*, ticket: Ticket, direction: Direction, at: datetime) -> None:
    """Every shipment of the ticket in this direction has arrived by then: booking in and closing tell that, too."""
    shipments = Shipment.objects.filter(tickets=ticket, direction=direction, delivered_at=None, sent_at__lte=at)
    Shipment.objects.filter(pk__in=shipments.values("pk")).update(delivered_at=at)


def _move_loan(ticket: Ticket, at: datetime) -> None:
    """The loan of the job is due back after its shipments arrive (R53)."""
    if ticket.loan_out:
        follow_job(ticket=ticket, steps=get_clock(ticket, at, events_of(ticket)).steps, at=at)


# --- Where it returns to -----------------------------------------------------------------------------


def check_return(*, returns: ReturnTo, centre: ServiceCentre, at: datetime) -> None:
    """Whether the centre takes products in this way. Raises Refusal beside `travel`, `collect_on`."""
    ways = travel_ways(centre)
    if returns.travel not in ways:
        raise Refusal("travel", NOT_OFFERED[returns.travel], "travel")
    if returns.travel != Travel.COLLECTION:
        return
    if returns.collect_on is None:
        raise Refusal("collect_on", _("Choose the day on which it can be collected."), "collect_on")
    today = centre.today(at)
    if not today + FIRST_COLLECTION <= returns.collect_on <= today + LAST_COLLECTION:
        message = _("Choose a day from tomorrow, at most %(days)d days ahead.") % {"days": LAST_COLLECTION.days}
        raise Refusal("collect_on", message, "collect_on")


def travel_ways(centre: ServiceCentre) -> list[Travel]:
    """How products get to a centre: without an address, nothing is sent to it."""
    offered = {
        Travel.COURIER: centre.has_address,
        Travel.COLLECTION: centre.has_address and centre.collects,
        Travel.DROP_OFF: centre.takes_drop_off,
    }
    return [way for way, is_offered in offered.items() if is_offered]


def write_return(parcel: Parcel, returns: ReturnTo) -> None:
    """Set the fields of a parcel, which the caller saves."""
    parcel.travel = returns.travel
    parcel.collect_on = returns.collect_on if returns.travel == Travel.COLLECTION else None
    parcel.returns = returns.address is not None
    for name, value in (asdict(returns.address) if returns.address else BLANK_ADDRESS).items():
        setattr(parcel, name, value)
    parcel.phone = returns.phone or parcel.phone


@transaction.atomic
def change_return(*, parcel: Parcel, returns: ReturnTo, actor: Actor, at: datetime) -> Parcel:
    """Change how a parcel travels and where it returns to, until everything in it is shipped (R61).

    The centre is notified by an event on each job. Raises Refusal `shipped`, and as `check_return`.
    """
    waiting = _waiting_in(parcel)
    check_return(returns=returns, centre=parcel.centre, at=at)
    return _write_return(parcel, returns, waiting, actor, at)


@transaction.atomic
def change_address(*, parcel: Parcel, address: Address | None, phone: str = "", actor: Actor, at: datetime) -> Parcel:
    """Change only where a parcel returns to; without an address the customer collects it (R61). The way to the centre
    stays, even one that it no longer offers. Raises Refusal `shipped`; `back` if the centre has no counter.
    """
    waiting = _waiting_in(parcel)
    if address is None and not parcel.centre.takes_drop_off:
        raise Refusal("back", _("This centre has no counter. Enter an address."), "back")
    travel = Travel(parcel.travel)
    returns = ReturnTo(travel=travel, address=address, collect_on=parcel.collect_on, phone=phone)
    return _write_return(parcel, returns, waiting, actor, at)


def _waiting_in(parcel: Parcel) -> list[Ticket]:
    """The jobs of a parcel that have not left for the customer, whose member is locked. Raises Refusal `shipped`."""
    tickets = list(parcel.tickets.select_related("member", "centre").order_by("pk"))
    if member := next((ticket.member for ticket in tickets if ticket.member), None):
        Member.objects.locked().get(pk=member.pk)
    waiting = [ticket for ticket in tickets if may_change_return(ticket)]
    if not waiting:
        raise Refusal("shipped", _("It’s on its way back already. Call the carrier to change where it goes."))
    return waiting


def _write_return(parcel: Parcel, returns: ReturnTo, waiting: Sequence[Ticket], actor: Actor, at: datetime) -> Parcel:
    """Write it, with an event on each job that waits. The same again is no change."""
    locked = Parcel.objects.select_for_update(no_key=True).select_related("centre").get(pk=parcel.pk)
    before = _return_of(locked)
    write_return(locked, returns)
    if _return_of(locked) == before:
        return locked
    locked.save()
    for ticket in waiting:
        record_event(ticket=ticket, kind=EventKind.SHIPPING_CHANGED, actor=actor, at=at)
    return locked


def _return_of(parcel: Parcel) -> tuple[object, ...]:
    return parcel.travel, parcel.collect_on, parcel.returns, parcel.address


def may_change_return(ticket: Ticket) -> bool:
    return ticket.state not in (TicketState.SHIPPED, TicketState.CLOSED, TicketState.CANCELLED)


def delete_old_addresses(*, at: datetime, limit: int = 500) -> int:
    """Delete the addresses of parcels whose jobs were all delivered or over some time ago (R14). Returns how many."""
    before = at - settings.SERVICE_ADDRESS_KEPT
    delivered = Shipment.objects.to_customer().filter(tickets=OuterRef("pk"), delivered_at__lte=before)
    settled = Q(ended_at__lte=before) | Q(Exists(delivered), state__in=(TicketState.SHIPPED, TicketState.CLOSED))
    running = Ticket.objects.filter(parcel=OuterRef("pk")).exclude(settled)
    due = Parcel.objects.filter(~Exists(running), blanked_at=None, made_at__lte=before).exclude(street="")
    keys = list(due.order_by("pk").values_list("pk", flat=True)[:limit])
    return Parcel.objects.filter(pk__in=keys).update(blanked_at=at, **BLANK_ADDRESS)


# --- Steps -------------------------------------------------------------------------------------------


def _add_shipment(
    tickets: Sequence[Ticket], direction: Direction, tracking: Tracking, actor: Actor, sent_at: datetime
) -> Shipment:
    shipment = _save_tracking(
        Shipment(direction=direction, sent_at=sent_at, by=actor.user, partner=actor.partner), tracking
    )
    shipment.tickets.set(tickets)
    return shipment


def _save_tracking(shipment: Shipment, tracking: Tracking) -> Shipment:
    carrier = find_carrier(tracking.carrier)
    shipment.carrier, shipment.carrier_name = carrier, "" if carrier else tracking.carrier.strip()
    shipment.number, shipment.number_key = tracking.number.strip(), tracking_key(tracking.number)
    shipment.url, shipment.expected_on = tracking.url, tracking.expected_on
    shipment.save()
    return shipment


def find_carrier(text: str) -> Carrier | None:
    """The carrier with this slug or name; None if it is none of those we know."""
    term = text.strip()
    return Carrier.objects.filter(Q(slug=term) | Q(name__iexact=term)).first() if term else None


def _require_few(ticket: Ticket) -> None:
    if ticket.shipments.count() >= MAX_SHIPMENTS:
        raise Refusal("many", _("This job has too many shipments. Correct one of them instead."), "tracking")


def check_tracking(tracking: Tracking, at: datetime) -> None:
    """Raises Refusal beside `carrier`, `tracking`, `tracking_url`, `expected_on`."""
    lengths = {"carrier": (tracking.carrier, MAX_CARRIER_LENGTH), "tracking": (tracking.number, MAX_NUMBER_LENGTH)}
    for field, (value, max_length) in lengths.items():
        if len(value.strip()) > max_length:
            raise Refusal("long", _("This is too long. Use at most %(n)d characters.") % {"n": max_length}, field)
    _check_url(tracking.url)
    day = tracking.expected_on
    if day and not at.date() - timedelta(days=1) <= day <= at.date() + MAX_EXPECTED_AHEAD:
        raise Refusal("expected_on", _("Enter the day on which it should arrive, from today on."), "expected_on")


def _check_url(url: str) -> None:
    if not url:
        return
    try:
        validate_https(url)
        is_valid = len(url) <= MAX_URL_LENGTH
    except ValidationError:
        is_valid = False
    if not is_valid:
        raise Refusal("url", _("Enter the whole address of the page, beginning with https://."), "tracking_url")
