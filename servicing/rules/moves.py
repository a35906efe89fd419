"""Which events are possible in which state of a ticket, and the state they lead to (R52)."""

from collections.abc import Mapping

from servicing.enums import BEFORE_INTAKE, IN_WORKSHOP, Charge, EventKind, TicketState
from servicing.rules.charge import is_allowed

E, S = EventKind, TicketState

# None is a ticket that does not exist yet.
MOVES: dict[TicketState | None, dict[EventKind, TicketState]] = {
    None: {E.REQUESTED: S.REQUESTED, E.PLACE_AWAITED: S.WAITING},
    S.WAITING: {
        E.PLACE_GIVEN: S.REQUESTED,
        E.CHOSE_STANDARD: S.REQUESTED,
        E.BECAME_STANDARD: S.REQUESTED,
        E.CANCELLED: S.CANCELLED,
    },
    S.REQUESTED: {
        E.ACCEPTED: S.ACCEPTED,
        E.SENT: S.IN_TRANSIT,
        E.BOOKED_IN: S.BOOKED_IN,  # brought to the counter
        E.CANCELLED: S.CANCELLED,
    },
    S.ACCEPTED: {E.SENT: S.IN_TRANSIT, E.BOOKED_IN: S.BOOKED_IN, E.CANCELLED: S.CANCELLED},
    S.IN_TRANSIT: {E.BOOKED_IN: S.BOOKED_IN, E.CANCELLED: S.CANCELLED},
    S.BOOKED_IN: {E.ASSESSED: S.ASSESSED, E.CANCELLED: S.CANCELLED},  # handed back over the counter
    S.ASSESSED: {
        E.ESTIMATE_SENT: S.ESTIMATE_SENT,
        E.PART_ORDERED: S.WAITING_PARTS,  # in warranty: nothing to approve
        E.REPAIR_STARTED: S.IN_REPAIR,
        E.READY: S.READY,  # nothing found, or sent back unrepaired
    },
    S.ESTIMATE_SENT: {
        E.ESTIMATE_SENT: S.ESTIMATE_SENT,  # a better one
        E.ESTIMATE_WITHDRAWN: S.ASSESSED,
        E.ESTIMATE_APPROVED: S.APPROVED,
        E.ESTIMATE_DECLINED: S.DECLINED,
    },
    S.APPROVED: {E.PART_ORDERED: S.WAITING_PARTS, E.REPAIR_STARTED: S.IN_REPAIR, E.ESTIMATE_SENT: S.ESTIMATE_SENT},
    S.DECLINED: {E.READY: S.READY, E.ESTIMATE_SENT: S.ESTIMATE_SENT},
    S.WAITING_PARTS: {
        E.PART_ORDERED: S.WAITING_PARTS,
        E.REPAIR_STARTED: S.IN_REPAIR,
        E.ESTIMATE_SENT: S.ESTIMATE_SENT,
        E.READY: S.READY,  # the part is not available: sent back unrepaired
        E.OTHER_FAULT: S.ASSESSED,
    },
    S.IN_REPAIR: {
        E.PART_ORDERED: S.WAITING_PARTS,
        E.ESTIMATE_SENT: S.ESTIMATE_SENT,
        E.READY: S.READY,
        E.OTHER_FAULT: S.ASSESSED,  # work stops until it is settled who pays
    },
    S.READY: {E.SHIPPED: S.SHIPPED, E.CLOSED: S.CLOSED},  # closed: collected at the counter
    S.SHIPPED: {E.CLOSED: S.CLOSED},
    S.CLOSED: {},
    S.CANCELLED: {},
}

ON_THE_WAY = (S.REQUESTED, S.ACCEPTED, S.IN_TRANSIT)
SINCE_INTAKE = (*IN_WORKSHOP, S.READY, S.SHIPPED, S.CLOSED)

