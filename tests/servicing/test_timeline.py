"""The clock of a ticket: tables of dates, and properties that hold for any events (R44, R47, R48, R50, R52)."""

import os
import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cps_portal.core.lib.clock import Calendar, working_time_between
from cps_portal.core.lib.opening_hours import same_hours
from servicing.enums import EventKind, PauseReason, TicketState
from servicing.rules import Clock, Event, compute_clock, may_record
from servicing.rules.clock import summarize_clock
from tests.rows import each_row

E, S = EventKind, TicketState
SUNDAY_TO_THURSDAY = same_hours({7, 1, 2, 3, 4}, time(9), time(17))
JOHANNESBURG = Calendar(zone=ZoneInfo("Africa/Johannesburg"), country="ZA")
DUBAI = Calendar(zone=ZoneInfo("Asia/Dubai"), week=SUNDAY_TO_THURSDAY, country="AE")  # rests Friday and Saturday
CAIRO = Calendar(zone=ZoneInfo("Africa/Cairo"), week=SUNDAY_TO_THURSDAY, days_off={date(2026, 3, 4): ""})
BUCHAREST = Calendar(zone=ZoneInfo("Europe/Bucharest"))
ALWAYS = Calendar(zone=ZoneInfo("Europe/Bucharest"), week=same_hours(range(1, 8), time(9), time(17)))


def make_events(
    *lines: tuple[str, EventKind] | tuple[str, EventKind, dict], calendar: Calendar = JOHANNESBURG
) -> list[Event]:
    """Events: a request on 1 January, then one per line of (local time, kind, other fields)."""
    events = [("2026-01-01T09:00", E.REQUESTED), *lines]
    told = []
    for number, (at, kind, *rest) in enumerate(events):
        moment = datetime.fromisoformat(at).replace(tzinfo=calendar.zone)
        told.append(Event(kind, moment, moment, f"e{number}", number, **(rest[0] if rest else {})))
    return told


def clock_at(events: list[Event], now: str, days: int = 3, calendar: Calendar = JOHANNESBURG) -> Clock:
    return compute_clock(events, calendar, days, datetime.fromisoformat(now).replace(tzinfo=calendar.zone))


def due(clock: Clock, calendar: Calendar = JOHANNESBURG) -> str:
    assert clock.due_at is not None and clock.due_at.tzinfo is UTC
    return clock.due_at.astimezone(calendar.zone).isoformat()[:16]


@each_row(
    ("calendar", "days", "booked", "expected"),
    [
        (JOHANNESBURG, 3, "2026-03-02T11:20", "2026-03-05T11:20"),
        (JOHANNESBURG, 3, "2026-03-05T11:20", "2026-03-10T11:20"),  # over a weekend
        (JOHANNESBURG, 2, "2026-03-07T11:20", "2026-03-11T09:00"),  # on a Saturday
        (JOHANNESBURG, 2, "2026-04-02T15:00", "2026-04-08T15:00"),  # Good Friday and Family Day
        (JOHANNESBURG, 10, "2026-03-02T11:20", "2026-03-16T11:20"),
        (JOHANNESBURG, 2, "2026-03-02T18:30", "2026-03-04T17:00"),  # after hours: at closing time (R72)
        (DUBAI, 2, "2026-03-05T10:00", "2026-03-09T10:00"),  # Thursday, then Sunday and Monday
        (DUBAI, 2, "2026-03-06T10:00", "2026-03-10T09:00"),  # on a Friday
        (DUBAI, 3, "2026-11-30T10:00", "2026-12-07T10:00"),  # National Day on 2 and 3 December
        (CAIRO, 2, "2026-03-03T10:00", "2026-03-08T10:00"),  # a closure, then Friday and Saturday
        (BUCHAREST, 2, "2026-03-27T10:00", "2026-03-31T10:00"),  # summer time begins
        (BUCHAREST, 2, "2026-10-23T10:00", "2026-10-27T10:00"),  # and ends
        (ALWAYS, 1, "2026-03-28T03:30", "2026-03-29T04:30"),  # a time that this night leaves out
    ],
)
def test_due_at_the_same_local_time_that_many_working_days_later(
    calendar: Calendar, days: int, booked: str, expected: str
) -> None:
    clock = clock_at(make_events((booked, E.BOOKED_IN), calendar=calendar), booked, days, calendar)
    assert due(clock, calendar) == expected
    assert clock.is_running and not clock.missed and clock.elapsed == timedelta(0)
    events = [step.event for step in clock.steps]
    assert clock.due_at and not compute_clock(events, calendar, days, clock.due_at).missed
    assert compute_clock(events, calendar, days, clock.due_at + timedelta(seconds=1)).missed


