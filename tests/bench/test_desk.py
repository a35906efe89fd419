"""What missed targets cost beside what is open, and what opening a ticket asks (R47, R48)."""

import os
from datetime import UTC, datetime, timedelta

import pgtrigger
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from servicing.actions.events import Actor
from servicing.actions.service_requests import RequestedItem, open_parcel
from servicing.actions.targets import flag_overdue
from servicing.actions.tickets import book_in
from servicing.enums import ServiceKind
from servicing.models import Ticket, TicketEvent
from servicing.queries.entitlement import Item
from tests.bench.test_page_cost import processor_seconds
from tests.factories import validated
from tests.servicing.jobs import a_centre
from tests.world import World

pytestmark = [pytest.mark.bench, pytest.mark.django_db]
OPEN = int(os.environ.get("BENCH_TICKETS", "20000"))
MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
MORE = 10  # times as many due
FEW_ROWS = 10


def a_ticket(world: World) -> Ticket:
    row = validated(world.ana, world.pro_body, "012345678901")
    item = RequestedItem(Item(row.product, registration=row), ServiceKind.REPAIR, fault="It sticks")
    centre = a_centre()
    ticket = open_parcel(member=world.ana, centre=centre, items=[item], by=world.ana.user, at=MONDAY).tickets[0]
    return book_in(ticket=ticket, actor=Actor(user=world.staff), at=MONDAY).ticket


def multiply(ticket: Ticket, count: int) -> None:
    """The same job again and again, standard and not due for a year, with its events."""
    changed = {
        "reference": "upper(lpad(to_hex(n), 8, '0'))",
        "registration_id": "null",
        "place": "null",
        "place_since": "null",
        "track": "'standard'",
        "due_at": "due_at + interval '365 days'",
    }
    columns = [field.column for field in Ticket._meta.concrete_fields if not field.primary_key]
    with pgtrigger.ignore(), connection.cursor() as cursor:
        cursor.execute(
            f"insert into servicing_ticket ({', '.join(columns)}) "  # noqa: S608
            f"select {', '.join(changed.get(column, column) for column in columns)} "
            f"from servicing_ticket, generate_series(1, {count}) as n where id = {ticket.pk}"
        )
        columns = [field.column for field in TicketEvent._meta.concrete_fields if not field.primary_key]
        facts = {"ticket_id": "t.id"}
        cursor.execute(
            f"insert into servicing_ticketevent ({', '.join(columns)}) "  # noqa: S608
            f"select {', '.join(facts.get(column, 'e.' + column) for column in columns)} "
            f"from servicing_ticketevent e, servicing_ticket t where e.ticket_id = {ticket.pk} and t.id != {ticket.pk}"
        )
        cursor.execute("analyze")


def make_due(count: int) -> None:
    keys = Ticket.objects.filter(missed_at=None, due_at__gt=LATER).values("pk")[:count]
    Ticket.objects.filter(pk__in=list(keys.values_list("pk", flat=True))).update(due_at=MONDAY + timedelta(days=20))


LATER = MONDAY + timedelta(days=100)


def test_the_overdue_job_costs_what_is_due_and_not_what_is_open(world: World, report: list[str]) -> None:
    multiply(a_ticket(world), OPEN)
    at = MONDAY + timedelta(days=60)
    flag_overdue(at=at)  # the one it was made from
    plan = Ticket.objects.to_flag(at).order_by("due_at").values_list("pk", flat=True)[:200].explain()
    assert "ticket_to_flag" in plan
    assert "Seq Scan" not in plan
    found = {}
    for due in (0, FEW_ROWS, FEW_ROWS * MORE):
        make_due(due)
        begun = processor_seconds()  # other work on the machine would add to the time on the wall
        flag_overdue(at=at, limit=1000)
        found[due] = processor_seconds() - begun
    ratio = found[FEW_ROWS * MORE] / found[FEW_ROWS]
    report.append(
        f"overdue job, {Ticket.objects.open().count():,} open: none due {found[0] * 1000:.1f} ms, "
        f"{FEW_ROWS} due {found[FEW_ROWS] * 1000:.0f} ms, "
        f"{FEW_ROWS * MORE} due {found[FEW_ROWS * MORE] * 1000:.0f} ms (ratio {ratio:.1f})"
    )
    assert ratio < MORE * 2
    assert found[0] < found[FEW_ROWS]
    assert Ticket.objects.exclude(missed_at=None).count() == 1 + FEW_ROWS + FEW_ROWS * MORE


def test_opening_a_ticket_asks_at_most_twenty_things_more_than_its_facts(world: World, report: list[str]) -> None:
    row = validated(world.ana, world.pro_body, "012345678901")
    item = RequestedItem(Item(row.product, registration=row), ServiceKind.REPAIR, fault="It sticks")
    centre = a_centre()
    with CaptureQueriesContext(connection) as queries:
        open_parcel(member=world.ana, centre=centre, items=[item], by=world.ana.user, at=MONDAY)
    own = [query for query in queries.captured_queries if "SAVEPOINT" not in query["sql"]]
    report.append(f"opening a ticket: {len(own)} queries (and {len(queries) - len(own)} of savepoints)")
    assert len(own) <= 20
