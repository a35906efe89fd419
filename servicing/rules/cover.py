"""How long a finished job is covered: the same fault again costs nothing (R63)."""

from datetime import date, timedelta

from servicing.enums import Charge, TicketState
from servicing.rules.charge import SETTLED

FINISHED = (TicketState.SHIPPED, TicketState.CLOSED)  # the customer has it, or soon will


def covered_until(state: str, charge: str, ended_on: date | None, covered_for: timedelta) -> date | None:
    """The last day on which the same fault can be reported; None if the job is not finished or nothing was repaired.

    `ended_on` is the day on which the job was closed; while the product is on its way back, the day it was ready.
    """
    if state not in FINISHED or Charge(charge) not in SETTLED or ended_on is None:
        return None
    return ended_on + covered_for
