"""The page of a job: one proposed step with its fields filled in, everything else folded, and who works on it (R54)."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from cps_portal.core.lib.errors import Refusal
from members.models import User
from servicing.actions.estimates import Line, approve_estimate, send_estimate
from servicing.actions.events import Actor
from servicing.actions.messages import write_message
from servicing.actions.notes import write_note
from servicing.actions.parts import order_part
from servicing.actions.technicians import assign_technician
from servicing.enums import LineKind, TicketState
from servicing.models import ServiceCentre, Ticket
from servicing.presenters.job_page import clock_bar, road
from servicing.queries.job import read_job
from servicing.queries.technicians import technician_changes
from tests.admin.conftest import signed_in
from tests.factories import UserFactory
from tests.servicing.jobs import HOUR, MONDAY, a_centre, a_request, at_the_centre, without_charge
from tests.servicing.test_desk import page, press, works_at
from tests.world import World


@pytest.fixture
def centre(world: World) -> ServiceCentre:
    return a_centre()


@pytest.fixture
def worker(centre: ServiceCentre, groups: dict[str, Group]) -> User:
    return works_at(centre, groups)


@pytest.fixture
def desk(worker: User) -> Client:
    return signed_in(worker)


def proposed(desk: Client, ticket: Ticket) -> tuple[str, dict[str, Any]]:
    """The name of the proposed step, and what its form has filled in."""
    name, _button, form, _open = desk.get(page(ticket)).context["proposed"]
    return name, {field.name: field.value() for field in form.visible_fields()}


def with_approved_part(world: World, centre: ServiceCentre) -> Ticket:
    actor, now = Actor(user=world.staff), timezone.now()
    ticket = at_the_centre(world, centre, at=now - timedelta(hours=9))
    lines = [
        Line("Labour", Decimal(1), Decimal(900)),
        Line("Shutter unit", Decimal(1), Decimal(6450), kind=LineKind.PART),
    ]
    day = centre.today(now) + timedelta(days=9)
    estimate = send_estimate(ticket=ticket, lines=lines, currency="ZAR", valid_until=day, actor=actor, at=now)
    approve_estimate(estimate=estimate, actor=Actor(user=world.ana.user), at=now)
    return ticket


def test_the_agreed_part_is_proposed_and_its_arrival_starts_the_work(
    world: World, centre: ServiceCentre, worker: User, desk: Client
) -> None:
    ticket = with_approved_part(world, centre)
    name, filled = proposed(desk, ticket)
    assert (name, filled["name"]) == ("order_part", "Shutter unit")
    press(desk, ticket, "order_part", name="Shutter unit")
    name, filled = proposed(desk, ticket)
    assert (name, filled["technician"]) == ("arrive_and_start", worker.pk)
    for _time in range(2):
        typed = {"part": ticket.parts.get().pk, "technician": worker.pk, "once": "b" * 32}
        press(desk, ticket, "arrive_and_start", **typed)
    ticket.refresh_from_db()
    assert (ticket.state, ticket.technician) == (TicketState.IN_REPAIR, worker)
    assert ticket.parts.get().arrived_at
    kinds = list(ticket.events.order_by("pk").values_list("kind", flat=True))
    assert kinds[-2:] == ["part_arrived", "repair_started"]
    assert proposed(desk, ticket)[0] == "ready"


def test_a_part_that_arrived_meanwhile_starts_nothing(world: World, centre: ServiceCentre, desk: Client) -> None:
    ticket = without_charge(at_the_centre(world, centre, at=timezone.now() - timedelta(hours=9)), timezone.now())
    part = order_part(ticket=ticket, name="Mount", actor=Actor(user=world.staff), at=timezone.now())
    press(desk, ticket, "part_arrived", part=part.pk)
    answer = press(desk, ticket, "arrive_and_start", part=part.pk)
    assert "already arrived" in answer.content.decode()
    ticket.refresh_from_db()
    assert ticket.state == TicketState.WAITING_PARTS


def test_only_the_proposed_button_is_big_and_all_others_are_folded(
    world: World, centre: ServiceCentre, desk: Client
) -> None:
    ticket = a_request(world, centre, at=timezone.now())
    answer = desk.get(page(ticket))
    text = answer.content.decode()
    assert text.count("btn--go") == 1
    assert 'data-key="d"' in text
    folded = {name for name, *_rest in answer.context["others"]}
    assert {"accept", "sent", "cancel", "decide_warranty", "no_charge"} <= folded
    assert "start_repair" not in text  # not allowed before it is settled who pays
    closed = without_charge(at_the_centre(world, centre, "012345678902", member=world.ben))
    press(desk, closed, "ready")
    press(desk, closed, "close")
    over = desk.get(page(closed)).context
    assert over["proposed"] is None
    assert {name for name, *_rest in over["others"]} <= {"report", "follow_up", "deliver"}


def test_a_step_with_errors_opens_again_with_what_was_typed(world: World, centre: ServiceCentre, desk: Client) -> None:
    ticket = a_request(world, centre, at=timezone.now())
    press(desk, ticket, "book_in")
    answer = press(desk, ticket, "decide_warranty", decision="")
    assert answer.context["pressed"] == "decide_warranty"
    text = answer.content.decode()
    assert '<details class="sc-next__alt" open' in " ".join(text.split())
    assert "Choose one of the two." in text


def test_messages_and_notes_are_one_thread(world: World, centre: ServiceCentre, desk: Client) -> None:
    ticket, now = a_request(world, centre, at=timezone.now() - HOUR), timezone.now()
    write_message(ticket=ticket, text="When?", actor=Actor(user=world.ana.user), at=now - timedelta(minutes=3))
    write_note(ticket=ticket, text="Ask Piet", by=world.staff, at=now - timedelta(minutes=2))
    write_message(ticket=ticket, text="Soon", actor=Actor(user=world.staff), at=now - timedelta(minutes=1), seen=0)
    context = desk.get(page(ticket)).context
    assert [(entry.by, entry.text) for entry in context["conversation"]] == [
        ("customer", "When?"),
        ("note", "Ask Piet"),
        ("us", "Soon"),
    ]
    assert context["note_count"] == 1


def test_a_technician_of_the_centre_gets_the_job_and_the_timeline_names_who_gave_it(
    world: World, centre: ServiceCentre, worker: User, desk: Client, groups: dict[str, Group]
) -> None:
    colleague = works_at(centre, groups)
    ticket = at_the_centre(world, centre)
    assert f'name="technician-technician" value="{worker.pk}"' in " ".join(
        desk.get(page(ticket)).content.decode().split()
    )
    press(desk, ticket, "technician", technician=colleague.pk)
    ticket.refresh_from_db()
    assert ticket.technician == colleague
    press(desk, ticket, "technician", technician="")
    ticket.refresh_from_db()
    assert ticket.technician is None
    assert [(change.technician, change.by) for change in technician_changes(ticket)] == [
        (colleague.email, worker.email),
        ("", worker.email),
    ]
    assert f"Technician: {colleague.email}" in desk.get(page(ticket)).content.decode()
    member_page = signed_in(world.ana.user).get(ticket.get_absolute_url()).content.decode()
    assert colleague.email not in member_page


def test_nobody_from_elsewhere_gets_a_job_and_nobody_one_that_is_over(
    world: World, centre: ServiceCentre, worker: User, desk: Client, groups: dict[str, Group]
) -> None:
    ticket = at_the_centre(world, centre)
    stranger = works_at(a_centre("cape"), groups)
    left = UserFactory(is_staff=True, is_active=False)
    centre.staff.create(user=left)
    for person in (stranger, left, world.staff, world.ana.user):
        with pytest.raises(Refusal):
            assign_technician(ticket=ticket, technician=person, by=worker)
        answer = press(desk, ticket, "technician", technician=person.pk)
        assert "Choose somebody who works at this centre." in answer.content.decode()
    over = {"state": TicketState.CLOSED, "ended_at": timezone.now(), "place": None, "place_since": None}
    Ticket.objects.filter(pk=ticket.pk).update(**over)
    with pytest.raises(Refusal):
        assign_technician(ticket=ticket, technician=worker, by=worker)
    ticket.refresh_from_db()
    assert ticket.technician is None


def test_the_road_and_the_bar_of_the_clock_say_where_the_job_is(world: World, centre: ServiceCentre) -> None:
    ticket = at_the_centre(world, centre)
    job = read_job(ticket, MONDAY + timedelta(days=1))
    assert [(str(stop.label), stop.state) for stop in road(job)] == [
        ("Booked in", "done"),
        ("Assessed", "done"),
        ("Estimate", "now"),
        ("Repair", "ahead"),
        ("Ready", "ahead"),
        ("With the customer", "ahead"),
    ]
    zone = centre.calendar.zone
    on_time = clock_bar(job.clock, job.now, zone)
    late = clock_bar(read_job(ticket, MONDAY + timedelta(days=30)).clock, MONDAY + timedelta(days=30), zone)
    assert on_time and [piece.kind for piece in on_time.pieces] == ["sc-cb-run"]
    assert late and [piece.kind for piece in late.pieces] == ["sc-cb-run", "sc-cb-late"]
    assert (
        clock_bar(read_job(a_request(world, centre, "012345678902", member=world.ben), MONDAY).clock, MONDAY, zone)
        is None
    )


def test_earlier_repairs_of_the_serial_are_shown_and_open_only_to_those_who_may(
    world: World, centre: ServiceCentre, desk: Client
) -> None:
    other = a_centre("cape")
    past = [at_the_centre(world, place, f"0123456789{n}1") for n, place in enumerate((centre, other))]
    now = at_the_centre(world, centre, "012345678931", member=world.ben)
    Ticket.objects.filter(pk__in=[ticket.pk for ticket in past]).update(
        serial_key=now.serial_key, ready_at=timezone.now()
    )
    answer = desk.get(page(now))
    shown = {job.ticket.centre_id: may_open for job, may_open in answer.context["past_jobs"]}
    assert shown == {centre.pk: True, other.pk: False}
    assert page(past[0]) in answer.content.decode()
    assert page(past[1]) not in answer.content.decode()
