"""Where a Welcome Pack is, from all that was reported of it; and the number on a card. No framework."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from members.offers.enums import PackState, PackStep
from members.rules import luhn_digit

CARD_PREFIX = "88"
CARD_DIGITS = 12
MISSING_AFTER = timedelta(weeks=4)  # R40
MAX_CALENDAR_DIFFERENCE = timedelta(days=1)  # who reports a day without its hour means any hour of it, anywhere

# How far each step brings a pack. What was reported late or out of order never takes it back.
STEP_ORDER = {
    PackStep.ASKED: (0, PackState.REQUESTED),
    PackStep.SENT_AGAIN: (0, PackState.REQUESTED),
    PackStep.ACCEPTED: (1, PackState.ACCEPTED),
    PackStep.PACKED: (2, PackState.PACKED),
    PackStep.CANCELLED: (3, PackState.CANCELLED),
    PackStep.DISPATCHED: (4, PackState.DISPATCHED),  # too late to cancel: it has left
    PackStep.RETURNED: (5, PackState.RETURNED),
    PackStep.RECEIVED: (5, PackState.RECEIVED),
}
CANCELLABLE_STATES = frozenset({PackState.REQUESTED, PackState.ACCEPTED, PackState.PACKED})
RESENDABLE_STATES = frozenset({PackState.RETURNED, PackState.CANCELLED, PackState.DISPATCHED})
UNDELIVERED_STATES = frozenset({PackState.REQUESTED, PackState.ACCEPTED, PackState.PACKED, PackState.DISPATCHED})


@dataclass(frozen=True)
class PackStepRecord:
    """One entry of a pack's story. `sending` counts from 1; a pack that is sent again is the same pack (R37)."""

    step: PackStep
    sending: int
    at: datetime


@dataclass(frozen=True)
class PackProgress:
    """Where the present sending is, and when it got to each step."""

    state: PackState
    sending: int
    times: dict[PackStep, datetime] = field(default_factory=dict)


def pack_progress(story: Iterable[PackStepRecord]) -> PackProgress:
    """Where a pack is by everything that was reported, in whatever order it came.

    Only the latest sending counts. Of a return and the member's word that it is there, the later one holds.
    Raises ValueError for an empty story.
    """
    everything = list(story)
    sending = max(one.sending for one in everything)
    times: dict[PackStep, datetime] = {}
    for one in everything:
        if one.sending == sending:
            times[one.step] = min(one.at, times.get(one.step, one.at))
    furthest = max((step for step in times if step in STEP_ORDER), key=lambda step: (STEP_ORDER[step][0], times[step]))
    return PackProgress(STEP_ORDER[furthest][1], sending, times)


def card_number(serial: int) -> str:
    """The twelve-digit number of the serial-th card: prefix, serial, check digit (R37)."""
    room = CARD_DIGITS - len(CARD_PREFIX) - 1
    if not 0 <= serial < 10**room:
        raise ValueError(f"no card number has room for {serial}")
    body = f"{CARD_PREFIX}{serial:0{room}d}"
    return body + luhn_digit(body)
