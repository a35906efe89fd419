"""The one step that the desk proposes for a job (R52, R54, R62). A proposal decides nothing: all other steps stay."""

from dataclasses import dataclass
from enum import StrEnum

from servicing.enums import BEFORE_INTAKE, IN_WORKSHOP, Charge, TicketState, Warranty
from servicing.rules.charge import SETTLED

S = TicketState


class Step(StrEnum):
    """The proposed steps. Their values are the names of the buttons on the page of a job."""

    BOOK_IN = "book_in"
    ASSESS = "assess"
    DECIDE_WARRANTY = "decide_warranty"
    SEND_ESTIMATE = "send_estimate"
    ANSWER_ESTIMATE = "answer_estimate"
    ANSWER_QUESTION = "answer_question"
    ORDER_PART = "order_part"
    PART_ARRIVED = "part_arrived"
    ARRIVE_AND_START = "arrive_and_start"  # the last part is there, so the work can go on
    START_REPAIR = "start_repair"
    READY = "ready"
    SHIP = "ship"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class JobFacts:
    """What the proposal depends on. `asks`: a question of the centre is open. `parts_missing`: ordered, not arrived.

    `needs_part`: the customer agreed to pay for a part, or it is known otherwise, and none was ordered.
    `returns`: the product is sent back; otherwise the customer collects it.
    """

    state: str
    charge: str = Charge.OPEN
    warranty: str = Warranty.CHARGEABLE
    asks: bool = False
    parts_missing: int = 0
    needs_part: bool = False
    returns: bool = True


def next_step(job: JobFacts) -> Step | None:
    """The usual next step; None if there is nothing to do: it waits for a place, or is over."""
    state = S(job.state)
    if state in BEFORE_INTAKE:
        return None if state == S.WAITING else Step.BOOK_IN
    if state in IN_WORKSHOP and job.asks and state != S.ESTIMATE_SENT:
        return Step.ANSWER_QUESTION
    fixed = {
        S.BOOKED_IN: Step.ASSESS,
        S.ESTIMATE_SENT: Step.ANSWER_ESTIMATE,
        S.DECLINED: Step.READY,
        S.READY: Step.SHIP if job.returns else Step.CLOSE,
        S.SHIPPED: Step.CLOSE,
        S.CLOSED: None,
        S.CANCELLED: None,
    }
    return fixed[state] if state in fixed else _step_of_work(state, job)


def _step_of_work(state: TicketState, job: JobFacts) -> Step:
    """While it is assessed, approved, waits for parts or is being repaired."""
    if job.charge not in SETTLED:
        return Step.DECIDE_WARRANTY if job.warranty == Warranty.ASKED else Step.SEND_ESTIMATE
    if job.parts_missing:
        is_last = job.parts_missing == 1 and state != S.IN_REPAIR
        return Step.ARRIVE_AND_START if is_last else Step.PART_ARRIVED
    if state == S.IN_REPAIR:
        return Step.READY
    return Step.ORDER_PART if job.needs_part and state != S.WAITING_PARTS else Step.START_REPAIR
