"""A parcel arrives: one scan opens it, serials are compared, one button books everything in (R34, R49, R73)."""

import re
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from cps_portal.core.lib.errors import Refusal
from kitbag.actions import stolen_reports
from kitbag.models import Sighting
from members.models import User
from servicing.actions.events import Actor, record_event
from servicing.actions.shipping import ReturnTo, Tracking, mark_sent
from servicing.actions.tickets import book_in
from servicing.enums import EventKind, TicketState
from servicing.models import ServiceCentre, Ticket
from servicing.presenters.bar_codes import bar_code
from servicing.rules.matching import compare_serials
from tests.admin.conftest import signed_in
from tests.factories import UserFactory, validated
from tests.queries import SNAPSHOT_QUERIES
from tests.rows import each_row
from tests.servicing.jobs import a_centre, a_request
from tests.servicing.test_desk import works_at
from tests.servicing.test_packing import HOME
from tests.world import World

INTAKE = "/admin/servicing/ticket/intake/"


@pytest.fixture
def centre(world: World) -> ServiceCentre:
    return a_centre(street="1 Sample Street", postal_code="1685")


@pytest.fixture
def clerk(centre: ServiceCentre, groups: dict[str, Group]) -> User:
    return works_at(centre, groups)


@pytest.fixture
def desk(clerk: User) -> Client:
    return signed_in(clerk)


def request_of(world: World, centre: ServiceCentre, *serials: str) -> list[Ticket]:
    """Products of Ana in one parcel."""
    tickets = [
        a_request(world, centre, serial, timezone.now(), returns=ReturnTo(address=HOME), wish="standard")
        for serial in serials
    ]
    Ticket.objects.filter(pk__in=[ticket.pk for ticket in tickets]).update(parcel=tickets[0].parcel)
    return list(Ticket.objects.filter(parcel=tickets[0].parcel).order_by("pk"))


def page_of(ticket: Ticket) -> str:
    return reverse("admin:servicing_ticket_parcel", args=[ticket.parcel_id])


def typed(ticket: Ticket, **values: Any) -> dict[str, Any]:
    facts = {"here": "on", "scanned": "", "condition": "worn", "accessories": ["battery"], **values}
    return {f"t{ticket.pk}-{name}": value for name, value in facts.items() if value is not None}


def photo() -> SimpleUploadedFile:
    room = BytesIO()
    Image.new("RGB", (40, 30), "white").save(room, "JPEG")
    return SimpleUploadedFile("front.jpg", room.getvalue(), "image/jpeg")


@each_row(
    "announced, scanned, marked, wrong",
    [
        ("681000334", "681000334", "", 0),
        ("6810003342", "6810004342", "4", 1),
        ("6810003342", "6810003324", "24", 2),
        ("6810003342", "681000342", "", 1),
        ("6810003342", "68100033422", "2", 1),
        ("A123", "123", "", 1),
        ("123", "A123", "A", 1),
        ("123456", "654321", "654321", 6),
        ("12", "3456", "3456", 4),
        ("O123", "0123", "0", 1),
        ("1234567890", "1034567890", "0", 1),
    ],
)
def test_the_wrong_characters_are_marked(announced: str, scanned: str, marked: str, wrong: int) -> None:
    result = compare_serials(announced, scanned)
    assert "".join(run.text for run in result.announced) == announced
    assert "".join(run.text for run in result.scanned) == scanned
    assert "".join(run.text for run in result.scanned if run.differs) == marked
    assert (result.wrong, result.is_same) == (wrong, wrong == 0)


def test_a_bar_code_has_the_bars_of_its_signs() -> None:
    code = bar_code("CT8W2HNB")
    assert code.width == 10 + 11 * 10 + 13 + 10  # quiet zones, start, eight signs, check, stop
    assert code.bars[:3] == ((10, 2), (13, 1), (16, 1))  # the start sign of set B
    assert code.bars[-1] == (code.width - 12, 2)


def test_one_scan_opens_the_whole_parcel(world: World, centre: ServiceCentre, desk: Client) -> None:
    """The job, the parcel, the tracking number and the serial number of each product lead to it (R49, R61)."""
    first, second = request_of(world, centre, "012345678901", "012345678902")
    mark_sent(
        parcel=first.parcel,
        member=world.ana,
        tracking=Tracking("", "JD01"),
        actor=Actor(user=world.ana.user),
        at=timezone.now(),
    )
    scans = {
        first.reference_in_groups: page_of(first),
        second.reference: page_of(first),
        first.parcel.reference: page_of(first),
        "jd 01": page_of(first),
        second.serial: f"{page_of(first)}?scanned={second.pk}",
    }
    answers = {text: desk.post(INTAKE, {"q": text}).headers.get("Location") for text in scans}
    assert answers == scans
    found = desk.get(scans[second.serial])
    assert [product.is_same for product in found.context["products"]] == [False, True]
    shown = desk.post(INTAKE, {"q": world.ana.number_in_groups})
    assert page_of(first) in shown.content.decode(), "a member may have more than one parcel: it is chosen"
    assert first.product.name in desk.get(INTAKE).content.decode(), "what is expected is listed"


