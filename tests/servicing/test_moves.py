"""The transitions of a ticket: every pair of states (R52)."""

import re
from itertools import product
from pathlib import Path

from servicing.enums import BEFORE_INTAKE, IN_WORKSHOP, OPEN_TICKETS, OVER, Charge, EventKind, TicketState
from servicing.rules import TRANSITIONS, holds_a_place, is_over, next_moves, next_state
from servicing.rules.moves import FACTS, MOVES, OPENING
from tests.rows import each_row

S = TicketState
EXPECTED = {
    S.WAITING: {S.REQUESTED, S.CANCELLED},
    S.REQUESTED: {S.ACCEPTED, S.IN_TRANSIT, S.BOOKED_IN, S.CANCELLED},
    S.ACCEPTED: {S.IN_TRANSIT, S.BOOKED_IN, S.CANCELLED},
    S.IN_TRANSIT: {S.BOOKED_IN, S.CANCELLED},
    S.BOOKED_IN: {S.ASSESSED, S.CANCELLED},
    S.ASSESSED: {S.ESTIMATE_SENT, S.WAITING_PARTS, S.IN_REPAIR, S.READY},
    S.ESTIMATE_SENT: {S.ASSESSED, S.APPROVED, S.DECLINED},
    S.APPROVED: {S.ESTIMATE_SENT, S.WAITING_PARTS, S.IN_REPAIR},
    S.DECLINED: {S.ESTIMATE_SENT, S.READY},
    S.WAITING_PARTS: {S.ASSESSED, S.ESTIMATE_SENT, S.IN_REPAIR, S.READY},
    S.IN_REPAIR: {S.ASSESSED, S.ESTIMATE_SENT, S.WAITING_PARTS, S.READY},
    S.READY: {S.SHIPPED, S.CLOSED},
    S.SHIPPED: {S.CLOSED},
    S.CLOSED: set(),
    S.CANCELLED: set(),
}


@each_row(("start", "end"), list(product(S, S)), ids=lambda state: str(state.value))
def test_only_the_expected_transitions_exist(start: TicketState, end: TicketState) -> None:
    kinds = [kind for kind in EventKind if next_state(start, kind, Charge.NO_CHARGE) == end]
    if start != end:
        assert bool(kinds) is (end in EXPECTED[start])
    else:  # staying is for facts, a better estimate and one more part
        assert {*kinds} - {*FACTS} <= {EventKind.ESTIMATE_SENT, EventKind.PART_ORDERED}
    assert all(next_moves(start, Charge.NO_CHARGE, follows=True)[kind] == end for kind in kinds)


def test_a_ticket_begins_requested_or_waiting() -> None:
    assert dict(next_moves(None)) == {EventKind.REQUESTED: S.REQUESTED, EventKind.PLACE_AWAITED: S.WAITING}
    assert {kind for kind in EventKind if next_state(None, kind)} == {*OPENING}


def test_every_state_can_be_reached_and_every_event_is_possible_somewhere() -> None:
    reached, todo = set(), [None]
    while todo:
        new = {*MOVES[todo.pop()].values()} - reached
        reached |= new
        todo.extend(new)
    assert reached == {*S}
    assert {kind for _state, kind in TRANSITIONS} == {*EventKind}


def test_a_final_state_can_be_reached_from_everywhere_and_is_never_left() -> None:
    assert {state for state in S if is_over(state)} == {*OVER}
    ends = {*OVER}
    for _step in S:
        ends |= {state for state in S if ends & {*MOVES[state].values()}}
    assert ends == {*S}


def test_a_product_that_was_assessed_cannot_be_cancelled() -> None:
    """It is sent back as a job that is ready to ship, unrepaired."""
    assert {state for state in S if next_state(state, EventKind.CANCELLED)} == {*BEFORE_INTAKE, S.BOOKED_IN}


def test_after_a_declined_estimate_the_product_is_sent_back_unrepaired() -> None:
    assert next_state(S.DECLINED, EventKind.REPAIR_STARTED) is None
    assert next_state(S.DECLINED, EventKind.READY) == S.READY


def test_a_place_is_taken_from_the_request_until_ready_to_ship() -> None:
    assert {state for state in S if holds_a_place(state)} == {*OPEN_TICKETS} - {S.WAITING}
    assert {*IN_WORKSHOP} < {*OPEN_TICKETS}


def test_events_that_change_the_state_are_listed_first() -> None:
    kinds = list(next_moves(S.IN_REPAIR, Charge.APPROVED))
    assert {*kinds[:3]} == {EventKind.ESTIMATE_SENT, EventKind.PART_ORDERED, EventKind.READY}
    assert EventKind.QUESTION_ASKED in kinds[3:]


def test_the_state_diagram_in_the_documents_is_right() -> None:
    drawn = (Path(__file__).parents[2] / "docs/servicing.md").read_text()
    arrows = {tuple(found) for found in re.findall(r"^  (\w+) --> (\w+):", drawn, re.MULTILINE)}
    assert arrows == {(start.value, end.value) for start, ends in EXPECTED.items() for end in ends}
