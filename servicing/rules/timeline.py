"""The one clock of a ticket (R44, R47, R48, R50): worked out from all its events, never counted on from the last.

What is true is what happened, in the order in which it happened; when word of it came decides nothing. An event
that is illegal at its place stays on the timeline, not applied, and neither moves the ticket nor the clock.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from cps_portal.core.lib.clock import NOTHING, Calendar, add_working_days, add_working_time, working_time_between
from servicing.enums import EventKind, PauseReason, TicketState
from servicing.rules.moves import IMPLIED, OPENING, TRANSITIONS, after

RANK = {kind.value: rank for rank, kind in enumerate(EventKind)}
STOPS = (EventKind.READY, EventKind.CANCELLED)


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `external_id` is the sender's ("" for none), `sequence` rises with arrival.

    `target_days` comes with booked in and became Fast Track; `part` (any key) and `expected` with those of parts.
    """

    kind: str
    occurred_at: datetime
    received_at: datetime
    external_id: str = ""
    sequence: int = 0
    target_days: int | None = None
    part: str = ""
    expected: date | None = None

    def __post_init__(self) -> None:
        # Moments of one zone compare by the hands of its clock, and an hour comes twice in autumn.
        object.__setattr__(self, "occurred_at", self.occurred_at.astimezone(UTC))
        object.__setattr__(self, "received_at", self.received_at.astimezone(UTC))


@dataclass(frozen=True, slots=True)
class Step:
    """An event at its place in the replay: the state after it, and whether it counts."""

    event: Event
    state: TicketState | None
    applied: bool


@dataclass(frozen=True, slots=True)
class Pause:
    """When the clock stood and for what; `until` is None while it does."""

    since: datetime
    until: datetime | None
    reason: PauseReason


@dataclass(frozen=True, slots=True)
class Clock:
    """Where a job stands at one moment. While it is paused `due_at` moves on with `now`."""

    state: TicketState | None
    steps: tuple[Step, ...]
    target_days: int
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    due_at: datetime | None = None
    paused_since: datetime | None = None
    pauses: tuple[Pause, ...] = ()
    elapsed: timedelta = NOTHING  # working time since booking in, without the pauses
    left: timedelta = NOTHING  # working time until it is due; nothing once it is
    elapsed_days: int = 0  # of the target's days; for people, by dates
    left_days: int = 0  # working days after today up to the day on which it is due
    late_days: int = 0  # working days after that day; none yet if it was missed today
    missed: bool = False
    will_be_missed: bool = False
    part_expected: date | None = None  # the last of the parts that have not come

    @property
    def is_running(self) -> bool:
        return self.started_at is not None and self.stopped_at is None and self.paused_since is None

    @property
    def offers_loan(self) -> bool:
        """Whether the target is missed or will be, while a loan still helps (R48)."""
        return self.stopped_at is None and (self.missed or self.will_be_missed)


def in_order(events: Iterable[Event]) -> list[Event]:
    """The events as they happened, each once: of repeats (same external id) the one received first.

    Nothing happens to a ticket before it is opened, whatever the sender's clock says.
    """
    once: dict[str | int, Event] = {}
    for number, event in enumerate(sorted(events, key=_arrival)):
        once.setdefault(event.external_id or number, event)
    return sorted(once.values(), key=lambda event: (event.kind not in OPENING, event.occurred_at, RANK[event.kind]))


def replay(events: Iterable[Event]) -> tuple[Step, ...]:
    """Every event in order of occurrence, with the state after it and whether it applied (R52)."""
    state: TicketState | None = None
    steps = []
    for event in in_order(events):
        move = (state, EventKind(event.kind))
        to = TRANSITIONS.get(move) or IMPLIED.get(move)
        state = to or state
        steps.append(Step(event, state, to is not None))
    return tuple(steps)


def may_record(events: Iterable[Event], event: Event) -> bool:
    """Whether an action may write this event: word that comes late always, live only what is legal now (R52)."""
    state, moved_at = None, None
    for step in replay(events):
        if step.state != state:
            state, moved_at = step.state, step.event.occurred_at
    late = moved_at is not None and event.occurred_at < moved_at
    return late or after(state, event.kind) is not None