def test_everything_is_booked_in_by_one_button(world: World, centre: ServiceCentre, desk: Client, clerk: User) -> None:
    first, second = request_of(world, centre, "012345678901", "012345678902")
    rows = {
        **typed(
            first, scanned="0123 4567 8901", marks="Scratch on top", accessories=["battery", "strap"], others="Plate"
        ),
        **typed(second, scanned=second.serial, condition="new", photos=photo()),
    }
    answer = desk.post(page_of(first), {"do": "book_in", **rows})
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"{reverse('admin:servicing_ticket_print')}?t={first.pk}&t={second.pk}"
    for ticket in (first, second):
        ticket.refresh_from_db()
        assert ticket.state == TicketState.BOOKED_IN
        assert ticket.events.get(kind=EventKind.BOOKED_IN).by == clerk
        assert not ticket.notes.exists()
    assert (first.condition, first.accessories) == ("Some wear. Scratch on top", "Battery, Strap, Plate")
    assert (second.condition, second.files.count()) == ("Like new", 1)
    again = desk.post(page_of(first), {"do": "book_in", **rows})
    assert again.status_code == 200, "a second press books nothing in twice"
    assert Ticket.objects.get(pk=first.pk).events.filter(kind=EventKind.BOOKED_IN).count() == 1


def test_what_is_missing_from_the_parcel_stays_expected(world: World, centre: ServiceCentre, desk: Client) -> None:
    first, second = request_of(world, centre, "012345678901", "012345678902")
    desk.post(page_of(first), {"do": "book_in", **typed(first), **typed(second, here=None)})
    states = [Ticket.objects.get(pk=ticket.pk).state for ticket in (first, second)]
    assert states == [TicketState.BOOKED_IN, TicketState.REQUESTED]
    assert [product.ticket for product in desk.get(page_of(first)).context["products"]] == [second]


def test_another_number_has_to_be_confirmed_and_the_customer_is_asked(
    world: World, centre: ServiceCentre, desk: Client, clerk: User
) -> None:
    (ticket,) = request_of(world, centre, "012345678901")
    compared = desk.post(page_of(ticket), {"do": "check", **typed(ticket, scanned="012345678907", marks="Worn cap")})
    text = compared.content.decode()
    assert "<mark>7</mark>" in text
    assert "Worn cap" in text, "nothing typed is lost"
    refused = desk.post(page_of(ticket), {"do": "book_in", **typed(ticket, scanned="012345678907")})
    assert "Another number than announced" in refused.content.decode()
    assert Ticket.objects.get().state == TicketState.REQUESTED
    desk.post(page_of(ticket), {"do": "book_in", **typed(ticket, scanned="012345678907", is_other="on")})
    ticket.refresh_from_db()
    assert ticket.state == TicketState.BOOKED_IN
    assert "012345678907" in ticket.notes.get().text
    assert "012345678907" in ticket.messages.get(from_member=False).text
    assert ticket.serial == "012345678901", "the registration stays as it is until the member corrects it"


def test_a_number_in_another_kitbag_is_said_without_a_name(world: World, centre: ServiceCentre, desk: Client) -> None:
    (ticket,) = request_of(world, centre, "012345678901")
    validated(world.ben, world.pro_body, "012345678907")
    text = desk.post(page_of(ticket), {"do": "check", **typed(ticket, scanned="012345678907")}).content.decode()
    assert "Another member’s Kitbag has this number" in text
    assert not re.search(rf"\b{world.ben.first_name}\b", text)


@each_row("number", ["012345678907", "012345678901"])
@each_row("do", ["check", "book_in"])
def test_a_stolen_product_stops_everything_and_nobody_reads_why(
    world: World, centre: ServiceCentre, desk: Client, do: str, number: str
) -> None:
    """R34: whether the announced or the scanned number is reported; nothing of the parcel is booked in."""
    first, second = request_of(world, centre, "012345678901", "012345678902")
    row = first.registration if number == first.serial else validated(world.ben, world.pro_body, number)
    assert row
    stolen_reports.report_own(
        registration=row, police_reference="CR 1", stolen_on=None, note="", by=row.member.user, at=timezone.now()
    )
    answer = desk.post(page_of(first), {"do": do, **typed(first, scanned=number, is_other="on"), **typed(second)})
    text = answer.content.decode()
    assert "call support now" in text
    for words in ("stolen", "theft", "police", "CR 1", "Ben", "Ana"):
        # Whole words: a reference or a token can contain a name.
        assert not re.search(rf"\b{words}\b", text[text.index("<main") :], re.IGNORECASE), words
    assert {ticket.state for ticket in Ticket.objects.all()} == {TicketState.REQUESTED}
    assert Sighting.objects.get().where == "centre"


