"""The clock of a ticket, computed from all of its events every time (R44, R47, R48, R50), and its summary for pages."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from cps_portal.core.lib.clock import ZERO, Calendar, add_working_days, add_working_time, working_time_between
from servicing.enums import EventKind, PauseReason, TicketState
from servicing.rules.timeline import Event, Step, replay

STOPS = (EventKind.READY, EventKind.CANCELLED)
HOUR = timedelta(hours=1)

# Geometry of the ring in templates/servicing/_clock.html.
RING_LENGTH = 300
SEGMENT_GAP = 3
CENTRE, RADIUS = 60, 46
MAX_SEGMENTS = 20


@dataclass(frozen=True, slots=True)
class Pause:
    """A time during which the clock was paused; `until` is None while it still is."""

    since: datetime
    until: datetime | None
    reason: PauseReason


@dataclass(frozen=True, slots=True)
class Clock:
    """State and times of a ticket at one moment. While it is paused, `due_at` moves along with `now`."""

    state: TicketState | None
    steps: tuple[Step, ...]
    target_days: int
    started_at: datetime | None = None
    counts_since: datetime | None = None  # when the target begins: booking in, or the change to Fast Track (R50)
    counts_from: datetime | None = None  # the first working time since then: later if it was booked in while closed
    stopped_at: datetime | None = None
    due_at: datetime | None = None
    paused_since: datetime | None = None
    pauses: tuple[Pause, ...] = ()
    elapsed: timedelta = ZERO  # working time since booking in, without the pauses
    left: timedelta = ZERO  # working time until it is due; zero once it is
    elapsed_days: int = 0  # of the target's days; for people, by dates
    left_days: int = 0  # working days after today up to the day on which it is due, never more than the target
    late_days: int = 0  # working days after that day; 0 if it was missed today
    missed: bool = False
    will_be_missed: bool = False
    part_expected: date | None = None  # the last of the parts that have not arrived

    @property
    def is_running(self) -> bool:
        return self.started_at is not None and self.stopped_at is None and self.paused_since is None

    @property
    def is_before_opening(self) -> bool:
        """Whether it was booked in while the centre was closed, and no working time has passed since."""
        return self.is_running and not self.missed and self.elapsed == ZERO and self.counts_from != self.started_at

    @property
    def offers_loan(self) -> bool:
        """Whether the target is missed or will be, while a loan still helps (R48)."""
        return self.stopped_at is None and (self.missed or self.will_be_missed)

    @property
    def has_open_question(self) -> bool:
        """Whether the centre is waiting for an answer to a question, even if the clock has not started yet."""
        is_open = False
        for step in self.steps:
            if step.applied and step.event.kind == EventKind.QUESTION_ASKED:
                is_open = True
            elif step.applied and step.event.kind in (EventKind.QUESTION_ANSWERED, *STOPS):
                is_open = False
        return is_open


def compute_clock(events: Iterable[Event], calendar: Calendar | None, target_days: int, now: datetime) -> Clock:
    """The clock of a ticket at `now` (R47); `target_days` is the target if `booked_in` does not carry one.

    Due at the same local time that many working days after booking in; each pause that began before it was due
    moves that by the working time paused (R44). If the ticket becomes Fast Track later, its target counts from then,
    and never makes it due later than it was (R50). If another fault makes it a standard job, the longer target counts
    from booking in (R49, R63). Waiting for parts does not pause the clock.
    `calendar` may be None as long as nothing has been booked in. Raises ValueError if the centre never works.
    """
    steps = replay(events)
    applied = [step for step in steps if step.applied]
    state = steps[-1].state if steps else None
    intake = next((step.event for step in applied if step.event.kind == EventKind.BOOKED_IN), None)
    target_days = _target_at_intake(applied, intake, target_days)
    if intake is None:
        return Clock(state, steps, target_days)
    if calendar is None:
        raise ValueError("a clock that runs needs the calendar of its centre")
    begin = intake.occurred_at
    stop = next((step.event.occurred_at for step in applied if step.event.kind in STOPS), None)
    # A sender's clock may be ahead of ours: what it reports has happened.
    until = stop or max(now.astimezone(UTC), *(step.event.occurred_at for step in applied))
    pauses = _pauses(applied, begin, stop)
    paused = _merged(pauses, until)
    counts_since, due = begin, _due(begin, target_days, paused, calendar)
    fast_track = _fast_track_later(applied, intake)
    if fast_track and fast_track.target_days is not None:
        target_days = fast_track.target_days
        later = _due(fast_track.occurred_at, target_days, paused, calendar)
        counts_since, due = (fast_track.occurred_at, later) if later < due else (counts_since, due)
    worked = working_time_between(begin, until, calendar)
    lost = sum((working_time_between(since, to, calendar) for since, to in paused), ZERO)
    today, due_day = (moment.astimezone(calendar.zone).date() for moment in (until, due))
    # Booked in on a day off, it has more working days ahead than its target: the first one has not begun.
    left_days = min(_days_between(today, due_day, calendar), target_days)
    late_days = _days_between(due_day, today, calendar)
    part_expected = _last_part_expected(applied) if stop is None else None
    return Clock(
        state=state,
        steps=steps,
        target_days=target_days,
        started_at=begin,
        counts_since=counts_since,
        counts_from=add_working_time(begin, ZERO, calendar),
        stopped_at=stop,
        due_at=due,
        paused_since=paused[-1][0] if any(pause.until is None for pause in pauses) else None,
        pauses=pauses,
        elapsed=max(worked - lost, ZERO),
        left=working_time_between(until, due, calendar),
        elapsed_days=max(target_days - left_days, 0) + late_days,
        left_days=left_days,
        late_days=late_days,
        missed=until > due,
        will_be_missed=part_expected is not None and part_expected > due_day,
        part_expected=part_expected,
    )


def _target_at_intake(applied: Sequence[Step], intake: Event | None, target_days: int) -> int:
    """The target of `booked_in`; without one, that of a `became_fast_track` before it; otherwise the one given.

    If no place was free for another fault than the one that was covered: the standard one.
    """
    slower = _slower_since(applied)
    if slower and slower.target_days is not None:
        return slower.target_days
    if intake and intake.target_days is not None:
        return intake.target_days
    for step in applied:
        if step.event is intake:
            break
        if step.event.kind == EventKind.BECAME_FAST_TRACK and step.event.target_days is not None:
            target_days = step.event.target_days
    return target_days


def _slower_since(applied: Sequence[Step]) -> Event | None:
    """The event that made it a standard job at the centre: another fault, and no place was free (R49, R63)."""
    slower = (step.event for step in applied if step.event.kind == EventKind.OTHER_FAULT)
    return next((event for event in slower if event.target_days is not None), None)


def _fast_track_later(applied: Sequence[Step], intake: Event) -> Event | None:
    """The first event after booking in, or after it became a standard job, that made the ticket Fast Track (R50)."""
    events = [step.event for step in applied]
    later = events[events.index(_slower_since(applied) or intake) + 1 :]
    return next((event for event in later if event.kind == EventKind.BECAME_FAST_TRACK), None)


def _pauses(applied: Sequence[Step], begin: datetime, stop: datetime | None) -> tuple[Pause, ...]:
    """The pauses of the running clock, in order: an estimate or a question waits for its answer (R47)."""
    pauses: list[Pause] = []
    open_since: dict[PauseReason, datetime] = {}
    for step in applied:
        at, kind = step.event.occurred_at, step.event.kind
        asked = kind == EventKind.QUESTION_ASKED or PauseReason.QUESTION in open_since
        waiting = {
            PauseReason.ESTIMATE: step.state == TicketState.ESTIMATE_SENT,
            PauseReason.QUESTION: asked and kind != EventKind.QUESTION_ANSWERED and kind not in STOPS,
        }
        for reason, is_waiting in waiting.items():
            if is_waiting:
                open_since.setdefault(reason, max(at, begin))
            elif reason in open_since and (since := open_since.pop(reason)) < at:
                pauses.append(Pause(since, at, reason))
        if kind in STOPS:
            break
    pauses += [Pause(since, stop, reason) for reason, since in open_since.items()]
    return tuple(sorted(pauses, key=lambda pause: (pause.since, pause.reason)))


def _merged(pauses: Iterable[Pause], until: datetime) -> list[tuple[datetime, datetime]]:
    """The pauses as (since, until), with those that overlap merged into one, so that no time counts twice."""
    merged: list[tuple[datetime, datetime]] = []
    for pause in pauses:
        since, to = pause.since, until if pause.until is None else pause.until
        if merged and since <= merged[-1][1]:
            since, to = merged[-1][0], max(merged.pop()[1], to)
        merged.append((since, to))
    return merged


def _due(since: datetime, days: int, paused: Iterable[tuple[datetime, datetime]], calendar: Calendar) -> datetime:
    """When a target of `days` that counts from `since` is due (R44)."""
    due = add_working_days(since, days, calendar)
    for begin, end in paused:
        if begin >= due:  # already late: a later pause does not change that
            break
        lost = working_time_between(max(begin, since), end, calendar)
        # Without `if lost`, a due time outside opening hours would move to the next opening although no working time
        # was lost. Without `max`, one that falls into a pause at night would be missed while the member still has to
        # answer.
        due = max(add_working_time(due, lost, calendar) if lost else due, end)
    return due


def _last_part_expected(applied: Sequence[Step]) -> date | None:
    """The latest date on which a part that has not arrived is expected (R48)."""
    expected: dict[str, date | None] = {}
    for step in applied:
        event = step.event
        if event.kind in (EventKind.PART_ORDERED, EventKind.PART_EXPECTED):
            expected[event.part] = event.expected
        elif event.kind == EventKind.PART_ARRIVED:
            expected.pop(event.part, None)
    return max((day for day in expected.values() if day), default=None)


def _days_between(start: date, end: date, calendar: Calendar) -> int:
    """Working days after `start`, up to and including `end`."""
    return sum(calendar.is_working_day(start + timedelta(days=n)) for n in range(1, (end - start).days + 1))


# --- Summary -----------------------------------------------------------------------------------------


class SummaryKind(StrEnum):
    """What the number in the middle of the ring counts."""

    TARGET = "target"  # not started yet, or booked in while the centre is closed
    DAYS_LEFT = "days_left"
    HOURS_LEFT = "hours_left"
    DAYS_LATE = "days_late"
    LATE_TODAY = "late_today"
    TOOK = "took"
    NOTHING = "nothing"  # cancelled


@dataclass(frozen=True, slots=True)
class ClockSummary:
    """The clock as a ring with one segment per day of the target, and the number in its middle (R47).

    `tone` is on, due, late or paused. `segments` and `elapsed` are values of an SVG stroke-dasharray, `hand` is the
    position of the hand.
    """

    tone: str
    kind: SummaryKind
    number: int
    segments: str
    elapsed: str = ""
    hand: tuple[float, float] | None = None


def summarize_clock(clock: Clock, target_days: int) -> ClockSummary:
    """The summary for the moment at which the clock was computed."""
    days = clock.target_days or target_days
    segments = _segments(days)
    if clock.state == TicketState.CANCELLED:
        return ClockSummary("paused", SummaryKind.NOTHING, 0, segments)
    if clock.started_at is None or clock.is_before_opening:
        tone = "paused" if clock.started_at is None else "on"
        return ClockSummary(tone, SummaryKind.TARGET, days, segments)
    if clock.stopped_at:
        tone = "late" if clock.missed else "on"
        return ClockSummary(tone, SummaryKind.TOOK, max(clock.elapsed_days, 1), segments, _elapsed(1.0, days))
    if clock.missed:
        kind = SummaryKind.DAYS_LATE if clock.late_days else SummaryKind.LATE_TODAY
        return ClockSummary("late", kind, clock.late_days, segments, _elapsed(1.0, days))
    return _summarize_running(clock, days)


def _summarize_running(clock: Clock, days: int) -> ClockSummary:
    total = clock.elapsed + clock.left
    share = clock.elapsed / total if total else 1.0
    tone = "paused" if clock.paused_since else "due" if clock.will_be_missed or not clock.left_days else "on"
    kind, number = SummaryKind.DAYS_LEFT, clock.left_days
    if not clock.left_days:
        kind, number = SummaryKind.HOURS_LEFT, math.ceil(clock.left / HOUR)
    return ClockSummary(tone, kind, number, _segments(days), _elapsed(share, days), _hand(share))


def expected_ready_on(clock: Clock, calendar: Calendar, today: date) -> date | None:
    """If the target will be missed, when the product is expected to be ready: the day after its last part (R48).

    None if that is not known, or if the part should have arrived by now.
    """
    if clock.stopped_at or not clock.will_be_missed or clock.part_expected is None or clock.part_expected < today:
        return None
    return day_after_part(clock.part_expected, calendar)


def day_after_part(day: date, calendar: Calendar) -> date:
    """The first working day after a part has arrived."""
    return next(iter(calendar.working_days(day + timedelta(days=1))))


def _segment_count(days: int) -> int:
    return min(max(days, 1), MAX_SEGMENTS)


def _segments(days: int) -> str:
    return f"{_short(RING_LENGTH / _segment_count(days) - SEGMENT_GAP)} {SEGMENT_GAP}"


def _elapsed(share: float, days: int) -> str:
    """The dashes of the elapsed share: whole segments, then a part of one, then a gap to the end of the ring."""
    segment = RING_LENGTH / _segment_count(days)
    length = min(max(share, 0.0), 1.0) * RING_LENGTH
    whole = min(int(length // segment), _segment_count(days) - 1)
    remainder = min(length - whole * segment, segment - SEGMENT_GAP)
    if remainder <= 0 and not whole:
        return ""
    full = f"{_short(segment - SEGMENT_GAP)} {SEGMENT_GAP}"
    return " ".join([*[full] * whole, f"{_short(max(remainder, 0.1))} {RING_LENGTH}"])


def _hand(share: float) -> tuple[float, float]:
    angle = 2 * math.pi * share
    return round(CENTRE + RADIUS * math.sin(angle), 1), round(CENTRE - RADIUS * math.cos(angle), 1)


def _short(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")
