"""The board of a centre: seven queues, when each job is due, filters, and few queries (R54)."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from members.models import User
from servicing.actions.events import Actor, record_event
from servicing.actions.messages import write_message
from servicing.actions.technicians import assign_technician
from servicing.enums import EventKind
from servicing.models import ServiceCentre, Ticket
from tests.admin.conftest import signed_in
from tests.queries import SNAPSHOT_QUERIES
from tests.servicing.jobs import a_centre, a_request, at_the_centre, without_charge
from tests.servicing.test_desk import works_at
from tests.world import World

BOARD = "/admin/servicing/ticket/board/"


@pytest.fixture
def centre(world: World) -> ServiceCentre:
    return a_centre()


@pytest.fixture
def worker(centre: ServiceCentre, groups: dict[str, Group]) -> User:
    return works_at(centre, groups)


@pytest.fixture
def desk(worker: User) -> Client:
    return signed_in(worker)


def lanes(answer: Any) -> dict[str, list[str]]:
    """The references of the cards by lane."""
    return {
        lane.name: [card.reference for card in lane.cards] for column in answer.context["columns"] for lane in column
    }


def serial(number: int) -> str:
    return f"0123456{number:05}"


def test_every_job_is_in_the_lane_of_its_state(world: World, centre: ServiceCentre, desk: Client) -> None:
    actor, now = Actor(user=world.staff), timezone.now()
    arriving = a_request(world, centre, serial(1), now)
    assess, paused, repair, ready, collected = (
        at_the_centre(world, centre, serial(n), now - timedelta(hours=9), member=world.ben, wish="standard")
        for n in range(2, 7)
    )
    write_message(ticket=paused, text="Which lens?", asks=True, actor=actor, at=now)
    parts = without_charge(at_the_centre(world, centre, serial(7), now - timedelta(hours=9), member=world.chloe), now)
    record_event(ticket=parts, kind=EventKind.PART_ORDERED, actor=actor, at=now, data={"part": 0})
    record_event(ticket=without_charge(repair, now), kind=EventKind.REPAIR_STARTED, actor=actor, at=now)
    for ticket in (ready, collected):
        record_event(ticket=ticket, kind=EventKind.READY, actor=actor, at=now)
    record_event(ticket=collected, kind=EventKind.CLOSED, actor=actor, at=now)
    answer = desk.get(BOARD)
    assert lanes(answer) == {
        "arriving": [arriving.reference_in_groups],
        "assess": [assess.reference_in_groups],
        "customer": [paused.reference_in_groups],
        "parts": [parts.reference_in_groups],
        "repair": [repair.reference_in_groups],
        "ready": [ready.reference_in_groups],
        "loans": [],
    }
    assert [len(column) for column in answer.context["columns"]] == [1, 1, 2, 1, 2]
    listed = desk.get(BOARD, {"view": "list"}).context["cards"]
    assert {card.reference: card.step for card in listed} == {
        arriving.reference_in_groups: "Book it in",
        assess.reference_in_groups: "Send an estimate",
        paused.reference_in_groups: "The customer answers a question",
        parts.reference_in_groups: "Start the work",
        repair.reference_in_groups: "Test it, then ready",
        ready.reference_in_groups: "Hand it over",
    }


FILTERS = {
    "all": ["late", "mine", "today", "wrote"],
    "late": ["late"],
    "today": ["today"],
    "mine": ["mine"],
    "wrote": ["wrote"],
    "nobody": ["late", "today", "wrote"],
    "fast": ["late", "mine", "today", "wrote"],
    "gold": ["late", "today"],
    "red": ["mine", "wrote"],
    "platinum": [],
    "nonsense": ["late", "mine", "today", "wrote"],
}


def test_a_filter_shows_what_it_says_and_chips_count_the_same(
    world: World, centre: ServiceCentre, worker: User, desk: Client
) -> None:
    names = {ticket.reference_in_groups: name for name, ticket in filtered(world, centre, worker).items()}
    shown, totals = {}, {}
    for show in FILTERS:
        answer = desk.get(BOARD, {"show": show})
        shown[show] = sorted(names[reference] for lane in lanes(answer).values() for reference in lane)
        totals[show] = sum(lane.total for column in answer.context["columns"] for lane in column)
    assert shown == FILTERS
    assert totals == {show: len(found) for show, found in FILTERS.items()}
    chips = {chip.name: chip.count for chip in desk.get(BOARD).context["chips"]}
    assert chips == {show: len(found) for show, found in FILTERS.items() if found and show != "nonsense"}


def filtered(world: World, centre: ServiceCentre, worker: User) -> dict[str, Ticket]:
    """Four jobs at the centre, one for each filter."""
    now = timezone.now()
    midnight = now.astimezone(centre.calendar.zone).replace(hour=23, minute=59, second=59)
    due = {"late": now - timedelta(days=4), "today": midnight}
    tickets = {}
    for number, name in enumerate(["late", "today", "mine", "wrote"]):
        member = world.ana if name in due else world.ben
        tickets[name] = at_the_centre(world, centre, serial(number), now - timedelta(days=6), member=member)
    for name, ticket in tickets.items():
        when = due.get(name, now + timedelta(days=9))
        Ticket.objects.filter(pk=ticket.pk).update(due_at=when, level="gold" if name in due else "red")
    assign_technician(ticket=tickets["mine"], technician=worker, by=worker)
    by = world.ben.user
    write_message(ticket=tickets["wrote"], text="How long?", actor=Actor(user=by), at=now)
    return tickets


def test_a_card_says_when_it_is_due_who_wrote_and_who_works_on_it(
    world: World, centre: ServiceCentre, worker: User, desk: Client
) -> None:
    tickets = filtered(world, centre, worker)
    cards = {card.reference: card for card in desk.get(BOARD, {"view": "list"}).context["cards"]}
    late, today, mine, wrote = (cards[tickets[name].reference_in_groups] for name in ("late", "today", "mine", "wrote"))
    assert late.due.state == "late"
    assert "late" in late.due.text
    assert (today.due.state, today.due.text) == ("soon", "Today 23:59")
    assert mine.technician.name == worker.email
    assert (wrote.technician, bool(wrote.wrote), bool(mine.wrote)) == (None, True, False)


def test_a_lane_shows_a_few_cards_and_a_link_to_all_of_them(world: World, centre: ServiceCentre, desk: Client) -> None:
    for number in range(7):
        a_request(world, centre, serial(number), timezone.now(), wish="standard")
    arriving = desk.get(BOARD).context["columns"][0][0]
    assert (arriving.total, len(arriving.cards), arriving.more) == (7, 5, 2)
    answer = desk.get(BOARD, {"view": "list", "lane": "arriving"})
    assert len(answer.context["cards"]) == 7
    assert "view=list&amp;lane=arriving" in desk.get(BOARD).content.decode()
    assert desk.get(BOARD, {"view": "list", "lane": "nonsense", "page": "x"}).status_code == 200
    assert len(desk.get(BOARD, {"view": "list", "lane": "ready"}).context["cards"]) == 0


def test_the_board_asks_no_more_for_many_jobs_than_for_few(world: World, centre: ServiceCentre, desk: Client) -> None:
    def queries(**query: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert desk.get(BOARD, query).status_code == 200
        return len(captured)

    a_request(world, centre, serial(0), timezone.now())
    desk.get(BOARD)
    few = queries(), queries(view="list")
    for number in range(1, 9):
        at_the_centre(world, centre, serial(number), timezone.now(), member=world.ben, wish="standard")
        a_request(world, centre, serial(20 + number), timezone.now(), wish="standard")
    assert (queries(), queries(view="list")) == few
    assert max(few) <= 12 + SNAPSHOT_QUERIES


def test_htmx_gets_the_lanes_alone(world: World, centre: ServiceCentre, desk: Client) -> None:
    a_request(world, centre, serial(0), timezone.now())
    part = desk.get(BOARD, headers={"HX-Request": "true"}).content.decode()
    assert part.lstrip().startswith('<div id="lanes"')
    assert 'hx-trigger="every 60s,' in part
    assert "<html" not in part


def test_somebody_of_two_centres_chooses_one_and_sees_no_third(
    world: World, centre: ServiceCentre, worker: User, desk: Client, groups: dict[str, Group]
) -> None:
    other, stranger = a_centre("cape"), a_centre("nairobi", country="KE")
    for number, place in enumerate((centre, other, stranger)):
        a_request(world, place, serial(number), timezone.now())
    worker.works_at.create(centre=other)

    def count(**query: object) -> int:
        return sum(len(found) for found in lanes(desk.get(BOARD, query)).values())

    assert count() == 2
    assert (count(centre=centre.pk), count(centre=other.pk)) == (1, 1)
    assert count(centre=stranger.pk) == 2  # not theirs: as if none was chosen
    assert count(centre="9" * 30) == 2


def test_erased_and_nameless_customers_have_a_card_too(world: World, centre: ServiceCentre, desk: Client) -> None:
    a_request(world, centre, serial(0), timezone.now())
    type(world.ana).objects.filter(pk=world.ana.pk).update(first_name="", last_name="")
    assert world.ana.number_in_groups in desk.get(BOARD).content.decode()