def test_what_happened_at_the_counter_is_recorded_for_support(
    world: World, centre: ServiceCentre, desk: Client, clerk: User, groups: dict[str, Group]
) -> None:
    row = validated(world.ben, world.pro_body, "012345678907")
    stolen_reports.report_own(
        registration=row, police_reference="CR 1", stolen_on=None, note="", by=row.member.user, at=timezone.now()
    )
    stopped = desk.post(INTAKE, {"q": row.serial})
    key = stopped.context["key"]
    record = reverse("admin:servicing_ticket_stopped")
    lacking = desk.post(record, {"key": key, "came": "counter", "who": "Kim"})
    assert list(lacking.context["form"].errors) == ["what"]
    assert "Kim" in lacking.content.decode()
    facts = {"came": "counter", "what": "waits", "who": "Kim", "phone": "+27 11 000 0000"}
    assert "Now call support" in desk.post(record, {"key": key, **facts}, follow=True).content.decode()
    sighting = Sighting.objects.get()
    assert (sighting.note.splitlines(), sighting.noted_by) == (
        ["Over the counter", "Person waits", "Kim", "+27 11 000 0000"],
        clerk,
    )
    desk.post(record, {"key": "forged", **facts})
    assert Sighting.objects.get().note == sighting.note
    support = UserFactory(is_staff=True)
    support.groups.add(groups["Support"])
    assert "Person waits" in signed_in(support).get("/admin/kitbag/sighting/").content.decode()


@each_row(
    "field, value",
    [
        ("scanned", "x" * 41),
        ("scanned", "\x00"),
        ("condition", "melted"),
        ("accessories", ["gold"]),
        ("marks", "x" * 501),
        ("others", "x" * 151),
        ("scanned", "no digits"),
        ("scanned", "4549292075700"),
    ],
)
def test_what_cannot_be_read_is_refused_beside_its_field(
    world: World, centre: ServiceCentre, desk: Client, field: str, value: Any
) -> None:
    (ticket,) = request_of(world, centre, "012345678901")
    answer = desk.post(page_of(ticket), {"do": "book_in", **typed(ticket, **{field: value})})
    assert answer.status_code == 200
    (product,) = answer.context["products"]
    assert list(product.form.errors) == [field]
    assert Ticket.objects.get().state == TicketState.REQUESTED


def test_what_the_customer_announced_is_ticked(world: World, centre: ServiceCentre, desk: Client) -> None:
    (ticket,) = request_of(world, centre, "012345678901")
    Ticket.objects.update(accessories="battery, Strap, two odd plates")
    (product,) = desk.get(page_of(ticket)).context["products"]
    assert product.form["accessories"].value() == ["battery", "strap"]
    assert product.form["others"].value() == "two odd plates"
    assert 'capture="environment"' in desk.get(page_of(ticket)).content.decode()


def test_the_papers_of_a_parcel_are_on_one_page(world: World, centre: ServiceCentre, desk: Client) -> None:
    # R61
    first, second = request_of(world, centre, "012345678901", "012345678902")
    page = desk.get(reverse("admin:servicing_ticket_print"), {"t": [first.pk, second.pk]})
    text = page.content.decode()
    assert (len(page.context["sheets"]), len(page.context["labels"])) == (2, 1)
    assert 'id="sheet"' in text
    assert 'id="label"' in text
    assert "14 Sixth Street" in text
    first.parcel.street = first.parcel.city = ""
    first.parcel.save()
    assert "Enter the address" in desk.get(reverse("admin:servicing_ticket_print"), {"t": first.pk}).content.decode()


def test_the_page_needs_no_more_queries_for_many_products(world: World, centre: ServiceCentre, desk: Client) -> None:
    def queries(url: str, **query: Any) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert desk.get(url, query).status_code == 200
        return len(captured)

    (one,) = request_of(world, centre, "012345678901")
    print_page = reverse("admin:servicing_ticket_print")
    desk.get(page_of(one))
    few = [queries(page_of(one)), queries(print_page, t=one.pk), queries(INTAKE)]
    more = [a_request(world, centre, f"0123456789{n:02}", timezone.now(), wish="standard") for n in range(2, 5)]
    Ticket.objects.filter(pk__in=[ticket.pk for ticket in more]).update(parcel=one.parcel)
    keys = list(Ticket.objects.values_list("pk", flat=True))
    many = [queries(page_of(one)), queries(print_page, t=keys), queries(INTAKE)]
    assert many == few
    assert max(many) <= 18 + SNAPSHOT_QUERIES