def timeline(events: Iterable[Event], calendar: Calendar, target_days: int, now: datetime) -> Clock:
    """The clock of a ticket at `now` (R47); `target_days` is the target if booked in does not bring one.

    Due at the same local time that many working days after booking in; each pause that began before it was due
    shifts that by the working time paused (R44). Fast Track from later on counts from then, and never makes a job
    due later than it was (R50). Waiting for parts does not pause. Raises ValueError if the centre never works.
    """
    steps = replay(events)
    applied = [step for step in steps if step.applied]
    state = steps[-1].state if steps else None
    intake = next((step.event for step in applied if step.event.kind == EventKind.BOOKED_IN), None)
    target_days = _target_at_intake(applied, intake, target_days)
    if intake is None:
        return Clock(state, steps, target_days)
    begin = intake.occurred_at
    stop = next((step.event.occurred_at for step in applied if step.event.kind in STOPS), None)
    # A sender's clock may be ahead of ours: what it tells has happened.
    until = stop or max(now.astimezone(UTC), *(step.event.occurred_at for step in applied))
    pauses = _pauses(applied, begin, stop)
    stood = _stretches(pauses, until)
    due = _due(begin, target_days, stood, calendar)
    faster = _fast_track_later(applied, intake)
    if faster and faster.target_days is not None:
        target_days = faster.target_days
        due = min(due, _due(faster.occurred_at, target_days, stood, calendar))
    worked = working_time_between(begin, until, calendar)
    lost = sum((working_time_between(since, to, calendar) for since, to in stood), NOTHING)
    today, due_day = (moment.astimezone(calendar.zone).date() for moment in (until, due))
    left_days, late_days = _days_between(today, due_day, calendar), _days_between(due_day, today, calendar)
    coming = _parts_coming(applied) if stop is None else None
    return Clock(
        state=state,
        steps=steps,
        target_days=target_days,
        started_at=begin,
        stopped_at=stop,
        due_at=due,
        paused_since=stood[-1][0] if any(pause.until is None for pause in pauses) else None,
        pauses=pauses,
        elapsed=max(worked - lost, NOTHING),
        left=working_time_between(until, due, calendar),
        elapsed_days=max(target_days - left_days, 0) + late_days,
        left_days=left_days,
        late_days=late_days,
        missed=until > due,
        will_be_missed=coming is not None and coming > due_day,
        part_expected=coming,
    )


def _arrival(event: Event) -> tuple[datetime, int, str, str, datetime]:
    return event.received_at, event.sequence, event.external_id, event.kind, event.occurred_at


def _target_at_intake(applied: Sequence[Step], intake: Event | None, target_days: int) -> int:
    """What booked in brings, or else a Fast Track that came before it, or else the target given."""
    if intake and intake.target_days is not None:
        return intake.target_days
    for step in applied:
        if step.event is intake:
            break
        if step.event.kind == EventKind.BECAME_FAST_TRACK and step.event.target_days is not None:
            target_days = step.event.target_days
    return target_days


def _fast_track_later(applied: Sequence[Step], intake: Event) -> Event | None:
    """The first that made it Fast Track in the workshop (R50)."""
    events = [step.event for step in applied]
    later = events[events.index(intake) + 1 :]
    return next((event for event in later if event.kind == EventKind.BECAME_FAST_TRACK), None)


def _pauses(applied: Sequence[Step], begin: datetime, stop: datetime | None) -> tuple[Pause, ...]:
    """The pauses of the running clock, by when they began: an estimate or a question without its answer (R47)."""
    found: list[Pause] = []
    open_since: dict[PauseReason, datetime] = {}
    for step in applied:
        at, kind = step.event.occurred_at, step.event.kind
        asked = kind == EventKind.QUESTION_ASKED or PauseReason.QUESTION in open_since
        owed = {
            PauseReason.ESTIMATE: step.state == TicketState.ESTIMATE_SENT,
            PauseReason.QUESTION: asked and kind != EventKind.QUESTION_ANSWERED and kind not in STOPS,
        }
        for reason, is_owed in owed.items():
            if is_owed:
                open_since.setdefault(reason, max(at, begin))
            elif reason in open_since and (since := open_since.pop(reason)) < at:
                found.append(Pause(since, at, reason))
        if kind in STOPS:
            break
    found += [Pause(since, stop, reason) for reason, since in open_since.items()]
    return tuple(sorted(found, key=lambda pause: (pause.since, pause.reason)))


def _stretches(pauses: Iterable[Pause], until: datetime) -> list[tuple[datetime, datetime]]:
    """When the clock stood, for one reason or more: pauses that overlap count once."""
    stood: list[tuple[datetime, datetime]] = []
    for pause in pauses:
        since, to = pause.since, until if pause.until is None else pause.until
        if stood and since <= stood[-1][1]:
            since, to = stood[-1][0], max(stood.pop()[1], to)
        stood.append((since, to))
    return stood


def _due(since: datetime, days: int, stood: Iterable[tuple[datetime, datetime]], calendar: Calendar) -> datetime:
    """When a target that counts from `since` is due (R44). What is late already is not made right by a pause."""
    due = add_working_days(since, days, calendar)
    for begin, end in stood:
        if begin >= due:
            break
        lost = working_time_between(max(begin, since), end, calendar)
        # Without the test a due time out of hours would move to the next opening though nothing was lost; without
        # the max one that falls into a pause at night would be missed while the member still owes the answer.
        due = max(add_working_time(due, lost, calendar) if lost else due, end)
    return due


def _parts_coming(applied: Sequence[Step]) -> date | None:
    """The day of the last part that is known to come (R48)."""
    coming: dict[str, date | None] = {}
    for step in applied:
        event = step.event
        if event.kind in (EventKind.PART_ORDERED, EventKind.PART_EXPECTED):
            coming[event.part] = event.expected
        elif event.kind == EventKind.PART_ARRIVED:
            coming.pop(event.part, None)
    return max((day for day in coming.values() if day), default=None)


def _days_between(start: date, end: date, calendar: Calendar) -> int:
    """Working days after `start` up to and with `end`."""
    return sum(calendar.is_working_day(start + timedelta(days=n)) for n in range(1, (end - start).days + 1))
