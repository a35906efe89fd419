"""What the clock of a ticket and the job of missed targets cost (R47, R48)."""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pgtrigger
import pytest
from django.db import connection
from django.utils import timezone

from cps_portal.core.lib.clock import Calendar, working_time_between
from servicing.actions import targets
from servicing.enums import EventKind, Track
from servicing.models import Parcel, ServiceCentre, Ticket, TicketEvent
from servicing.rules.clock import compute_clock
from servicing.rules.timeline import Event
from tests.bench.conftest import Table
from tests.servicing.test_loans import make_centre
from tests.world import World

pytestmark = [pytest.mark.bench, pytest.mark.django_db]
OPEN = int(os.environ.get("BENCH_TICKETS", "20000"))
DUE = 50
JOHANNESBURG = Calendar(ZoneInfo("Africa/Johannesburg"), country="ZA")
MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


def fill(world: World, centre: ServiceCentre, count: int, *, due: datetime) -> None:
    """Jobs in the workshop whose target is `due`, written straight into the table."""
    parcel = Parcel.objects.create(reference=f"{count:08d}"[:8], centre=centre, made_at=MONDAY)
    now = timezone.now()
    first = Ticket.objects.count()
    rows = (
        Ticket(
            reference=f"{first + n:08d}",
            parcel=parcel,
            member=world.ana,
            product=world.body,
            centre=centre,
            service="repair",
            track=Track.STANDARD,
            target_days=10,
            state="booked_in",
            opened_at=MONDAY,
            booked_in_at=MONDAY,
            due_at=due,
            changed_at=now,
        )
        for n in range(count)
    )
    with pgtrigger.ignore("servicing.Ticket:insert_insert"):  # their history is not measured
        Ticket.objects.bulk_create(rows, batch_size=5000)


def test_the_job_of_missed_targets_costs_what_is_due_and_not_what_is_open(world: World, report: list[str]) -> None:
    centre = make_centre()
    now = timezone.now()
    fill(world, centre, 1000, due=now + timedelta(days=90))
    few = best(lambda: targets.flag_overdue(at=now))
    fill(world, centre, OPEN - 1000, due=now + timedelta(days=90))
    with connection.cursor() as cursor:
        cursor.execute("analyze servicing_ticket")
    many = best(lambda: targets.flag_overdue(at=now))
    plan = Ticket.objects.to_flag(now).order_by("due_at").values_list("pk")[:200].explain()
    assert "ticket_to_flag" in plan
    first = Ticket.objects.order_by("pk").values_list("pk", flat=True)[:DUE]
    booked = [
        TicketEvent(ticket_id=key, kind=kind, occurred_at=MONDAY, received_at=MONDAY)
        for key in first
        for kind in (EventKind.REQUESTED, EventKind.BOOKED_IN)
    ]
    TicketEvent.objects.bulk_create(booked)
    Ticket.objects.filter(pk__in=list(first)).update(due_at=now)
    began = time.perf_counter()
    assert targets.flag_overdue(at=now) == DUE
    took = time.perf_counter() - began
    report.append(
        f"missed targets: {many * 1000:.1f} ms with {OPEN} open and none due, {many / few:.1f} times what 1,000 open "
        f"take; {DUE} due {took * 1000:.0f} ms"
    )
    assert many < few * 10, "it costs what is open"


def test_the_clock_of_two_hundred_events_compared_with_summing_working_time(table: Table) -> None:
    events = [Event(EventKind.REQUESTED, MONDAY, MONDAY), Event(EventKind.BOOKED_IN, MONDAY, MONDAY)]
    for n in range(99):
        at = MONDAY + timedelta(hours=3 * n + 1)
        events.append(Event(EventKind.QUESTION_ASKED, at, at, f"q{n}"))
        events.append(Event(EventKind.QUESTION_ANSWERED, at + timedelta(hours=1), at, f"a{n}"))
    now = MONDAY + timedelta(days=30)

    def plainest(_n: int) -> None:
        for event in events:
            working_time_between(event.occurred_at, event.occurred_at + timedelta(hours=1), JOHANNESBURG)

    table.compare(
        "clock of 200 events / a sum of working time each",
        lambda _n: compute_clock(events, JOHANNESBURG, 3, now),
        plainest,
    )


def best(job: Callable[[], object]) -> float:
    """The shortest of five turns, in seconds."""
    spent = []
    for _turn in range(5):
        began = time.perf_counter()
        job()
        spent.append(time.perf_counter() - began)
    return min(spent)