def test_only_those_who_work_at_the_centre_take_in_and_print(
    world: World, centre: ServiceCentre, groups: dict[str, Group]
) -> None:
    # R54, R55
    (ticket,) = request_of(world, centre, "012345678901")
    people: dict[str, User] = {"own": works_at(centre, groups), "other": works_at(a_centre("cape"), groups)}
    for name in ("Support", "Programme"):
        people[name] = UserFactory(is_staff=True)
        people[name].groups.add(groups[name])
    people["none"] = UserFactory(is_staff=True)
    User.objects.filter(pk=world.ana.user_id).update(is_staff=True)
    people["owner"] = User.objects.get(pk=world.ana.user_id)
    people["owner"].groups.add(groups["Support"])
    clients = {name: signed_in(user) for name, user in people.items()}
    expected = {"own": 200, "other": 404, "Support": 200, "Programme": 403, "none": 403, "owner": 404}
    assert {name: client.get(page_of(ticket)).status_code for name, client in clients.items()} == expected
    printed = f"{reverse('admin:servicing_ticket_print')}?t={ticket.pk}"
    seen = {name: client.get(printed).status_code for name, client in clients.items()}
    assert seen == {"own": 200, "other": 404, "Support": 200, "Programme": 200, "none": 403, "owner": 200}
    stopped = reverse("admin:servicing_ticket_stopped")
    asked = {name: client.post(stopped, {"key": "x"}).status_code for name, client in clients.items()}
    assert asked == {"own": 302, "other": 302, "Support": 302, "Programme": 403, "none": 403, "owner": 302}
    for name in ("other", "Programme", "none", "owner"):
        clients[name].post(page_of(ticket), {"do": "book_in", **typed(ticket)})
        assert Ticket.objects.get().state == TicketState.REQUESTED, name


def test_who_waited_for_the_lock_does_not_book_in_a_second_time(world: World, centre: ServiceCentre) -> None:
    """Their moment is earlier than what was recorded meanwhile; it is no late report (R49, R52)."""
    (ticket,) = request_of(world, centre, "012345678901")
    now = timezone.now() + timedelta(minutes=1)
    first, second = (Actor(user=UserFactory(is_staff=True)) for _n in range(2))
    book_in(ticket=ticket, actor=first, at=now)
    with pytest.raises(Refusal) as refused:
        book_in(ticket=ticket, actor=second, at=now - timedelta(seconds=1))
    assert refused.value.code == "move"
    assert ticket.events.filter(kind=EventKind.BOOKED_IN).count() == 1
    assessed = record_event(ticket=ticket, kind=EventKind.ASSESSED, actor=second, at=now - timedelta(seconds=1))
    assert assessed.ticket.state == TicketState.ASSESSED, "and what is done now happens after it"
    reported = record_event(
        ticket=ticket,
        kind=EventKind.ACCEPTED,
        actor=second,
        at=now,
        occurred_at=now - timedelta(seconds=30),
        external_id="late",
    )
    assert reported.ticket.state == TicketState.ASSESSED, "a report that says when is kept, late as it is"


def test_whether_something_can_be_done_now_does_not_depend_on_when_the_clock_was_read(
    world: World, centre: ServiceCentre
) -> None:
    """For every kind of event: before or after the moment of the last one (R52)."""
    (ticket,) = request_of(world, centre, "012345678901")
    now = timezone.now() + timedelta(minutes=1)
    clerk = Actor(user=UserFactory(is_staff=True))
    book_in(ticket=ticket, actor=clerk, at=now)

    def outcome(kind: EventKind, at: datetime) -> str:
        with transaction.atomic():
            try:
                done = record_event(ticket=ticket, kind=kind, actor=clerk, at=at)
            except Refusal as refusal:
                return refusal.code
            finally:
                transaction.set_rollback(True)
        return done.ticket.state

    waited, later = now - timedelta(seconds=1), now + timedelta(seconds=1)
    outcomes = {kind: (outcome(kind, waited), outcome(kind, later)) for kind in EventKind}
    assert {kind: pair for kind, pair in outcomes.items() if pair[0] != pair[1]} == {}
    assert {"move", TicketState.ASSESSED} <= {pair[0] for pair in outcomes.values()}
