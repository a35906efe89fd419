"""The queues of a centre, in the order of its work (R54)."""

from collections.abc import Mapping
from enum import StrEnum

from servicing.enums import IN_WORKSHOP, TicketState

S = TicketState


class Lane(StrEnum):
    """Where a job waits."""

    ARRIVING = "arriving"
    ASSESS = "assess"
    CUSTOMER = "customer"
    PARTS = "parts"
    REPAIR = "repair"
    READY = "ready"


# By state. While the clock is paused, a job in the workshop waits for the customer whatever its state.
STATES_OF_LANES: Mapping[Lane, tuple[TicketState, ...]] = {
    Lane.ARRIVING: (S.REQUESTED, S.ACCEPTED, S.IN_TRANSIT),
    Lane.ASSESS: (S.BOOKED_IN, S.ASSESSED),
    Lane.CUSTOMER: (S.ESTIMATE_SENT,),
    Lane.PARTS: (S.WAITING_PARTS,),
    Lane.REPAIR: (S.APPROVED, S.DECLINED, S.IN_REPAIR),
    Lane.READY: (S.READY,),
}


def lane_of(state: str, *, paused: bool) -> Lane | None:
    """The lane of a job; None if it waits for a place, is on its way back, or is over."""
    current = S(state)
    if paused and current in IN_WORKSHOP:
        return Lane.CUSTOMER
    return next((lane for lane, states in STATES_OF_LANES.items() if current in states), None)