HOURS_STEP = int(os.environ.get("HOURS_STEP", "1"))
CALENDARS, TARGETS = [JOHANNESBURG, DUBAI, CAIRO, BUCHAREST, ALWAYS], [1, 2, 3, 5, 10]


@each_row("calendar", CALENDARS)
@each_row("days", TARGETS)
def test_the_days_left_never_exceed_the_target_whenever_it_is_booked_in(calendar: Calendar, days: int) -> None:
    """R44, R70: booked in at every hour of two weeks, of which each target has a fifth, and some hours later."""
    check_days_left(calendar, days, range(TARGETS.index(days), 14 * 24, len(TARGETS)), share=6)


@pytest.mark.wide
@pytest.mark.parametrize("calendar", CALENDARS)
@pytest.mark.parametrize("days", TARGETS)
def test_the_days_left_never_exceed_any_target_whenever_it_is_booked_in(calendar: Calendar, days: int) -> None:
    """R44, R70: the same with each target at every hour, or at every n-th (HOURS_STEP=n)."""
    check_days_left(calendar, days, range(TARGETS.index(days) % HOURS_STEP, 14 * 24, HOURS_STEP))


def check_days_left(calendar: Calendar, days: int, hours: Iterable[int], share: int = 1) -> None:
    """Booked in at each of the hours, and at many hours after it until the target, or at every n-th of them in turn."""
    first = datetime(2026, 3, 1, tzinfo=calendar.zone)
    for hour in hours:
        booked = first + timedelta(hours=hour)
        events = make_events((booked.replace(tzinfo=None).isoformat(), E.BOOKED_IN), calendar=calendar)
        for later in (*range(0, 80, 5), 100, 200)[hour % share :: share]:
            now = booked + timedelta(hours=later)
            clock = compute_clock(events, calendar, days, now)
            assert 0 <= clock.left_days <= days, (booked, now)
            assert summarize_clock(clock, days).number <= max(days, 24) or clock.missed
            is_open = working_time_between(booked, now, calendar) > timedelta(0) or clock.counts_from == booked
            assert clock.is_before_opening is (not is_open and not clock.missed), (booked, now)


@each_row(
    ("booked", "now", "starts"),
    [
        ("2026-03-07T11:20", "2026-03-07T12:00", "2026-03-09T09:00"),  # Saturday: starts Monday
        ("2026-03-07T11:20", "2026-03-08T23:00", "2026-03-09T09:00"),
        ("2026-03-07T11:20", "2026-03-09T08:59", "2026-03-09T09:00"),
        ("2026-03-07T11:20", "2026-03-09T09:01", None),
        ("2026-03-09T07:30", "2026-03-09T08:00", "2026-03-09T09:00"),  # before opening
        ("2026-03-09T17:30", "2026-03-09T18:00", "2026-03-10T09:00"),  # after closing
        ("2026-04-03T10:00", "2026-04-05T10:00", "2026-04-07T09:00"),  # Good Friday to Family Day
        ("2026-03-09T10:00", "2026-03-09T10:00", None),
    ],
)
def test_what_is_booked_in_while_the_centre_is_closed_starts_at_its_next_opening(
    booked: str, now: str, starts: str | None
) -> None:
    clock = clock_at(make_events((booked, E.BOOKED_IN)), now)
    assert clock.is_before_opening is (starts is not None)
    assert clock.left_days <= 3
    if starts and clock.counts_from:
        assert clock.counts_from.astimezone(JOHANNESBURG.zone).isoformat()[:16] == starts
        assert summarize_clock(clock, 3).number == 3


IN, SEEN = ("2026-03-02T10:00", E.BOOKED_IN), ("2026-03-02T11:00", E.ASSESSED)  # Monday; due on Thursday at ten
FREE = ("2026-03-02T11:00", E.NO_CHARGE)
ESTIMATE, ORDERED = ("2026-03-02T15:00", E.ESTIMATE_SENT), ("2026-03-02T12:00", E.PART_ORDERED)


