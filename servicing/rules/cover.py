"""How long a finished repair is covered: the same fault again costs nothing (R63)."""

from collections.abc import Iterable
from datetime import date, timedelta

from servicing.enums import Charge, EventKind, TicketState, WhyNoCharge
from servicing.rules.charge import SETTLED
from servicing.rules.timeline import Step

E, S = EventKind, TicketState
FINISHED = (S.SHIPPED, S.CLOSED)  # the customer has it, or soon will


def covered_until(
    state: str, charge: str, ended_on: date | None, covered_for: timedelta, *, repaired: bool
) -> date | None:
    """The last day on which the same fault can be reported; None if the job is not finished or nothing was repaired.

    `ended_on` is the day on which the job was closed; while the product is on its way back, the day it was ready.
    `repaired`: see `was_repaired`.
    """
    if not repaired or state not in FINISHED or Charge(charge) not in SETTLED or ended_on is None:
        return None
    return ended_on + covered_for


def was_repaired(steps: Iterable[Step]) -> bool:
    """Whether something was repaired: work had begun, or all of its parts had come, when it was ready.

    Not if the centre found nothing to do, or sent the product back because a part could not be had: a fault that was
    never repaired cannot come back, and a covered job would repair it for nothing.
    """
    why, has_work, repaired = "", False, False
    parts: set[str] = set()  # ordered, and not there yet
    for step in steps:
        if not step.applied:
            continue
        kind = step.event.kind
        why = step.event.why if kind == E.NO_CHARGE else why
        parts = _parts_after(parts, step)
        has_work = (has_work or step.state == S.IN_REPAIR or kind == E.PART_ARRIVED) and kind != E.OTHER_FAULT
        if kind == E.READY:
            is_nothing_done = step.charge == Charge.NO_CHARGE and why == WhyNoCharge.NOTHING_DONE
            repaired = has_work and not parts and not is_nothing_done
    return repaired


def _parts_after(parts: set[str], step: Step) -> set[str]:
    if step.event.kind == E.PART_ORDERED:
        return parts | {step.event.part}
    if step.event.kind == E.PART_ARRIVED:
        return parts - {step.event.part}
    # Work that starts or goes on does without the parts whose arrival nobody reported.
    return set() if step.event.kind in (E.REPAIR_STARTED, E.OTHER_FAULT) else parts


def is_same_fault(steps: Iterable[Step], *, follows: bool) -> bool:
    """Whether the job is for the same fault as the one it follows, until the centre finds another one."""
    return follows and not any(step.applied and step.event.kind == E.OTHER_FAULT for step in steps)
