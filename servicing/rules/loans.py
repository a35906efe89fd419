"""When a loan is due back: it follows the job of the member’s own product (R53)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice

from cps_portal.core.lib.clock import Calendar
from servicing.enums import EventKind
from servicing.rules.timeline import Event, Step

E = EventKind
REMINDER_DAYS = 2  # before it is due back
BACK = (E.DELIVERED, E.CLOSED)  # the member has their own product


@dataclass(frozen=True, slots=True)
class LoanTerms:
    """Working days of the centre: to bring the loan back, and that a parcel usually takes to the member."""

    back_days: int
    carrier_days: int


def due_back(
    steps: Sequence[Step],
    calendar: Calendar,
    terms: LoanTerms,
    *,
    expected_on: date | None = None,
    promised: date | None = None,
) -> date | None:
    """The day on which a loan is due back; None while the repair runs, because it follows the repair.

    `terms.back_days` after the own product was delivered, or the job closed. While that is not known, after the day on
    which it is expected: `expected_on` of the shipments, else that of the event, else `terms.carrier_days` after it was
    shipped, or ready. `promised` is the day that the member has been told: it never moves to an earlier one.
    Raises ValueError if the centre never works.
    """
    own_back_on = _own_back_on(steps, calendar, terms, expected_on)
    if own_back_on is None:
        return promised
    day = add_days(own_back_on, terms.back_days, calendar)
    return day if promised is None else max(day, promised)


def is_lent(events: Iterable[Event]) -> bool:
    """Whether the job has a loan that was handed out and is not back. It does not matter in which state that was."""
    moves = [event for event in events if event.kind in (E.LOAN_OUT, E.LOAN_RETURNED)]
    return bool(moves) and max(moves, key=lambda event: event.sequence).kind == E.LOAN_OUT


def add_days(day: date, days: int, calendar: Calendar) -> date:
    """The last of so many working days after this day; the day itself for none."""
    return max(islice(calendar.working_days(day + timedelta(days=1)), days), default=day)


def _own_back_on(steps: Sequence[Step], calendar: Calendar, terms: LoanTerms, expected_on: date | None) -> date | None:
    """The day on which the member has their own product, or is expected to have it; None while it is worked on."""
    events = [step.event for step in steps if step.applied]
    if back := _first(events, *BACK):
        return _day_of(back, calendar)
    if cancelled := _first(events, E.CANCELLED):  # handed back over the counter
        return _day_of(cancelled, calendar)
    shipped, ready = _first(events, E.SHIPPED), _first(events, E.READY)
    left = shipped or ready
    if left is None:
        return None
    expected = expected_on or (shipped.expected if shipped else None)
    usual = add_days(_day_of(left, calendar), terms.carrier_days, calendar)
    return max(expected, _day_of(left, calendar)) if expected else usual


def _first(events: Iterable[Event], *kinds: EventKind) -> Event | None:
    return next((event for event in events if event.kind in kinds), None)


def _day_of(event: Event, calendar: Calendar) -> date:
    return event.occurred_at.astimezone(calendar.zone).date()