# Events that leave the state alone, and the states in which they are possible.
FACTS: dict[EventKind, tuple[TicketState, ...]] = {
    E.PLACE_GIVEN: ON_THE_WAY,  # after a lapse
    E.PLACE_LAPSED: ON_THE_WAY,
    E.BECAME_STANDARD: ON_THE_WAY,  # the member moved to a country where membership gives no Fast Track
    E.BECAME_FAST_TRACK: (*ON_THE_WAY, *IN_WORKSHOP),
    E.SHIPPING_CHANGED: (S.WAITING, *ON_THE_WAY, *IN_WORKSHOP, S.READY),
    E.WARRANTY_DECIDED: (*ON_THE_WAY, *IN_WORKSHOP),
    E.NO_CHARGE: (*ON_THE_WAY, *(state for state in IN_WORKSHOP if state != S.ESTIMATE_SENT)),  # it is withdrawn first
    E.OTHER_FAULT: (S.BOOKED_IN, S.ASSESSED),
    E.QUESTION_ASKED: (*ON_THE_WAY, *IN_WORKSHOP),
    E.QUESTION_ANSWERED: (*ON_THE_WAY, *SINCE_INTAKE),
    E.PART_EXPECTED: IN_WORKSHOP,
    E.PART_ARRIVED: IN_WORKSHOP,
    E.SERIAL_CHANGED: (*IN_WORKSHOP, S.READY),
    E.TARGET_CHANGED: IN_WORKSHOP,
    E.TARGET_MISSED: SINCE_INTAKE,
    E.LOAN_OFFERED: IN_WORKSHOP,
    E.LOAN_DECLINED: SINCE_INTAKE,
    E.LOAN_RESERVED: IN_WORKSHOP,
    E.LOAN_CANCELLED: (*SINCE_INTAKE, S.CANCELLED),
    E.LOAN_OUT: SINCE_INTAKE,
    E.LOAN_RETURNED: (*SINCE_INTAKE, S.CANCELLED),  # handed back over the counter while the loan was out
    E.SHIPMENT_CORRECTED: (*ON_THE_WAY, *SINCE_INTAKE, S.CANCELLED),
    E.DELIVERED: (S.SHIPPED, S.CLOSED),
}

TRANSITIONS: Mapping[tuple[TicketState | None, EventKind], TicketState] = {
    **{(state, kind): state for kind, states in FACTS.items() for state in states},
    **{(state, kind): to for state, moves in MOVES.items() for kind, to in moves.items()},
}

# If work went on after an estimate, it counts as answered even if the answer was never reported, or is reported late:
# otherwise a late estimate would undo everything after it. For replays only; live, the answer is recorded first.
IMPLIED: Mapping[tuple[TicketState | None, EventKind], TicketState] = {
    (S.ESTIMATE_SENT, E.PART_ORDERED): S.WAITING_PARTS,
    (S.ESTIMATE_SENT, E.REPAIR_STARTED): S.IN_REPAIR,
    (S.ESTIMATE_SENT, E.READY): S.READY,
}

OPENING = (E.REQUESTED, E.PLACE_AWAITED)


def next_state(state: str | None, kind: str, charge: str = Charge.OPEN) -> TicketState | None:
    """The state that an event leads to; None if it is not possible in this state, or not yet settled who pays."""
    if not is_allowed(Charge(charge), kind):
        return None
    return TRANSITIONS.get((None if state is None else S(state), E(kind)))


def next_moves(state: str | None, charge: str = Charge.OPEN, *, follows: bool = False) -> dict[EventKind, TicketState]:
    """The events that are possible in a state and where they lead; those that change the state come first (R52).

    `follows`: the job was opened for the same fault as an earlier one, so that the centre may say it is another (R63).
    """
    current = None if state is None else S(state)
    moves = {kind: next_state(current, kind, charge) for kind in E}
    possible = {kind: to for kind, to in moves.items() if to and (follows or kind != E.OTHER_FAULT)}
    return dict(sorted(possible.items(), key=lambda move: move[1] == current and move[0] not in MOVES[current]))


def is_over(state: str) -> bool:
    """Whether this state is final."""
    return not MOVES[S(state)]


def holds_a_place(state: str) -> bool:
    """Whether a Fast Track job in this state takes one of the places (R49)."""
    return state in (*BEFORE_INTAKE[1:], *IN_WORKSHOP)
