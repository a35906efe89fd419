"""The proposed step of a job: by state, who pays, parts, and open questions (R52, R54, R62)."""

from itertools import product
from typing import Any

from servicing.enums import IN_WORKSHOP, Charge, EventKind, TicketState, Warranty
from servicing.rules import next_moves
from servicing.rules.next_step import JobFacts, Step, next_step
from tests.rows import each_row

S, C = TicketState, Charge
E = EventKind
ROWS: list[tuple[dict[str, Any], Step | None]] = [
    ({"state": S.WAITING}, None),
    ({"state": S.REQUESTED}, Step.BOOK_IN),
    ({"state": S.ACCEPTED, "asks": True}, Step.BOOK_IN),
    ({"state": S.IN_TRANSIT}, Step.BOOK_IN),
    ({"state": S.BOOKED_IN}, Step.ASSESS),
    ({"state": S.BOOKED_IN, "warranty": Warranty.ASKED}, Step.ASSESS),
    ({"state": S.BOOKED_IN, "asks": True}, Step.ANSWER_QUESTION),
    ({"state": S.ASSESSED}, Step.SEND_ESTIMATE),
    ({"state": S.ASSESSED, "warranty": Warranty.ASKED}, Step.DECIDE_WARRANTY),
    ({"state": S.ASSESSED, "warranty": Warranty.REFUSED}, Step.SEND_ESTIMATE),
    ({"state": S.ASSESSED, "warranty": Warranty.IN_WARRANTY, "charge": C.WARRANTY}, Step.START_REPAIR),
    ({"state": S.ASSESSED, "charge": C.NO_CHARGE}, Step.START_REPAIR),
    ({"state": S.ASSESSED, "charge": C.NO_CHARGE, "needs_part": True}, Step.ORDER_PART),
    ({"state": S.ASSESSED, "charge": C.DECLINED}, Step.SEND_ESTIMATE),
    ({"state": S.ASSESSED, "asks": True}, Step.ANSWER_QUESTION),
    ({"state": S.ESTIMATE_SENT}, Step.ANSWER_ESTIMATE),
    ({"state": S.ESTIMATE_SENT, "asks": True}, Step.ANSWER_ESTIMATE),
    ({"state": S.APPROVED, "charge": C.APPROVED}, Step.START_REPAIR),
    ({"state": S.APPROVED, "charge": C.APPROVED, "needs_part": True}, Step.ORDER_PART),
    ({"state": S.APPROVED, "charge": C.OPEN}, Step.SEND_ESTIMATE),
    ({"state": S.DECLINED, "charge": C.DECLINED}, Step.READY),
    ({"state": S.DECLINED, "charge": C.DECLINED, "asks": True}, Step.ANSWER_QUESTION),
    ({"state": S.WAITING_PARTS, "charge": C.APPROVED, "parts_missing": 1}, Step.ARRIVE_AND_START),
    ({"state": S.WAITING_PARTS, "charge": C.APPROVED, "parts_missing": 2}, Step.PART_ARRIVED),
    ({"state": S.WAITING_PARTS, "charge": C.WARRANTY, "parts_missing": 0}, Step.START_REPAIR),
    ({"state": S.WAITING_PARTS, "charge": C.WARRANTY, "needs_part": True}, Step.START_REPAIR),
    ({"state": S.IN_REPAIR, "charge": C.APPROVED}, Step.READY),
    ({"state": S.IN_REPAIR, "charge": C.APPROVED, "parts_missing": 1}, Step.PART_ARRIVED),
    ({"state": S.READY}, Step.SHIP),
    ({"state": S.READY, "returns": False}, Step.CLOSE),
    ({"state": S.READY, "asks": True}, Step.SHIP),
    ({"state": S.SHIPPED}, Step.CLOSE),
    ({"state": S.CLOSED}, None),
    ({"state": S.CANCELLED}, None),
]
KINDS = {
    Step.BOOK_IN: E.BOOKED_IN,
    Step.ASSESS: E.ASSESSED,
    Step.DECIDE_WARRANTY: E.WARRANTY_DECIDED,
    Step.SEND_ESTIMATE: E.ESTIMATE_SENT,
    Step.ANSWER_ESTIMATE: E.ESTIMATE_APPROVED,
    Step.ANSWER_QUESTION: E.QUESTION_ANSWERED,
    Step.ORDER_PART: E.PART_ORDERED,
    Step.PART_ARRIVED: E.PART_ARRIVED,
    Step.ARRIVE_AND_START: E.REPAIR_STARTED,
    Step.START_REPAIR: E.REPAIR_STARTED,
    Step.READY: E.READY,
    Step.SHIP: E.SHIPPED,
    Step.CLOSE: E.CLOSED,
}


@each_row(["facts", "step"], ROWS)
def test_one_step_is_proposed_for_a_job(facts: dict[str, Any], step: Step | None) -> None:
    assert next_step(JobFacts(**facts)) == step


def test_only_steps_that_can_be_recorded_now_are_proposed() -> None:
    """Over every state, charge, warranty, open question and number of missing parts."""
    moves = {(state, charge): next_moves(state, charge) for state in S for charge in C}
    impossible = []
    for state, charge, warranty, asks, missing, needs_part, returns in product(
        S, C, Warranty, (False, True), range(3), (False, True), (False, True)
    ):
        job = JobFacts(state, charge, warranty, asks, missing, needs_part, returns)
        step = next_step(job)
        if step and KINDS[step] not in moves[state, charge]:
            impossible.append((job, step))
        if state in IN_WORKSHOP and step is None:
            impossible.append((job, step))
    assert impossible == []
