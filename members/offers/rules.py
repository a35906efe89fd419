"""State of a Welcome Pack from its reported steps, and card numbers."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from members.offers.enums import PackState, PackStep
from members.rules import luhn_digit

CARD_PREFIX = "88"
CARD_DIGITS = 12
MISSING_AFTER = timedelta(weeks=4)  # R40
MAX_CALENDAR_DIFFERENCE = timedelta(days=1)  # a report with a day only may mean any hour of it, in any time zone

# Rank and state of each step. The state is that of the highest rank, so late or unordered reports never set it back.
STEP_ORDER = {
    PackStep.ASKED: (0, PackState.REQUESTED),
    PackStep.SENT_AGAIN: (0, PackState.REQUESTED),
    PackStep.ACCEPTED: (1, PackState.ACCEPTED),
    PackStep.PACKED: (2, PackState.PACKED),
    PackStep.CANCELLED: (3, PackState.CANCELLED),
    PackStep.DISPATCHED: (4, PackState.DISPATCHED),  # ranks above a cancellation, which came too late then
    PackStep.RETURNED: (5, PackState.RETURNED),
    PackStep.RECEIVED: (5, PackState.RECEIVED),
}
CANCELLABLE_STATES = frozenset({PackState.REQUESTED, PackState.ACCEPTED, PackState.PACKED})
RESENDABLE_STATES = frozenset({PackState.RETURNED, PackState.CANCELLED, PackState.DISPATCHED})
UNPACKED_STATES = frozenset({PackState.REQUESTED, PackState.ACCEPTED})
UNDELIVERED_STATES = frozenset({PackState.REQUESTED, PackState.ACCEPTED, PackState.PACKED, PackState.DISPATCHED})


@dataclass(frozen=True)
class PackStepRecord:
    """A reported step. `sending` counts from 1; a pack that is sent again is the same pack (R37)."""

    step: PackStep
    sending: int
    at: datetime


@dataclass(frozen=True)
class PackProgress:
    """State of the current sending, and when it reached each step."""

    state: PackState
    sending: int
    times: dict[PackStep, datetime] = field(default_factory=dict)


def pack_progress(records: Iterable[PackStepRecord]) -> PackProgress:
    """Derive where a pack is from everything that was reported, in whatever order.

    Only the latest sending counts. Between a return and the member's confirmation, the later one wins.
    Raises ValueError if there are no records.
    """
    records = list(records)
    sending = max(record.sending for record in records)
    times: dict[PackStep, datetime] = {}
    for record in records:
        if record.sending == sending:
            times[record.step] = min(record.at, times.get(record.step, record.at))
    furthest = max((step for step in times if step in STEP_ORDER), key=lambda step: (STEP_ORDER[step][0], times[step]))
    return PackProgress(STEP_ORDER[furthest][1], sending, times)


def card_number(serial: int) -> str:
    """The twelve-digit number of a card: prefix, serial, check digit (R37)."""
    width = CARD_DIGITS - len(CARD_PREFIX) - 1
    if not 0 <= serial < 10**width:
        raise ValueError(f"serial {serial} does not fit into a card number")
    body = f"{CARD_PREFIX}{serial:0{width}d}"
    return body + luhn_digit(body)
