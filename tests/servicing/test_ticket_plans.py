"""What the filters of the API's list and the tasks of the clock read: along an index of its own, not all jobs (R55)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from kitbag.models import Registration
from servicing.actions.places import not_validated
from servicing.enums import TicketState
from servicing.models import Ticket
from tests.rows import each_row
from tests.world import World

Rows = Callable[[], Any]
LATEST = ("-opened_at", "-pk")
PLANS: dict[str, tuple[Rows, str]] = {
    "serial": (lambda: Ticket.objects.filter(centre=1, serial="9").order_by(*LATEST), "ticket_centre_serial"),
    "state": (
        lambda: Ticket.objects.filter(centre=1, state=TicketState.CANCELLED).order_by(*LATEST),
        "ticket_centre_state",
    ),
    "open": (lambda: Ticket.objects.filter(centre=1, ended_at=None).order_by(*LATEST), "ticket_centre_open"),
    "sweep of validations": (not_validated, "ticket_not_validated"),
    "sweep of the unchecked": (
        lambda: Registration.objects.undecided(since=timezone.now() - timedelta(minutes=1)).order_by("submitted_at"),
        "registration_unchecked",
    ),
}


@each_row("name", list(PLANS))
def test_it_is_read_along_its_index(world: World, name: str) -> None:
    rows, index = PLANS[name]
    with connection.cursor() as cursor:
        # A small table is cheapest to read whole, and so are other indexes of it.
        cursor.execute("set local enable_seqscan = off; set local enable_sort = off; set local enable_bitmapscan = off")
        if name == "state":  # of an empty table, the list of a centre is as cheap to read by the wrong index
            cursor.execute("drop index ticket_centre_opened")
    plan = rows()[:51].explain()
    assert index in plan, plan
    assert "->  Sort " not in plan or name.startswith("sweep")


@pytest.mark.django_db
def test_the_indexes_are_valid() -> None:
    """One that could not be built beside running writes would be left over, and used by nothing."""
    with connection.cursor() as cursor:
        cursor.execute("select indexrelid::regclass::text from pg_index where not indisvalid")
        assert cursor.fetchall() == []
