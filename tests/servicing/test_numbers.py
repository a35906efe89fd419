"""The numbers of a centre: targets met by level, where jobs wait, faults that came back; also as CSV (R44)."""

import csv
import io
import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from members.models import User
from servicing.actions.events import Actor, record_event
from servicing.enums import EventKind
from servicing.models import ServiceCentre, Ticket, TicketMessage
from tests.admin.conftest import signed_in
from tests.queries import SNAPSHOT_QUERIES
from tests.servicing.jobs import a_centre, at_the_centre
from tests.servicing.test_desk import works_at
from tests.world import World

NUMBERS = "/admin/servicing/ticket/numbers/"


@pytest.fixture
def centre(world: World) -> ServiceCentre:
    return a_centre()


@pytest.fixture
def worker(centre: ServiceCentre, groups: dict[str, Group]) -> User:
    return works_at(centre, groups)


@pytest.fixture
def desk(worker: User) -> Client:
    return signed_in(worker)


def finished(world: World, centre: ServiceCentre, number: int, **changes: object) -> Ticket:
    """A job that was ready today, after it waited for the customer and for the workshop."""
    now, actor = timezone.now(), Actor(user=world.staff)
    ticket = at_the_centre(
        world, centre, f"0123456{number:05}", now - timedelta(days=7), member=world.ben, wish="standard"
    )
    record_event(ticket=ticket, kind=EventKind.READY, actor=actor, at=now)
    Ticket.objects.filter(pk=ticket.pk).update(**{"level": "red", "due_at": now + timedelta(days=1), **changes})
    return ticket


def test_targets_are_counted_by_level_and_said_in_words(world: World, centre: ServiceCentre, desk: Client) -> None:
    now = timezone.now()
    finished(world, centre, 1)
    finished(world, centre, 2, due_at=now - timedelta(days=2))
    finished(world, centre, 3, level="gold")
    finished(world, centre, 4, level="")
    finished(world, centre, 5, ready_at=now - timedelta(days=20), booked_in_at=now - timedelta(days=30))
    month, week = (desk.get(NUMBERS, {"period": period}).context for period in ("month", "week"))
    assert (month["jobs"], month["met"], week["jobs"], week["met"]) == (5, 4, 4, 3)
    assert week["level_words"] == "Gold 100 %, 1 job, Red 50 %, 2 jobs, Visiting 100 %, 1 job"
    assert week["turnaround"] == "7.0 d"
    text = desk.get(NUMBERS, {"period": "week"}).content.decode()
    assert len(re.findall(r'role="img"\s+aria-label="[^"]', text)) == text.count('role="img"') == 3
    assert desk.get(NUMBERS, {"period": "nonsense", "centre": "9" * 30}).context["jobs"] == 5


def test_where_a_job_waited_is_told_in_working_days(world: World, centre: ServiceCentre, desk: Client) -> None:
    finished(world, centre, 1)
    bars = {str(bar.name): bar for bar in desk.get(NUMBERS).context["wait_bars"]}
    days = float(bars["To assess"].value.removesuffix(" d"))
    assert 3 <= days <= 6  # seven days with one weekend, whatever the hour of the test
    assert bars["To assess"].is_marked
    assert bars["Waiting for parts"].value == "0.0 d"


def test_faults_that_came_back_and_first_answers_are_told(world: World, centre: ServiceCentre, desk: Client) -> None:
    first, again = finished(world, centre, 1), finished(world, centre, 2)
    Ticket.objects.filter(pk=again.pk).update(follows=first, same_fault=True)
    sent = timezone.now() - timedelta(hours=5)
    TicketMessage.objects.create(
        ticket=first, from_member=True, text="?", at=sent, answered_at=sent + timedelta(hours=2, minutes=10)
    )
    context = desk.get(NUMBERS).context
    assert context["repeat_words"] == f"{world.pro_body.name} 1"
    assert (context["repeats"], context["repeat_percent"]) == (1, 50)
    assert context["first_answer"] == "2 h 10 min"


def test_the_table_is_a_csv_file_of_the_centres_one_may_see(
    world: World, centre: ServiceCentre, desk: Client, groups: dict[str, Group]
) -> None:
    Ticket.objects.filter(pk=finished(world, centre, 1).pk).update(level="gold")
    ServiceCentre.objects.filter(pk=centre.pk).update(name="=Centre")
    answer = desk.get(NUMBERS, {"format": "csv"})
    assert answer["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    month = timezone.localdate().strftime("%Y-%m")
    assert rows == [
        {"centre": "'=Centre", "month": month, "level": "Gold", "jobs": "1", "on_time": "1", "percent": "100"}
    ]
    other = signed_in(works_at(a_centre("cape"), groups))
    assert len(other.get(NUMBERS, {"format": "csv"}).content.decode("utf-8-sig").splitlines()) == 1
    nobody = User.objects.create(email="nobody@example.org", is_staff=True)
    assert signed_in(nobody).get(reverse("admin:servicing_ticket_numbers"), {"format": "csv"}).status_code == 403


def test_the_numbers_ask_no_more_for_many_jobs_than_for_few(world: World, centre: ServiceCentre, desk: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert desk.get(NUMBERS).status_code == 200
        return len(captured)

    finished(world, centre, 1)
    queries()
    few = queries()
    for number in range(2, 6):
        finished(world, centre, number)
    assert queries() == few <= 18 + SNAPSHOT_QUERIES
