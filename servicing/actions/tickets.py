"""A ticket at the centre: booking in, cancelling, and what its member gets for it (R43, R47, R49, R50)."""

from datetime import datetime
from typing import TypedDict, Unpack

from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from members.rules import Treatment
from servicing.actions.events import (
    EventDetails,
    find_by_external_id,
    locks_ticket,
    places_taken,
    record_event,
)
from servicing.actions.shipping import note_delivery
from servicing.enums import BEFORE_INTAKE, Direction, EventKind, PlaceWish, TicketFileKind, Track, Warranty
from servicing.models import Ticket, TicketEvent
from servicing.queries.entitlement import Item, check_entitlement, claim_for
from servicing.rules.entitlement import NO_CLAIM, Entitlement
from servicing.rules.places import PLACES, free_places

LOAN_OUT = _("The customer still has the loan. Take it back first, or confirm that it comes back later.")
INTAKE_FIELDS = [
    "level",
    "treatment",
    "track",
    "target_days",
    "why_standard",
    "discount",
    "free_return",
    "loan_possible",
    "place",
    "place_since",
    "condition",
    "accessories",
]


@locks_ticket
def book_in(
    *,
    ticket: Ticket,
    condition: str = "",
    accessories: str = "",
    is_clean: bool = False,
    **details: Unpack[EventDetails],
) -> TicketEvent:
    """The product is at the centre and its clock starts (R47), with the member's level of now (R50).

    A place that lapsed on the way is taken again if one is free; otherwise it goes at standard speed (R49).
    `is_clean`: the caller has just checked that it is not reported stolen (R34).
    Raises Refusal as `record_event`.
    """
    is_first = ticket.booked_in_at is None and not find_by_external_id(ticket, details.get("external_id", ""))
    if is_first:
        _grant_at_intake(ticket, details["at"], is_clean=is_clean)
        ticket.condition, ticket.accessories = condition or ticket.condition, accessories or ticket.accessories
    event = record_event(
        ticket=ticket,
        kind=EventKind.BOOKED_IN,
        data={"target_days": ticket.target_days, "level": ticket.level, "track": ticket.track},
        changed=INTAKE_FIELDS if is_first else (),
        **details,
    )
    note_delivery(ticket=ticket, direction=Direction.TO_CENTRE, at=event.occurred_at)
    return event


@locks_ticket
def close(*, ticket: Ticket, loan_stays_out: bool = False, **details: Unpack[EventDetails]) -> TicketEvent:
    """The customer has the product: what was shipped has arrived.

    Raises Refusal: `loan_out` beside `loan_stays_out` if the customer still has the loan and nobody confirmed that it
    stays out (R53), and as `record_event`.
    """
    _require_loan_confirmed(ticket, details, loan_stays_out=loan_stays_out)
    event = record_event(ticket=ticket, kind=EventKind.CLOSED, **details)
    note_delivery(ticket=ticket, direction=Direction.TO_CUSTOMER, at=event.occurred_at)
    return event


@locks_ticket
def cancel(*, ticket: Ticket, loan_stays_out: bool = False, **details: Unpack[EventDetails]) -> TicketEvent:
    """Cancel a job; its place goes to the next that waits (R49). The member may cancel until it is booked in.

    Raises Refusal: `at_centre`, `loan_out` as `close`, and as `record_event`.
    """
    user = details["actor"].user
    is_own = bool(user and ticket.member and ticket.member.account_in_use.user_id == user.pk)
    if is_own and ticket.state not in BEFORE_INTAKE:
        raise Refusal("at_centre", _("It’s at the centre already. Write to the centre if you want it back."))
    _require_loan_confirmed(ticket, details, loan_stays_out=loan_stays_out)
    return record_event(ticket=ticket, kind=EventKind.CANCELLED, **details)


def _require_loan_confirmed(ticket: Ticket, details: EventDetails, *, loan_stays_out: bool) -> None:
    """A job that still has its loan out does not end by accident (R53). An event that is known already passes."""
    is_open = ticket.ended_at is None and not find_by_external_id(ticket, details.get("external_id", ""))
    if ticket.loan_out and is_open and not loan_stays_out:
        raise Refusal("loan_out", LOAN_OUT, "loan_stays_out")


def entitlement_of(ticket: Ticket, wish: str | None, *, is_full: bool, is_clean: bool = False) -> Entitlement:
    """What the member gets for a ticket today. `is_full`: all places are taken, its own not counted."""
    item = Item(ticket.product, ticket.serial, ticket.registration)
    claim = NO_CLAIM
    if ticket.warranty_asked:
        has_proof = ticket.files.filter(kind=TicketFileKind.PROOF).exists()
        claim = claim_for(item, wanted=True, proof=has_proof, at=ticket.opened_at)
    return check_entitlement(
        member=ticket.person,
        item=item,
        centre=ticket.centre,
        service=ticket.service,
        wish=wish,
        claim=claim,
        places_taken=PLACES if is_full else 0,
        is_clean=is_clean,
        **at_intake(ticket),
    )


class IntakeFacts(TypedDict, total=False):
    """What a job keeps from the moment of its intake."""

    level: str
    treatment: Treatment


def at_intake(ticket: Ticket) -> IntakeFacts:
    """Level and treatment at intake, which a job keeps (R50, R65); nothing if it is not booked in yet."""
    if ticket.booked_in_at is None or not ticket.treatment:
        return {}
    return {"level": ticket.level, "treatment": Treatment(ticket.treatment)}


def apply_entitlement(ticket: Ticket, entitlement: Entitlement) -> None:
    """Write an entitlement to the fields of a ticket, which the caller saves."""
    ticket.track = entitlement.track or Track.STANDARD
    ticket.treatment = entitlement.treatment or ticket.treatment
    target_days = entitlement.fast_track_days if entitlement.waits else entitlement.target_days
    ticket.target_days = target_days or ticket.target_days
    ticket.why_standard = [reason.value for reason in entitlement.why_standard]
    ticket.discount = entitlement.discount
    ticket.free_return = entitlement.free_return
    ticket.loan_possible = entitlement.courtesy_loan
    # Later on the warranty is the centre's decision (R60).
    if ticket._state.adding:
        ticket.warranty = entitlement.warranty or Warranty.CHARGEABLE
        reasons = entitlement.why_no_warranty if ticket.warranty_asked else ()
        ticket.why_no_warranty = reasons[0] if reasons else ""


def _grant_at_intake(ticket: Ticket, at: datetime, *, is_clean: bool) -> None:
    """Work out what the job gets, with the level of now (R50), and take a place or give it back."""
    member = ticket.person
    if member is None:
        return
    free = free_places(places_taken(member)) if ticket.place is None else []
    ticket.level = member.level
    needs_place = not ticket.same_fault  # the same fault again takes none (R63)
    is_full = needs_place and ticket.place is None and not free
    entitlement = entitlement_of(ticket, PlaceWish.STANDARD, is_full=is_full, is_clean=is_clean)
    if not entitlement.possible:  # the centre was suspended in the meantime: what was promised holds
        return
    apply_entitlement(ticket, entitlement)
    if ticket.is_fast and ticket.place is None and needs_place:
        ticket.place, ticket.place_since = free[0], at
    elif not ticket.is_fast:
        ticket.place = ticket.place_since = None