@each_row(
    ("lines", "expected"),
    [
        ([], "2026-03-05T10:00"),
        ([ESTIMATE, ("2026-03-02T16:30", E.ESTIMATE_APPROVED)], "2026-03-05T11:30"),
        ([ESTIMATE, ("2026-03-03T11:00", E.ESTIMATE_APPROVED)], "2026-03-05T14:00"),  # the night does not count
        ([ESTIMATE, ("2026-03-03T15:00", E.ESTIMATE_DECLINED)], "2026-03-06T10:00"),
        ([ESTIMATE, ("2026-03-09T15:00", E.ESTIMATE_APPROVED)], "2026-03-12T10:00"),  # nor does the weekend
        ([ESTIMATE, ("2026-03-02T16:00", E.ESTIMATE_WITHDRAWN)], "2026-03-05T11:00"),
        (
            [ESTIMATE, ("2026-03-02T16:00", E.ESTIMATE_SENT), ("2026-03-02T17:00", E.ESTIMATE_APPROVED)],
            "2026-03-05T12:00",
        ),  # a better one: one pause
        ([("2026-03-02T18:00", E.QUESTION_ASKED), ("2026-03-03T08:00", E.QUESTION_ANSWERED)], "2026-03-05T10:00"),
        (
            [
                ("2026-03-02T12:00", E.QUESTION_ASKED),
                ("2026-03-02T13:00", E.QUESTION_ANSWERED),
                ("2026-03-02T14:00", E.QUESTION_ASKED),
                ("2026-03-02T16:00", E.QUESTION_ANSWERED),
            ],
            "2026-03-05T13:00",
        ),
        (
            [
                ("2026-03-02T14:00", E.QUESTION_ASKED),
                ESTIMATE,
                ("2026-03-02T16:00", E.QUESTION_ANSWERED),
                ("2026-03-02T17:00", E.ESTIMATE_APPROVED),
            ],
            "2026-03-05T13:00",
        ),  # two at once count once
        ([("2026-03-01T14:00", E.QUESTION_ASKED), ("2026-03-02T12:00", E.QUESTION_ANSWERED)], "2026-03-05T12:00"),
        ([ORDERED, ("2026-03-04T12:00", E.PART_ARRIVED)], "2026-03-05T10:00"),  # parts do not pause
        ([("2026-03-05T12:00", E.QUESTION_ASKED), ("2026-03-06T12:00", E.QUESTION_ANSWERED)], "2026-03-05T10:00"),
    ],
)
def test_a_pause_moves_the_due_time_by_the_working_time_paused(lines: list, expected: str) -> None:
    assert due(clock_at(make_events(IN, SEEN, *lines), "2026-03-20T10:00")) == expected


def test_a_paused_job_has_its_reason_and_cannot_become_late() -> None:
    clock = clock_at(make_events(IN, SEEN, ESTIMATE), "2026-03-30T12:00")
    assert not clock.missed and not clock.is_running and clock.state == S.ESTIMATE_SENT
    assert [(pause.reason, pause.until) for pause in clock.pauses] == [(PauseReason.ESTIMATE, None)]
    assert clock.paused_since == clock.pauses[0].since == datetime(2026, 3, 2, 13, tzinfo=UTC)
    assert clock.elapsed == timedelta(hours=5) and clock.left == timedelta(hours=19)


def test_a_target_that_falls_into_a_pause_at_night_is_not_missed() -> None:
    morning = make_events(("2026-03-02T07:30", E.BOOKED_IN), ("2026-03-04T07:00", E.QUESTION_ASKED))
    assert not clock_at(morning, "2026-03-04T08:00", days=2).missed


def test_the_clock_stops_at_ready_to_ship() -> None:
    events = make_events(
        IN,
        SEEN,
        FREE,
        ("2026-03-02T12:00", E.REPAIR_STARTED),
        ("2026-03-04T12:00", E.READY),
        ("2026-03-09T12:00", E.SHIPPED),
        ("2026-03-11T12:00", E.CLOSED),
    )
    clock = clock_at(events, "2026-06-01T12:00")
    assert clock.state == S.CLOSED and not clock.missed and not clock.is_running
    assert (clock.elapsed, clock.elapsed_days, clock.left_days) == (timedelta(hours=18), 2, 1)


def test_days_are_counted_by_dates() -> None:
    events = make_events(IN)
    days = {day: clock_at(events, f"2026-03-{day:02}T12:00") for day in (2, 3, 5, 6, 7, 9)}
    assert [(clock.elapsed_days, clock.left_days, clock.late_days) for clock in days.values()] == [
        (0, 3, 0),
        (1, 2, 0),
        (3, 0, 0),
        (4, 0, 1),
        (4, 0, 1),
        (5, 0, 2),
    ]
    assert [clock.missed for clock in days.values()] == [False, False, True, True, True, True]


