"""Which action records which kind of event: one table for the admin and the API (R52)."""

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from kitbag.rules import serial_key
from servicing.actions.estimates import (
    approve_estimate,
    decline_estimate,
    record_no_charge,
    send_estimate,
    withdraw_estimate,
)
from servicing.actions.events import EventDetails, record_event
from servicing.actions.follow_ups import decide_other_fault
from servicing.actions.intake import require_not_stolen
from servicing.actions.messages import record_answer
from servicing.actions.parts import expect_part, order_part, receive_part
from servicing.actions.places import choose_standard
from servicing.actions.serials import change_serial
from servicing.actions.shipping import Tracking, record_delivery, ship
from servicing.actions.tickets import book_in, cancel, close
from servicing.actions.warranty import decide_warranty
from servicing.enums import EventKind
from servicing.models import Estimate, Part, Ticket, TicketEvent

E = EventKind
Payload = Mapping[str, Any]  # what a form or a serializer has cleaned; each action takes what it needs
EventAction = Callable[[Ticket, Payload, EventDetails], TicketEvent | Estimate | Part]


def perform_event_action(
    *, ticket: Ticket, kind: EventKind, payload: Payload, details: EventDetails
) -> TicketEvent | Estimate | Part:
    """Record an event with the action of its kind. Raises Refusal as the action does."""
    return EVENT_ACTIONS[kind](ticket, payload, details)


def _record(kind: EventKind) -> EventAction:
    """For the kinds that carry nothing beyond the event itself."""
    return lambda ticket, payload, details: record_event(ticket=ticket, kind=kind, **details)


def _book_in(ticket: Ticket, payload: Payload, details: EventDetails) -> TicketEvent:
    require_not_stolen(
        product=ticket.product,
        serial_key=ticket.serial_key,
        registration=ticket.registration,
        at=details["at"],
    )
    return book_in(
        ticket=ticket,
        condition=payload["condition"],
        accessories=payload["accessories"],
        is_clean=True,
        **details,
    )


def _decide_warranty(ticket: Ticket, payload: Payload, details: EventDetails) -> TicketEvent:
    return decide_warranty(
        ticket=ticket,
        in_warranty=payload["in_warranty"],
        why=payload["why"],
        proof_seen=payload["proof_seen"],
        **details,
    )


def _send_estimate(ticket: Ticket, payload: Payload, details: EventDetails) -> Estimate:
    return send_estimate(
        ticket=ticket,
        lines=payload["lines"],
        currency=payload["currency"],
        valid_until=payload["valid_until"],
        note=payload["note"],
        **details,
    )


def _newest_estimate(ticket: Ticket) -> Estimate:
    """The newest estimate. Whether it can still be answered is up to the action, which has the lock."""
    estimate = ticket.estimates.order_by("-number").first()
    if estimate is None:
        raise Refusal("answered", _("No estimate is waiting for an answer."), "kind")
    return estimate


def _order_part(ticket: Ticket, payload: Payload, details: EventDetails) -> Part:
    return order_part(ticket=ticket, name=payload["name"], expected_on=payload["expected_on"], **details)


def _change_serial(ticket: Ticket, payload: Payload, details: EventDetails) -> TicketEvent:
    key = serial_key(payload["serial"])
    require_not_stolen(product=ticket.product, serial_key=key, registration=ticket.registration, at=details["at"])
    return change_serial(ticket=ticket, serial=payload["serial"], insisted=payload["insisted"], **details)


def _ship(ticket: Ticket, payload: Payload, details: EventDetails) -> TicketEvent:
    return ship(
        ticket=ticket,
        tracking=Tracking(
            carrier=payload["carrier"],
            number=payload["tracking"],
            url=payload["tracking_url"],
            expected_on=payload["expected_on"],
        ),
        **details,
    )


EVENT_ACTIONS: Mapping[EventKind, EventAction] = {
    E.CHOSE_STANDARD: lambda ticket, payload, details: choose_standard(
        ticket=ticket, actor=details["actor"], at=details["at"]
    ),
    E.ACCEPTED: _record(E.ACCEPTED),
    E.SENT: _record(E.SENT),
    E.BOOKED_IN: _book_in,
    E.ASSESSED: _record(E.ASSESSED),
    E.WARRANTY_DECIDED: _decide_warranty,
    E.NO_CHARGE: lambda ticket, payload, details: record_no_charge(
        ticket=ticket, why=payload["why_no_charge"], **details
    ),
    E.OTHER_FAULT: lambda ticket, payload, details: decide_other_fault(
        ticket=ticket, why=payload["why_other_fault"], **details
    ),
    E.QUESTION_ANSWERED: lambda ticket, payload, details: record_answer(ticket=ticket, **details),
    E.ESTIMATE_SENT: _send_estimate,
    E.ESTIMATE_WITHDRAWN: lambda ticket, payload, details: withdraw_estimate(ticket=ticket, **details),
    E.ESTIMATE_APPROVED: lambda ticket, payload, details: approve_estimate(
        estimate=_newest_estimate(ticket), **details
    ),
    E.ESTIMATE_DECLINED: lambda ticket, payload, details: decline_estimate(
        estimate=_newest_estimate(ticket), **details
    ),
    E.PART_ORDERED: _order_part,
    E.PART_EXPECTED: lambda ticket, payload, details: expect_part(
        part=payload["part"], expected_on=payload["expected_on"], **details
    ),
    E.PART_ARRIVED: lambda ticket, payload, details: receive_part(part=payload["part"], **details),
    E.REPAIR_STARTED: _record(E.REPAIR_STARTED),
    E.SERIAL_CHANGED: _change_serial,
    E.READY: _record(E.READY),
    E.SHIPPED: _ship,
    E.DELIVERED: lambda ticket, payload, details: record_delivery(ticket=ticket, **details),
    E.CLOSED: lambda ticket, payload, details: close(
        ticket=ticket, loan_stays_out=payload["loan_stays_out"], **details
    ),
    E.CANCELLED: lambda ticket, payload, details: cancel(
        ticket=ticket, loan_stays_out=payload["loan_stays_out"], **details
    ),
}
