"""The same fault again: a job that follows another one, without charge and without a place (R63)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Unpack

from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from members.models import Member
from servicing.actions.events import (
    SYSTEM,
    Actor,
    EventDetails,
    find_by_external_id,
    locks_ticket,
    places_taken,
    record_event,
)
from servicing.actions.service_requests import RequestedItem, new_parcel, open_ticket
from servicing.actions.shipping import ReturnTo, travel_ways
from servicing.actions.tickets import close
from servicing.enums import (
    CentreStatus,
    EventKind,
    ServiceKind,
    TicketState,
    Track,
    Travel,
    WhyNoCharge,
    WhyOtherFault,
    WhyStandard,
)
from servicing.models import ServiceCentre, Ticket, TicketEvent
from servicing.queries.addresses import last_address
from servicing.queries.cover import covered_until, find_open_follow_up, is_covered
from servicing.queries.entitlement import Item
from servicing.rules.cover import FINISHED
from servicing.rules.entitlement import STANDARD_TARGET_DAYS
from servicing.rules.places import free_places

CHANGED_BY_OTHER_FAULT = [
    "place",
    "place_since",
    "track",
    "target_days",
    "why_standard",
    "loan_possible",
    "missed_at",
]
SAME_FAULT = _("The same fault as in job %(reference)s.")


@locks_ticket
def open_follow_up(*, ticket: Ticket, centre: ServiceCentre | None = None, actor: Actor, at: datetime) -> Ticket:
    """Open a job because the fault of `ticket` came back: at the same centre, covered, and without a place (R63).

    `centre`: another one, while that of the job is suspended.
    Raises Refusal: `open`, `not_finished`, `not_repaired`, `over`, `closed`, `erased`; `suspended` and `same_centre`
    beside `centre`; as `open_parcel`.
    """
    member = _require_customer(ticket)
    _require_covered(ticket, at)
    chosen = _choose_centre(ticket, centre)
    if ticket.state == TicketState.SHIPPED:  # whoever sees the fault has it back
        close(ticket=ticket, loan_stays_out=True, actor=SYSTEM, at=at)
    requested = RequestedItem(
        Item(ticket.product, ticket.serial, ticket.registration),
        ServiceKind(ticket.service),
        fault=ticket.fault or str(SAME_FAULT % {"reference": ticket.reference_in_groups}),
        loan_wanted=ticket.loan_wanted,
        follows=ticket,
    )
    parcel = new_parcel(chosen, at, _returns(ticket, chosen))
    follow_up = open_ticket(member, ticket.visitor, parcel, requested, actor=actor, at=at, field="")
    record_event(ticket=follow_up, kind=EventKind.NO_CHARGE, data={"why": WhyNoCharge.COVERED}, actor=SYSTEM, at=at)
    follow_up.refresh_from_db()
    return follow_up


@locks_ticket
def decide_other_fault(*, ticket: Ticket, why: str, **details: Unpack[EventDetails]) -> TicketEvent:
    """The centre found another fault for the reason `why`, a `WhyOtherFault`: an estimate is needed (R62, R63).

    From now on a Fast Track job takes one of the member's places; if none is free, it goes at standard speed (R49).
    Raises Refusal: `no_follow_up` if the job was not opened for the same fault, beside `why_other_fault` without a
    reason, and as `record_event`.
    """
    if find_by_external_id(ticket, details.get("external_id", "")):
        return record_event(ticket=ticket, kind=EventKind.OTHER_FAULT, **details)
    if ticket.follows_id is None:
        raise Refusal("no_follow_up", _("This job was not opened for the same fault as an earlier one."), "kind")
    if why not in WhyOtherFault.values:
        raise Refusal("why", _("Choose why it is another fault. The customer reads it."), "why_other_fault")
    had_no_place = ticket.same_fault and ticket.is_fast and ticket.member is not None
    free = free_places(places_taken(ticket.member)) if had_no_place and ticket.member else []
    is_slower = had_no_place and not free
    data = {"why": why, **({"target_days": STANDARD_TARGET_DAYS, "track": Track.STANDARD} if is_slower else {})}
    event = record_event(ticket=ticket, kind=EventKind.OTHER_FAULT, data=data, **details)
    if had_no_place and not ticket.same_fault:  # a report that comes too late to be applied changes nothing
        _take_place(ticket, free, details["at"])
    return event


# --- Steps -----------------------------------------------------------------------------------------


def _take_place(ticket: Ticket, free: Sequence[int], at: datetime) -> None:
    """Take one of the free places, or go at standard speed, which gives no loan (R48, R49)."""
    if free:
        ticket.place, ticket.place_since = free[0], at
    else:
        ticket.track, ticket.target_days = Track.STANDARD, STANDARD_TARGET_DAYS
        ticket.why_standard, ticket.loan_possible = [WhyStandard.PLACES.value], False
        if ticket.due_at and ticket.due_at > at:
            ticket.missed_at = None
    ticket.save(update_fields=CHANGED_BY_OTHER_FAULT)


def _require_customer(ticket: Ticket) -> Member | None:
    """The member as they are now, who is locked with the ticket; None for a visiting member."""
    if ticket.member is None:
        if ticket.visitor and ticket.visitor.erased_at:
            raise Refusal("erased", _("This visiting member was erased. Open a new job for the card they show."))
        return None
    member = Member.objects.select_related("user").get(pk=ticket.member.pk)
    if member.merged_into_id and ticket.registration and ticket.registration.member_id == member.account_in_use.pk:
        return member.account_in_use  # the job was open when the accounts became one (R69)
    if member.merged_into_id:  # its registration has ended: another one counts instead
        raise Refusal(
            "merged",
            _("This job’s account is part of another one now. Make a new request, and mention this job."),
        )
    if member.closed_at:
        raise Refusal("closed", _("This account is closed."))
    return member


def _require_covered(ticket: Ticket, at: datetime) -> None:
    if find_open_follow_up(ticket):
        raise Refusal("open", _("A job for the same fault is open already."))
    if ticket.state not in FINISHED:
        raise Refusal("not_finished", _("This job isn’t finished. Write to the centre about it."))
    if covered_until(ticket) is None:
        raise Refusal("not_repaired", _("Nothing was repaired in this job. Make a new request."))
    if not is_covered(ticket, at):
        raise Refusal("over", _("This repair is no longer covered. Make a new request."))


def _choose_centre(ticket: Ticket, centre: ServiceCentre | None) -> ServiceCentre:
    is_suspended = ticket.centre.status == CentreStatus.SUSPENDED
    if is_suspended and centre is None:
        message = _("The centre isn’t accepting work at the moment. Choose another one.")
        raise Refusal("suspended", message, "centre")
    if centre and centre.pk != ticket.centre_id and not is_suspended:
        raise Refusal("same_centre", _("The centre that repaired it takes it back. Send it there."), "centre")
    return centre or ticket.centre


def _returns(ticket: Ticket, centre: ServiceCentre) -> ReturnTo | None:
    """As the last time where that is possible; a day for a collection has to be chosen first."""
    ways = travel_ways(centre)
    preferred = Travel.DROP_OFF if ticket.parcel.travel == Travel.DROP_OFF else Travel.COURIER
    travel = preferred if preferred in ways else next((way for way in ways if way != Travel.COLLECTION), None)
    if travel is None:
        return None
    address = ticket.parcel.address if ticket.parcel.has_address else None
    if address is None and ticket.member and (ticket.parcel.returns or ticket.parcel.blanked_at):
        address = last_address(ticket.member)
    return ReturnTo(travel=travel, address=address, phone=ticket.parcel.phone)
