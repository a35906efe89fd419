"""The centre's desk: the queue, and one ticket worked on from intake to the way back (R47, R52, R54, R60)."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from kitbag.actions import stolen_reports
from kitbag.models import Sighting
from members.models import User
from servicing.actions.events import Actor, record_event
from servicing.actions.messages import write_message
from servicing.actions.service_requests import RequestedItem, open_at_counter
from servicing.actions.shipping import Tracking, mark_sent
from servicing.enums import EventKind, ServiceKind, TicketState, Warranty
from servicing.models import CentreStaff, ServiceCentre, Ticket
from servicing.queries.entitlement import Item
from tests.admin.conftest import signed_in
from tests.factories import UserFactory, validated
from tests.queries import SNAPSHOT_QUERIES
from tests.rows import each_row
from tests.servicing.jobs import a_centre, a_request
from tests.world import World

QUEUE = "/admin/servicing/ticket/"


def works_at(centre: ServiceCentre, groups: dict[str, Group]) -> User:
    user = UserFactory(is_staff=True)
    user.groups.add(groups["Centre"])
    CentreStaff.objects.create(centre=centre, user=user)
    return user


@pytest.fixture
def centre(world: World) -> ServiceCentre:
    return a_centre()


@pytest.fixture
def worker(centre: ServiceCentre, groups: dict[str, Group]) -> User:
    return works_at(centre, groups)


@pytest.fixture
def desk(worker: User) -> Client:
    return signed_in(worker)


def now() -> datetime:
    return timezone.now()


def page(ticket: Ticket) -> str:
    return reverse("admin:servicing_ticket_change", args=[ticket.pk])


def press(desk: Client, ticket: Ticket, do: str, **typed: object) -> Any:
    return desk.post(page(ticket), {"do": do, **{f"{do}-{name}": value for name, value in typed.items()}})


def lines(*rows: tuple[str, str, str, str]) -> dict[str, str]:
    data = {"lines-TOTAL_FORMS": str(len(rows)), "lines-INITIAL_FORMS": "0"}
    for n, row in enumerate(rows):
        data |= {
            f"lines-{n}-{name}": value
            for name, value in zip(("text", "quantity", "price", "tax_percent"), row, strict=True)
        }
    return data


def estimate(
    desk: Client, ticket: Ticket, *rows: tuple[str, str, str, str], do: str = "send_estimate", **typed: str
) -> Any:
    day = (now() + timedelta(days=9)).date().isoformat()
    facts = {"valid_until": day, "note": "Worn out", **typed}
    address = reverse("admin:servicing_ticket_estimate", args=[ticket.pk])
    return desk.post(
        address, {do: "1", "do": do, **{f"send_estimate-{k}": v for k, v in facts.items()}, **lines(*rows)}
    )


def test_a_job_goes_its_whole_way_by_buttons_and_each_event_names_who_pressed(
    world: World, centre: ServiceCentre, worker: User, desk: Client
) -> None:
    ticket = a_request(world, centre, at=now() - timedelta(hours=9), warranty=True)
    press(desk, ticket, "accept")
    press(desk, ticket, "book_in", condition="Scratched\nat the foot", accessories="Strap")
    press(desk, ticket, "decide_warranty", decision="no", why="not_covered")
    press(desk, ticket, "assess")
    estimate(desk, ticket, ("Shutter", "1", "1200.50", "15"), ("Labour", "1.5", "400", "15"), ("", "", "", ""))
    row = ticket.estimates.get()
    assert (row.currency, row.net, row.tax) == ("ZAR", Decimal("1800.50"), Decimal("270.08"))
    press(desk, ticket, "answer_estimate", answer="yes")
    press(desk, ticket, "order_part", name="Shutter unit", expected_on=(now() + timedelta(days=60)).date())
    part = ticket.parts.get()
    press(desk, ticket, "expect_part", part=part.pk, expected_on=(now() + timedelta(days=2)).date())
    press(desk, ticket, "part_arrived", part=part.pk)
    press(desk, ticket, "start_repair")
    press(desk, ticket, "ready")
    press(desk, ticket, "ship", carrier="Courier", tracking="ZA 1", tracking_url="https://example.org/ZA1")
    assert press(desk, ticket, "close").status_code == 302
    ticket.refresh_from_db()
    assert ticket.state == TicketState.CLOSED
    assert (ticket.condition, ticket.accessories, ticket.warranty) == (
        "Scratched\nat the foot",
        "Strap",
        Warranty.REFUSED,
    )
    assert (ticket.shipments.get().number, ticket.why_no_warranty) == ("ZA 1", "not_covered")
    by_desk = [event for event in ticket.events.all() if event.kind not in ("requested", "loan_offered")]
    assert {event.by for event in by_desk} == {worker}
    text = desk.get(page(ticket)).content.decode()
    assert worker.email in text
    assert "Shutter unit" in text


def test_an_earlier_time_is_read_by_the_clock_of_the_centre(world: World, centre: ServiceCentre, desk: Client) -> None:
    ticket = a_request(world, centre, at=now() - timedelta(days=3))
    when = (
        (now() - timedelta(days=2))
        .astimezone(centre.calendar.zone)
        .replace(hour=10, minute=30, second=0, microsecond=0)
    )
    press(desk, ticket, "book_in", occurred_at=when.strftime("%Y-%m-%dT%H:%M"))
    event = ticket.events.get(kind=EventKind.BOOKED_IN)
    assert event.occurred_at == when
    assert event.received_at > when
    answer = press(desk, ticket, "assess", occurred_at="2099-01-01T10:00")
    assert "This is in the future" in answer.content.decode()
    assert "2099-01-01T10:00" in answer.content.decode()


def test_refusals_are_shown_at_their_fields_and_no_input_is_lost(
    world: World, centre: ServiceCentre, desk: Client
) -> None:
    ticket = a_request(world, centre, at=now())
    press(desk, ticket, "book_in")
    press(desk, ticket, "assess")
    answer = estimate(desk, ticket, ("Shutter", "1", "12.505", "15"), ("Labour", "x", "", "15"))
    text = answer.content.decode()
    for kept in ("Shutter", "12.505", 'value="x"', "Worn out", "Write a number", "the unit price"):
        assert kept in text
    answer = estimate(desk, ticket, ("", "", "", ""), ("Shutter", "1", "12.505", ""))
    assert answer.context["lines"].forms[1].errors["price"]
    answer = estimate(desk, ticket, ("Shutter", "1", "12", ""), do="add_line")
    assert len(answer.context["lines"].forms) == 2
    assert "Shutter" in answer.content.decode()
    assert not ticket.estimates.exists()
    refused = press(desk, ticket, "decide_warranty", decision="yes")
    assert "no proof of purchase" in refused.content.decode()
    ticket.refresh_from_db()
    assert ticket.state == TicketState.ASSESSED


@each_row("do", ["ship", "nonsense", "", "send_estimate", "part_arrived", "expect_part", "answer_estimate"])
def test_a_button_that_is_not_there_changes_nothing(world: World, centre: ServiceCentre, desk: Client, do: str) -> None:
    ticket = a_request(world, centre, at=now())
    typed = {"answer_estimate-answer": "yes", "part_arrived-part": "9" * 30, "send_estimate-occurred_at": "\x00"}
    assert desk.post(page(ticket), {"do": do, **typed}).status_code in (200, 302)
    ticket.refresh_from_db()
    assert ticket.state == TicketState.REQUESTED


def test_pressed_twice_is_written_once(world: World, centre: ServiceCentre, desk: Client) -> None:
    ticket = a_request(world, centre, at=now())
    press(desk, ticket, "book_in")
    press(desk, ticket, "assess")
    press(desk, ticket, "no_charge", why_no_charge="goodwill")
    for _time in range(2):
        press(desk, ticket, "order_part", name="Shutter", once="a" * 32)
    assert ticket.parts.count() == 1


def test_a_question_stops_the_clock_until_the_answer_that_came_by_phone(
    world: World, centre: ServiceCentre, desk: Client
) -> None:
    ticket = a_request(world, centre, at=now())
    press(desk, ticket, "book_in")
    press(desk, ticket, "write", text="Which lens was on it?", asks="on")
    ticket.refresh_from_db()
    assert ticket.paused
    assert ticket.messages.get().text == "Which lens was on it?"
    assert world.ana.notices.filter(read_at=None, params__kind="question_asked").exists()
    press(desk, ticket, "answer_question")
    assert not Ticket.objects.get().paused
    assert not world.ana.notices.filter(read_at=None, params__kind="question_asked").exists()


def test_a_stolen_product_is_not_booked_in_and_its_owner_is_notified(
    world: World, centre: ServiceCentre, desk: Client
) -> None:
    ticket = a_request(world, centre, at=now())
    facts: dict[str, Any] = {"police_reference": "CR 1", "stolen_on": None, "note": "", "by": world.staff, "at": now()}
    stolen_reports.report_by_staff(product=ticket.product, serial=ticket.serial, **facts)
    answer = press(desk, ticket, "book_in", condition="As new")
    assert "call support now" in answer.content.decode()
    assert "As new" in answer.content.decode()
    assert Sighting.objects.get().where == "centre"
    ticket.refresh_from_db()
    assert ticket.booked_in_at is None


def test_the_queue_is_sorted_by_due_date_and_found_by_what_is_read_on_the_phone(
    world: World, centre: ServiceCentre, desk: Client
) -> None:
    actor = Actor(user=world.staff)
    later = a_request(world, centre, "012345678901", at=now())
    sooner = a_request(world, centre, "012345678902", at=now() - timedelta(days=30), member=world.ben)
    press(desk, later, "book_in")
    record_event(
        ticket=sooner, kind=EventKind.BOOKED_IN, actor=actor, at=now() - timedelta(days=30), data={"target_days": 1}
    )
    coming = a_request(world, centre, "012345678903", at=now())
    tracking = Tracking("DHL", "JD01467001")
    mark_sent(parcel=coming.parcel, member=world.ana, tracking=tracking, actor=Actor(user=world.ana.user), at=now())
    shown = desk.get(QUEUE)
    assert list(shown.context["cl"].result_list) == [sooner, later]
    assert "late" in shown.content.decode()
    assert list(desk.get(QUEUE, {"clock": "late"}).context["cl"].result_list) == [sooner]
    for text in (
        coming.reference_in_groups.lower(),
        f" {coming.reference[:3]} {coming.reference[3:]}",
        "0123-4567-8903",
        coming.parcel.reference,
        "jd 0146-7001",
    ):
        assert list(desk.get(QUEUE, {"q": text}).context["cl"].result_list) == [coming], text
    assert list(desk.get(QUEUE, {"q": world.ben.number_in_groups}).context["cl"].result_list) == [sooner]
    for junk in ("'", "\x00", "9" * 500, "٣"):
        assert desk.get(QUEUE, {"q": junk}).status_code == 200


def test_queue_and_desk_ask_no_more_for_many_than_for_few(world: World, centre: ServiceCentre, desk: Client) -> None:
    def asked(url: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert desk.get(url).status_code == 200
        return len(queries)

    ticket = a_request(world, centre, at=now())
    press(desk, ticket, "book_in")
    press(desk, ticket, "write", text="More")
    asked(QUEUE)  # reads the counts of the rail for half a minute
    few = asked(QUEUE), asked(page(ticket))
    for n in range(4):
        item = Item(world.pro_body, f"02345678900{n}")
        other = open_at_counter(
            centre=centre,
            item=RequestedItem(item, ServiceKind.MAINTENANCE),
            actor=Actor(),
            at=now(),
            member=world.ben,
        )
        press(desk, other, "book_in")
        write_message(ticket=ticket, text=f"Part {n}", actor=Actor(user=world.staff), at=now())
        press(desk, ticket, "write", text="More")
    many = asked(QUEUE), asked(page(ticket))
    assert few == many
    assert many[0] <= 9 + SNAPSHOT_QUERIES
    assert many[1] <= 30 + SNAPSHOT_QUERIES


def test_what_one_types_at_the_counter_opens_the_job_and_books_it_in(
    world: World, centre: ServiceCentre, desk: Client
) -> None:
    row = validated(world.ana, world.pro_body, "012345678901")
    look = desk.post(reverse("admin:servicing_ticket_intake"), {"q": "0123 4567 8901"})
    ((registration, key, past_jobs),) = look.context["registrations"]
    assert (registration, past_jobs) == (row, [])
    url = f"{reverse('admin:servicing_ticket_open')}?key={key}"
    typed = {"centre": centre.pk, "service": "repair", "fault": "It sticks", "condition": "Worn", "accessories": "Cap"}
    told = desk.post(url, {"do": "check", **typed})
    assert told.context["entitlement"].track == "fast"
    assert "It sticks" in told.content.decode()
    lacking = desk.post(url, {"do": "open", **typed, "fault": ""})
    assert "Tell us what’s wrong with it" in lacking.content.decode()
    assert desk.post(url, {"do": "open_and_book_in", **typed}).status_code == 302
    ticket = Ticket.objects.get()
    assert (ticket.state, ticket.member, ticket.condition) == (TicketState.BOOKED_IN, world.ana, "Worn")
    by_reference = desk.post(reverse("admin:servicing_ticket_intake"), {"q": ticket.reference_in_groups})
    assert by_reference.url == page(ticket)  # type: ignore[attr-defined]


def test_what_is_in_no_kitbag_is_served_at_standard_speed(world: World, centre: ServiceCentre, desk: Client) -> None:
    look = desk.post(reverse("admin:servicing_ticket_intake"), {"q": world.ana.number_in_groups})
    ((member, key),) = look.context["members"]
    assert member == world.ana
    url = f"{reverse('admin:servicing_ticket_open')}?key={key}"
    typed = {"centre": centre.pk, "service": "maintenance", "serial": "055555555555"}
    unknown = desk.post(url, {"do": "open", **typed, "product_words": "toaster"})
    assert "No product has this name" in unknown.content.decode()
    assert desk.post(url, {"do": "open", **typed, "product_words": world.pro_body.name}).status_code == 302
    ticket = Ticket.objects.get()
    assert (ticket.registration, ticket.track, ticket.product) == (None, "standard", world.pro_body)


def test_a_stolen_serial_number_stops_the_intake(world: World, centre: ServiceCentre, desk: Client) -> None:
    row = validated(world.ana, world.pro_body, "012345678901")
    stolen_reports.report_own(
        registration=row, police_reference="CR 1", stolen_on=None, note="", by=world.ana.user, at=now()
    )
    look = desk.post(reverse("admin:servicing_ticket_intake"), {"q": row.serial})
    text = look.content.decode()
    assert "call support now" in text
    assert world.ana.last_name not in text
    assert Sighting.objects.get().where == "centre"


@each_row("q", ["", "nothing", "9" * 300, "\x00", "/c/x/", "2222-2222", "٣٣٣٣"])
def test_whatever_is_looked_up_gets_an_answer(desk: Client, q: str) -> None:
    assert desk.post(reverse("admin:servicing_ticket_intake"), {"q": q}).status_code == 200
    assert desk.get(reverse("admin:servicing_ticket_open"), {"key": q.strip("\0") or "x"}).status_code == 302


def test_targets_met_are_counted_by_centre_month_and_level(world: World, centre: ServiceCentre, desk: Client) -> None:
    in_time = a_request(world, centre, at=now())
    late = a_request(world, centre, "012345678902", at=now() - timedelta(days=40), member=world.ben)
    actor = Actor(user=world.staff)
    record_event(
        ticket=late, kind=EventKind.BOOKED_IN, actor=actor, at=now() - timedelta(days=40), data={"target_days": 2}
    )
    press(desk, in_time, "book_in")
    for ticket in (in_time, late):
        press(desk, ticket, "assess")
        press(desk, ticket, "ready")
    url = reverse("admin:servicing_ticket_numbers")
    shown = desk.get(url)
    assert (shown.context["jobs"], shown.context["met"]) == (2, 1)
    assert {row.centre for row in shown.context["rows"]} == {centre.name}
    assert desk.get(url, {"centre": "nonsense"}).status_code == 200
