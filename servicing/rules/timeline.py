"""The events of a ticket in order of occurrence, and the state after each (R52).

What counts is when an event happened; when it was reported does not matter. An event that is illegal at its
place stays on the timeline, marked as not applied, and changes neither the state nor the clock.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from servicing.enums import Charge, EventKind, TicketState
from servicing.rules.charge import charge_after, is_allowed
from servicing.rules.moves import IMPLIED, OPENING, TRANSITIONS, next_state

RANK = {kind.value: rank for rank, kind in enumerate(EventKind)}


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `external_id` is the sender's ("" for none); `sequence` grows in order of arrival.

    `target_days` is set by `booked_in`, `became_fast_track` and, if no place was free, `other_fault`; `part` (any key)
    and `expected` by the events of parts, `warranty` by `warranty_decided`, `why` (a `WhyNoCharge`) by `no_charge`.
    """

    kind: str
    occurred_at: datetime
    received_at: datetime
    external_id: str = ""
    sequence: int = 0
    target_days: int | None = None
    part: str = ""
    expected: date | None = None
    warranty: str = ""
    why: str = ""

    def __post_init__(self) -> None:
        # Python compares two times of the same zone by their wall-clock values, and in autumn one hour comes twice.
        object.__setattr__(self, "occurred_at", self.occurred_at.astimezone(UTC))
        object.__setattr__(self, "received_at", self.received_at.astimezone(UTC))


@dataclass(frozen=True, slots=True)
class Step:
    """An event at its place in the replay, with the state after it; `applied` is False if it was illegal there."""

    event: Event
    state: TicketState | None
    applied: bool
    charge: Charge = Charge.OPEN


def order_events(events: Iterable[Event]) -> list[Event]:
    """The events in order of occurrence, each once: of repeats (same external id) the one received first."""
    once: dict[str | int, Event] = {}
    for number, event in enumerate(sorted(events, key=_arrival)):
        once.setdefault(event.external_id or number, event)
    # The request always comes first, because the sender's clock may be behind ours.
    return sorted(once.values(), key=lambda event: (event.kind not in OPENING, event.occurred_at, RANK[event.kind]))


def replay(events: Iterable[Event]) -> tuple[Step, ...]:
    """Every event in order of occurrence, with the state after it and whether it was applied (R52)."""
    state: TicketState | None = None
    charge = Charge.OPEN
    steps = []
    for event in order_events(events):
        move = (state, EventKind(event.kind))
        new_state = (TRANSITIONS.get(move) or IMPLIED.get(move)) if is_allowed(charge, event.kind) else None
        if new_state is not None:
            charge = charge_after(charge, event.kind, event.warranty)
        state = new_state or state
        steps.append(Step(event, state, new_state is not None, charge))
    return tuple(steps)


def may_record(events: Iterable[Event], event: Event) -> bool:
    """Whether this event may be recorded: if it is legal in the present state, or happened before the last move (R52).

    Late reports are always kept: refusing them would lose what really happened.
    """
    state, moved_at, charge = None, None, Charge.OPEN
    for step in replay(events):
        charge = step.charge
        if step.state != state:
            state, moved_at = step.state, step.event.occurred_at
    is_late_report = moved_at is not None and event.occurred_at < moved_at
    return is_late_report or next_state(state, event.kind, charge) is not None


def _arrival(event: Event) -> tuple[datetime, int, str, str, datetime]:
    return event.received_at, event.sequence, event.external_id, event.kind, event.occurred_at