@each_row(
    ("expected_on", "later", "will_be"),
    [
        (date(2026, 3, 5), [], False),  # on the day: it may still be done
        (date(2026, 3, 6), [], True),
        (None, [], False),
        (date(2026, 3, 4), [("2026-03-02T13:00", E.PART_EXPECTED, {"part": "7", "expected": date(2026, 3, 9)})], True),
        (date(2026, 3, 9), [("2026-03-02T13:00", E.PART_EXPECTED, {"part": "7", "expected": date(2026, 3, 4)})], False),
        (date(2026, 3, 9), [("2026-03-02T13:00", E.PART_ARRIVED, {"part": "7"})], False),
        (date(2026, 3, 9), [("2026-03-02T13:00", E.PART_ARRIVED, {"part": "8"})], True),
        (date(2026, 3, 9), [("2026-03-02T13:00", E.READY)], False),
    ],
)
def test_a_part_expected_after_the_target_counts_at_once(expected_on: date | None, later: list, will_be: bool) -> None:
    order = (*ORDERED, {"part": "7", "expected": expected_on})
    clock = clock_at(make_events(IN, SEEN, FREE, order, *later), "2026-03-02T14:00")
    assert (clock.will_be_missed, clock.missed, clock.offers_loan) == (will_be, False, will_be)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-03-04T14:00", "2026-03-09T14:00"),
        ("2026-03-07T14:00", "2026-03-12T09:00"),  # validated on a Saturday
        ("2026-03-13T14:00", "2026-03-16T10:00"),  # never later than it was
    ],
)
def test_a_later_fast_track_target_counts_from_that_event(at: str, expected: str) -> None:
    events = make_events(IN, (at, E.BECAME_FAST_TRACK, {"target_days": 3}))
    clock = clock_at(events, at, days=10)
    assert (due(clock), clock.target_days) == (expected, 3)


def test_booking_in_replaces_a_target_set_on_the_way() -> None:
    """An earlier Fast Track does not bring back a place that lapsed on the way (R49, R50)."""
    on_the_way = ("2026-02-20T10:00", E.BECAME_FAST_TRACK, {"target_days": 3})
    assert due(clock_at(make_events(on_the_way, IN), "2026-03-02T12:00", days=10)) == "2026-03-05T10:00"
    told = (*IN, {"target_days": 10})
    assert due(clock_at(make_events(on_the_way, told), "2026-03-02T12:00")) == "2026-03-16T10:00"


def test_an_illegal_event_stays_on_the_timeline_and_changes_nothing() -> None:
    events = make_events(("2026-02-20T10:00", E.SHIPPED), IN, ("2026-03-02T10:30", E.ESTIMATE_APPROVED), SEEN)
    clock = clock_at(events, "2026-03-02T12:00")
    assert [(step.event.kind, step.applied) for step in clock.steps] == [
        (E.REQUESTED, True),
        (E.SHIPPED, False),
        (E.BOOKED_IN, True),
        (E.ESTIMATE_APPROVED, False),
        (E.ASSESSED, True),
    ]
    assert clock.state == S.ASSESSED and due(clock) == "2026-03-05T10:00"


def test_an_answer_reported_before_its_question_ends_the_pause() -> None:
    asked, answered = make_events(IN, SEEN, ESTIMATE, ("2026-03-03T11:00", E.ESTIMATE_APPROVED))[3:]
    before = make_events(IN, SEEN)
    assert clock_at([*before, answered], "2026-03-03T12:00").state == S.ASSESSED
    assert clock_at([*before, answered, asked], "2026-03-03T12:00").state == S.APPROVED


def test_a_late_estimate_does_not_undo_the_work_after_it() -> None:
    done = [IN, SEEN, FREE, ("2026-03-03T10:00", E.REPAIR_STARTED), ("2026-03-04T10:00", E.READY)]
    clock = clock_at(make_events(*done, ESTIMATE), "2026-03-20T12:00")
    assert clock.state == S.READY and all(step.applied for step in clock.steps)
    assert [pause.until for pause in clock.pauses] == [datetime(2026, 3, 3, 8, tzinfo=UTC)]


def test_the_request_comes_first_even_if_the_sender_s_clock_is_behind() -> None:
    assert clock_at(make_events(("2025-12-31T10:00", E.BOOKED_IN)), "2026-01-02T10:00").state == S.BOOKED_IN


def test_a_repeated_event_counts_once_as_first_received() -> None:
    events = make_events(IN, SEEN)
    again = replace(events[1], occurred_at=events[1].occurred_at - timedelta(days=3), sequence=9)
    assert clock_at([again, *events], "2026-03-02T12:00") == clock_at(events, "2026-03-02T12:00")


