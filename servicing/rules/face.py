"""The face of a ticket's clock: one piece of the ring a day of the target, and the number in the middle (R47)."""

import math
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from cps_portal.core.lib.clock import Calendar
from servicing.enums import TicketState
from servicing.rules.timeline import Clock

ROUND = 300  # the ring's length, as its drawing says
GAP = 3
CENTRE, RADIUS = 60, 46
MAX_SEGMENTS = 20
HOUR = timedelta(hours=1)


class Says(StrEnum):
    """What the number in the middle counts."""

    TARGET = "target"  # it has not begun
    DAYS_LEFT = "days_left"
    HOURS_LEFT = "hours_left"
    DAYS_LATE = "days_late"
    LATE_TODAY = "late_today"
    TOOK = "took"
    NOTHING = "nothing"  # cancelled


@dataclass(frozen=True, slots=True)
class Face:
    """`tone`: on, due, late, paused; the rest are the numbers of an SVG drawing."""

    tone: str
    says: Says
    number: int
    track: str
    run: str = ""
    hand: tuple[float, float] | None = None


def face_of(clock: Clock, target_days: int) -> Face:
    """What the ring shows at the moment for which the clock was read."""
    days = clock.target_days or target_days
    track = _track(days)
    if clock.state == TicketState.CANCELLED:
        return Face("paused", Says.NOTHING, 0, track)
    if clock.started_at is None:
        return Face("paused", Says.TARGET, days, track)
    if clock.stopped_at:
        return Face("late" if clock.missed else "on", Says.TOOK, max(clock.elapsed_days, 1), track, _run(1.0, days))
    if clock.missed:
        says = Says.DAYS_LATE if clock.late_days else Says.LATE_TODAY
        return Face("late", says, clock.late_days, track, _run(1.0, days))
    return _running(clock, days)


def _running(clock: Clock, days: int) -> Face:
    whole = clock.elapsed + clock.left
    part = clock.elapsed / whole if whole else 1.0
    tone = "paused" if clock.paused_since else "due" if clock.will_be_missed or not clock.left_days else "on"
    says, number = Says.DAYS_LEFT, clock.left_days
    if not clock.left_days:
        says, number = Says.HOURS_LEFT, math.ceil(clock.left / HOUR)
    return Face(tone, says, number, _track(days), _run(part, days), _hand(part))


def new_date(clock: Clock, calendar: Calendar, today: date) -> date | None:
    """When it is ready though the target does not hold: the working day after its last part came (R48).

    None while nothing is known that would say so, also when the part should have come by now.
    """
    if clock.stopped_at or not clock.will_be_missed or clock.part_expected is None or clock.part_expected < today:
        return None
    return after_part(clock.part_expected, calendar)


def after_part(day: date, calendar: Calendar) -> date:
    """The working day after a part has come."""
    return next(iter(calendar.working_days(day + timedelta(days=1))))


def _pieces(days: int) -> int:
    return min(max(days, 1), MAX_SEGMENTS)


def _track(days: int) -> str:
    return f"{_short(ROUND / _pieces(days) - GAP)} {GAP}"


def _run(part: float, days: int) -> str:
    """The dashes of the part that is over: whole pieces, then a piece of one, then nothing."""
    piece = ROUND / _pieces(days)
    used = min(max(part, 0.0), 1.0) * ROUND
    whole = min(int(used // piece), _pieces(days) - 1)
    rest = min(used - whole * piece, piece - GAP)
    if rest <= 0 and not whole:
        return ""
    return " ".join([*[f"{_short(piece - GAP)} {GAP}"] * whole, f"{_short(max(rest, 0.1))} {ROUND}"])


def _hand(part: float) -> tuple[float, float]:
    turn = 2 * math.pi * part
    return round(CENTRE + RADIUS * math.sin(turn), 1), round(CENTRE - RADIUS * math.cos(turn), 1)


def _short(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")