def test_live_events_must_be_legal_and_late_reports_are_always_kept() -> None:
    events = make_events(IN, SEEN, ESTIMATE)
    at = events[-1].occurred_at
    live = [kind for kind in E if may_record(events, Event(kind, at + timedelta(hours=1), at))]
    assert E.ESTIMATE_APPROVED in live and E.REPAIR_STARTED not in live and E.BOOKED_IN not in live
    assert all(may_record(events, Event(kind, at - timedelta(minutes=1), at)) for kind in E)
    assert [kind for kind in E if may_record([], Event(kind, at, at))] == [E.REQUESTED, E.PLACE_AWAITED]


MONDAY = datetime(2026, 3, 2, 8, tzinfo=UTC)
MINUTES = st.integers(0, 20 * 24 * 60).map(lambda minutes: MONDAY + timedelta(minutes=minutes))
ANY = st.builds(
    Event,
    st.sampled_from(EventKind),
    MINUTES,
    MINUTES,
    target_days=st.none() | st.integers(2, 10),
    part=st.sampled_from(["7", "8"]),
    expected=st.none() | st.dates(date(2026, 3, 1), date(2026, 4, 1)),
)
BOOKED = (Event(E.REQUESTED, MONDAY, MONDAY, "r"), Event(E.BOOKED_IN, MONDAY, MONDAY, "b", 1))


def numbered(events: list[Event]) -> list[Event]:
    return [replace(event, external_id=f"x{n}", sequence=n + 2) for n, event in enumerate(events)]


@given(st.lists(ANY, max_size=14).map(numbered), st.randoms(use_true_random=False), MINUTES, st.booleans())
@settings(max_examples=150, deadline=None)
def test_the_order_of_arrival_never_matters_and_nothing_is_negative(
    events: list[Event], chance: random.Random, now: datetime, repeated: bool
) -> None:
    events = [*BOOKED, *events]
    clock = compute_clock(events, DUBAI, 3, now)
    shuffled = chance.sample(events, len(events)) + (chance.choices(events, k=3) if repeated else [])
    assert compute_clock(shuffled, DUBAI, 3, now) == clock
    assert len(clock.steps) == len(events)
    assert min(clock.elapsed, clock.left) >= timedelta(0)
    assert min(clock.elapsed_days, clock.left_days, clock.late_days) >= 0
    assert clock.started_at is not None and clock.due_at is not None and clock.due_at > clock.started_at
    assert all(pause.until is None or pause.since < pause.until for pause in clock.pauses)
    assert (clock.paused_since is not None) is any(pause.until is None for pause in clock.pauses)
    assert not (clock.paused_since and clock.stopped_at)


@given(st.permutations(range(6)))
@settings(max_examples=60, deadline=None)
def test_the_times_of_receipt_do_not_matter(received: list[int]) -> None:
    """Neither do the numbers given on arrival, nor the order in the list."""
    events = make_events(
        IN, SEEN, ESTIMATE, ("2026-03-03T11:00", E.ESTIMATE_APPROVED), ("2026-03-03T11:00", E.REPAIR_STARTED)
    )
    told = [
        replace(event, received_at=MONDAY + timedelta(days=30 + n), sequence=n)
        for event, n in zip(events, received, strict=True)
    ]
    clock = clock_at(told, "2026-03-03T12:00")
    assert clock.state == S.IN_REPAIR and due(clock) == "2026-03-05T14:00"


@given(st.lists(ANY, max_size=8).map(numbered), MINUTES, MINUTES, MINUTES)
@settings(max_examples=150, deadline=None)
def test_adding_a_pause_never_shortens(events: list[Event], one: datetime, other: datetime, now: datetime) -> None:
    events = [*BOOKED, *(event for event in events if event.kind not in (E.QUESTION_ASKED, E.QUESTION_ANSWERED))]
    now = max(now, one, other, *(event.occurred_at for event in events))
    pause = [Event(E.QUESTION_ASKED, min(one, other), now, "q"), Event(E.QUESTION_ANSWERED, max(one, other), now, "a")]
    without, paused = compute_clock(events, DUBAI, 3, now), compute_clock([*events, *pause], DUBAI, 3, now)
    assert without.due_at is not None and paused.due_at is not None
    assert paused.due_at >= without.due_at and paused.elapsed <= without.elapsed
    lost = working_time_between(min(one, other), max(one, other), DUBAI)
    if not any(event.kind == E.ESTIMATE_SENT for event in events):  # a later due moment can let that pause count too
        assert working_time_between(without.due_at, paused.due_at, DUBAI) <= lost
    assert without.missed or not paused.missed
