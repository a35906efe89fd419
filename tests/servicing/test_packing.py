"""Boxes are packed by scanning and leave in batches; shipments are corrected; staff enter addresses (R53, R61)."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cps_portal.core.lib.errors import Refusal
from members.addresses import Address
from members.models import Member, Notice, User
from servicing.actions import packing, shipping
from servicing.actions.centres import load_carriers
from servicing.actions.events import Actor, record_event
from servicing.actions.loan_dates import loan_terms
from servicing.actions.service_requests import RequestedItem, open_at_counter
from servicing.actions.shipping import ReturnTo, Tracking
from servicing.actions.visitors import Visitor, open_for_visitor
from servicing.enums import EventKind, ServiceKind, TicketState
from servicing.models import Loan, LoanUnit, PackedTicket, ServiceCentre, Shipment, Ticket
from servicing.queries.entitlement import Item
from servicing.queries.packing import find_scanned, loans_out, ready_tickets
from tests.admin.conftest import signed_in
from tests.factories import UserFactory
from tests.queries import SNAPSHOT_QUERIES
from tests.rows import each_row
from tests.servicing.jobs import HOUR, MONDAY, a_centre, at_the_centre
from tests.servicing.test_desk import works_at
from tests.world import World

PHONE = "+27820000146"
HOME = Address("Ana Example", "ZA", "14 Sixth Street", "Johannesburg", postal_code="2092", phone=PHONE)
STUDIO = Address("Ana Example", "ZA", "3 Loop Street", "Cape Town", postal_code="8001", phone=PHONE)
SHIP = "/admin/servicing/ticket/ship/"


@pytest.fixture
def centre(world: World) -> ServiceCentre:
    load_carriers()
    return a_centre(street="1 Sample Street", postal_code="1685")


@pytest.fixture
def clerk(centre: ServiceCentre, groups: dict[str, Group]) -> User:
    return works_at(centre, groups)


@pytest.fixture
def desk(clerk: User) -> Client:
    return signed_in(clerk)


def ready(
    world: World,
    centre: ServiceCentre,
    number: int,
    *,
    member: Member | None = None,
    to: Address | None = HOME,
) -> Ticket:
    """A job that is ready to ship; `to` None: collected at the centre."""
    ticket = at_the_centre(
        world, centre, f"0123456789{number:02}", member=member, returns=ReturnTo(address=to), wish="standard"
    )
    return record_event(ticket=ticket, kind=EventKind.READY, actor=Actor(user=world.staff), at=MONDAY + 2 * HOUR).ticket


def scan(desk: Client, text: str, **typed: Any) -> Any:
    return desk.post(SHIP, {"do": "scan", "scan": text, "carrier": "DHL", **typed}, follow=True)


def typed_rows(answer: Any) -> dict[str, str]:
    """What the form of the page sends along."""
    rows = answer.context["rows"]
    hidden = {f"was-{row.ticket.pk}": row.stored for row in rows}
    return {**hidden, **{f"tracking-{row.ticket.pk}": row.typed for row in rows}}


def test_two_jobs_of_one_customer_leave_in_one_box_by_scans_alone(
    world: World, centre: ServiceCentre, desk: Client
) -> None:
    # R61
    first, second = ready(world, centre, 1), ready(world, centre, 2)
    for ticket in (first, second):
        answer = scan(desk, ticket.reference_in_groups)
        assert answer.context["now"] == ticket
        answer = scan(desk, "JD01 46 0001", now=ticket.pk)
        assert answer.context["now"] is None
    assert [row.state for row in answer.context["rows"]] == ["packed", "same_box"]
    assert "went into the box of" in answer.content.decode()
    answer = desk.post(SHIP, {"do": "ship", "carrier": "DHL"}, follow=True)
    assert "2 jobs left in 1 box." in answer.content.decode()
    box = Shipment.objects.get()
    assert (box.number, box.carrier_text, set(box.tickets.all())) == ("JD01 46 0001", "DHL", {first, second})
    assert not PackedTicket.objects.exists()
    assert {ticket.state for ticket in Ticket.objects.all()} == {TicketState.SHIPPED}


def test_what_a_scan_does(world: World, centre: ServiceCentre, desk: Client) -> None:
    """A table of scans, one after the other on one page: the text, the job that waits, whether it is refused (R61)."""
    mine, other = ready(world, centre, 1), ready(world, centre, 2, member=world.ben)
    collected, nowhere = ready(world, centre, 3, to=None), ready(world, centre, 4, member=world.chloe)
    PackedTicket.objects.create(ticket=other, number="TAKEN 1", number_key="TAKEN1", by=world.staff, at=timezone.now())
    nowhere.parcel.street = nowhere.parcel.city = ""
    nowhere.parcel.save()
    elsewhere = ready(world, a_centre("cape", street="2 Sample Street"), 5)
    rows: list[tuple[str, Ticket | None, Ticket | None, bool]] = [
        # scanned, waiting before, waiting after, refused
        (mine.reference, None, mine, False),
        (f" {mine.reference_in_groups.lower()} ", None, mine, False),
        (mine.serial, None, mine, False),
        (mine.parcel.reference, None, mine, False),
        (mine.reference, mine, mine, False),  # the same sheet twice does no harm
        (other.reference, mine, other, False),  # another sheet instead of a number
        ("TAKEN-1", mine, mine, True),  # on another customer's box
        ("taken 1", None, None, False),  # a label again, nothing waits
        ("JD 99", None, None, True),  # a number first
        (collected.reference, None, None, True),
        (nowhere.reference, None, None, True),
        (elsewhere.reference, None, None, True),  # of another centre
        ("--", mine, mine, True),
        ("", mine, mine, False),
        ("9" * 61, mine, mine, True),  # no tracking number is that long
        ("JD 1", mine, None, False),
    ]
    answers = []
    for text, before, _after, _refused in rows:
        answer = scan(desk, text, **({"now": before.pk} if before else {}))
        form = answer.context["form"]
        answers.append((answer.context["now"], bool(form.errors)))
    assert answers == [(after, refused) for _text, _before, after, refused in rows]
    assert mine.packed.number == "JD 1"


def test_numbers_can_be_typed_corrected_and_deleted_in_the_rows(
    world: World, centre: ServiceCentre, desk: Client
) -> None:
    first, second = ready(world, centre, 1), ready(world, centre, 2, member=world.ben)
    page = typed_rows(desk.get(SHIP))
    typed = {**page, f"tracking-{first.pk}": "JD 1", f"tracking-{second.pk}": "JD 1"}
    answer = desk.post(SHIP, {"do": "save", "carrier": "DHL", **typed})
    assert "another customer’s" in answer.content.decode(), "the refusal stands in its row"
    assert 'value="JD 1"' in answer.content.decode(), "nothing typed is lost"
    assert list(PackedTicket.objects.values_list("ticket", "number")) == [(first.pk, "JD 1")]
    # Somebody packs the second in the meantime: a page that did not touch its row leaves it alone.
    packing.pack(ticket=second, tracking=Tracking("DHL", "JD 2"), by=world.staff, at=timezone.now())
    stale = {f"was-{first.pk}": "JD 1", f"tracking-{first.pk}": "", f"was-{second.pk}": "", f"tracking-{second.pk}": ""}
    desk.post(SHIP, {"do": "save", "carrier": "DHL", **stale})
    assert list(PackedTicket.objects.values_list("ticket", "number")) == [(second.pk, "JD 2")]
    assert desk.post(SHIP, {"do": "ship", "carrier": "DHL", f"tracking-{second.pk}": "JD 2"}).status_code == 302
    assert not PackedTicket.objects.exists()


def test_a_box_that_was_unticked_stays_and_undo_takes_the_last_scan_back(
    world: World, centre: ServiceCentre, desk: Client, clerk: User
) -> None:
    first, second = ready(world, centre, 1), ready(world, centre, 2, member=world.ben)
    for ticket in (first, second):
        packing.pack(ticket=ticket, tracking=Tracking("DHL", f"JD {ticket.pk}"), by=clerk, at=timezone.now())
    rows = typed_rows(desk.get(SHIP))
    chosen = {f"chosen-{first.pk}": "1", f"chosen-{second.pk}": "1", "s": [str(first.pk)]}
    desk.post(SHIP, {"do": "ship", "carrier": "", **rows, **chosen})
    assert Ticket.objects.get(pk=first.pk).state == TicketState.SHIPPED
    assert Ticket.objects.get(pk=second.pk).state == TicketState.READY
    desk.post(SHIP, {"do": "undo", "carrier": ""})
    assert not PackedTicket.objects.exists()


def test_one_box_cannot_go_to_two_addresses_nor_leave_twice(world: World, centre: ServiceCentre, clerk: User) -> None:
    first, second = ready(world, centre, 1), ready(world, centre, 2, to=STUDIO)
    third = ready(world, centre, 3, member=world.ben)
    pack = {"by": clerk, "at": timezone.now()}
    packing.pack(ticket=first, tracking=Tracking("DHL", "JD 1"), **pack)
    with pytest.raises(Refusal, match="another address"):
        packing.pack(ticket=second, tracking=Tracking("DHL", "JD 1"), **pack)
    batch = packing.ship_packed(tickets=[first], actor=Actor(user=clerk), at=timezone.now())
    assert (batch.jobs, batch.boxes, batch.refusals) == (1, 1, {})
    with pytest.raises(Refusal, match="left already"):
        packing.pack(ticket=third, tracking=Tracking("DHL", "jd1"), **pack)
    with pytest.raises(Refusal, match="shipped"):
        packing.pack(ticket=first, tracking=Tracking("DHL", "JD 2"), **pack)
    assert packing.ship_packed(tickets=[first], actor=Actor(user=clerk), at=timezone.now()).jobs == 0


def test_a_loan_that_is_still_out_is_said_before_its_job_leaves(
    world: World, centre: ServiceCentre, desk: Client
) -> None:
    # R53
    ticket = ready(world, centre, 1)
    unit = LoanUnit.objects.create(centre=centre, product=world.pro_body, serial="LN-0005")
    loan = Loan.objects.create(
        unit=unit, ticket=ticket, member=world.ana, state="out", reserved_at=MONDAY, agreed_at=MONDAY, out_at=MONDAY
    )
    Ticket.objects.filter(pk=ticket.pk).update(loan_out=True)
    page = desk.get(SHIP).content.decode()
    assert "Ana Example still has the loan EOS R1 Test, LN-0005" in page
    tickets = list(ready_tickets(world.staff) | Ticket.objects.filter(pk=ticket.pk))
    (out,) = loans_out(tickets, loan_terms(), MONDAY + 2 * HOUR)
    assert (out.loan, out.due_back) == (loan, date(2026, 3, 9)), "three days of the carrier, two days to bring it"
    Loan.objects.update(due_back=date(2026, 3, 20))
    (out,) = loans_out(tickets, loan_terms(), MONDAY + 2 * HOUR)
    assert out.due_back == date(2026, 3, 20), "never earlier than the day that was told"


def test_the_labels_of_all_that_is_sent_are_printed_without_sheets(
    world: World, centre: ServiceCentre, desk: Client
) -> None:
    sent, collected = ready(world, centre, 1), ready(world, centre, 2, to=None)
    page = desk.get(SHIP)
    assert page.context["label_count"] == 1
    assert "Print 1 label" in page.content.decode()
    printed = desk.get(page.context["labels"])
    assert [label.tickets for label in printed.context["labels"]] == [[sent]]
    assert printed.context["sheets"] == []
    assert f"t={collected.pk}" not in page.context["labels"]


def test_a_scan_prefers_what_is_not_packed_yet(world: World, centre: ServiceCentre, clerk: User) -> None:
    first, second = ready(world, centre, 1), ready(world, centre, 2)
    Ticket.objects.filter(pk=second.pk).update(parcel=first.parcel)
    tickets = list(ready_tickets(clerk))
    assert find_scanned(first.parcel.reference, tickets) == first
    packing.pack(ticket=first, tracking=Tracking("DHL", "JD 1"), by=clerk, at=timezone.now())
    assert find_scanned(first.parcel.reference, list(ready_tickets(clerk))) == second


def test_the_page_needs_no_more_queries_for_many_jobs(world: World, centre: ServiceCentre, desk: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert desk.get(SHIP).status_code == 200
        return len(captured)

    ready(world, centre, 1)
    desk.get(SHIP)
    few = queries()
    for number in range(2, 5):
        ready(world, centre, number, member=[world.ana, world.ben, world.chloe][number % 3])
    assert queries() == few <= 14 + SNAPSHOT_QUERIES


# --- Corrected shipments -----------------------------------------------------------------------------


def test_a_corrected_shipment_is_in_the_timeline_of_each_job_in_the_box(
    world: World, centre: ServiceCentre, desk: Client, clerk: User
) -> None:
    # R61
    first, second = ready(world, centre, 1), ready(world, centre, 2)
    box = shipping.ship_together(
        tickets=[first, second], tracking=Tracking("DHL", "JD 1"), actor=Actor(user=clerk), at=timezone.now()
    )
    assert box
    page = reverse("admin:servicing_ticket_shipment", args=[first.pk, box.pk])
    assert "JD 1" in desk.get(page).content.decode()
    day = (timezone.localdate() + timedelta(days=2)).isoformat()
    facts = {"carrier": "DHL", "tracking": "JD 2", "tracking_url": "", "expected_on": day}
    assert desk.post(page, facts).status_code == 302
    box.refresh_from_db()
    assert (box.number, box.number_key, box.expected_on.isoformat()) == ("JD 2", "JD2", day)
    for ticket in (first, second):
        event = ticket.events.get(kind=EventKind.SHIPMENT_CORRECTED)
        assert (event.by, event.data) == (clerk, {"shipment": box.pk})
    assert Notice.objects.filter(params__kind="shipment_corrected").count() == 2
    desk.post(page, facts)
    assert first.events.filter(kind=EventKind.SHIPMENT_CORRECTED).count() == 1, "the same again is no change"
    assert "Tracking corrected" in desk.get(reverse("admin:servicing_ticket_change", args=[first.pk])).content.decode()


@pytest.fixture
def shipped(world: World, centre: ServiceCentre) -> Ticket:
    ticket = ready(world, centre, 1)
    shipping.ship(ticket=ticket, tracking=Tracking("DHL", "JD 1"), actor=Actor(user=world.staff), at=timezone.now())
    return ticket


@each_row(
    "field, value",
    [
        ("tracking", "1" * 61),
        ("carrier", "x" * 61),
        ("tracking_url", "http://example.org"),
        ("tracking_url", "https://" + "x" * 300),
        ("tracking_url", "javascript:alert(1)"),
        ("expected_on", "2020-01-01"),
        ("expected_on", "2099-01-01"),
        ("expected_on", "soon"),
        ("expected_on", "0001-01-01"),
        ("tracking", "1\x00"),
    ],
)
def test_a_wrong_correction_is_refused_beside_its_field(shipped: Ticket, desk: Client, field: str, value: str) -> None:
    page = reverse("admin:servicing_ticket_shipment", args=[shipped.pk, shipped.shipments.get().pk])
    facts = {"carrier": "DHL", "tracking": "JD 2", "tracking_url": "", "expected_on": ""}
    answer = desk.post(page, {**facts, field: value})
    assert answer.status_code == 200
    assert list(answer.context["form"].errors) == [field]
    assert shipped.shipments.get().number == "JD 1"


def test_a_day_that_has_passed_does_not_keep_a_number_from_being_corrected(
    world: World, centre: ServiceCentre, clerk: User
) -> None:
    ticket = ready(world, centre, 1)
    shipping.ship(
        ticket=ticket,
        tracking=Tracking("DHL", "JD 1", expected_on=date(2026, 3, 4)),
        actor=Actor(),
        at=MONDAY + 3 * HOUR,
    )
    box = ticket.shipments.get()
    late = Tracking("DHL", "JD 2", expected_on=date(2026, 3, 4))
    shipping.correct_shipment(
        ticket=ticket, shipment=box, tracking=late, actor=Actor(user=clerk), at=MONDAY + 200 * HOUR
    )
    box.refresh_from_db()
    assert box.number == "JD 2"


# --- A return address entered by staff ---------------------------------------------------------------


def counter_job(world: World, centre: ServiceCentre, clerk: User, *, visiting: bool = False) -> Ticket:
    actor, at = Actor(user=clerk), timezone.now()
    item = RequestedItem(Item(world.pro_body, serial="055555555555"), ServiceKind.REPAIR, fault="Sticks")
    if visiting:
        visitor = Visitor(
            region="asia", card_number="A 1", expires_on=date(2030, 1, 1), name="Kei", email="kei@example.org"
        )
        return open_for_visitor(visitor=visitor, centre=centre, item=item, actor=actor, at=at)
    return open_at_counter(centre=centre, item=item, actor=actor, at=at, member=world.ana)


TYPED = {
    "back": "send",
    "name": "Ana Example",
    "country": "ZA",
    "street": "14 Sixth Street",
    "city": "Johannesburg",
    "postal_code": "2092",
    "phone": "082 000 0146",
}


@each_row("visiting", [False, True])
def test_staff_enter_the_address_of_a_job_from_the_counter(
    world: World, centre: ServiceCentre, clerk: User, desk: Client, visiting: bool
) -> None:
    # R61
    ticket = counter_job(world, centre, clerk, visiting=visiting)
    page = reverse("admin:servicing_ticket_return", args=[ticket.pk])
    assert desk.get(page).status_code == 200
    answer = desk.post(page, {**TYPED, "postal_code": ""})
    assert list(answer.context["address"].errors) == ["postal_code"]
    assert "14 Sixth Street" in answer.content.decode()
    assert desk.post(f"{page}?next=ship", TYPED).url == SHIP
    ticket = Ticket.objects.select_related("parcel").get(pk=ticket.pk)
    assert (ticket.parcel.street, ticket.parcel.phone, ticket.parcel.returns) == ("14 Sixth Street", PHONE, True)
    event = ticket.events.get(kind=EventKind.SHIPPING_CHANGED)
    assert event.by == clerk


def test_another_country_shows_its_own_fields_and_saves_nothing(
    world: World, centre: ServiceCentre, clerk: User, desk: Client
) -> None:
    ticket = counter_job(world, centre, clerk)
    page = reverse("admin:servicing_ticket_return", args=[ticket.pk])
    answer = desk.post(page, {**TYPED, "country": "TR", "go": "country"})
    names = {field.name for field in answer.context["address"]}
    assert "country_area" in names
    assert not answer.context["address"].errors
    ticket.parcel.refresh_from_db()
    assert not ticket.parcel.has_address


def test_a_job_from_the_counter_that_is_ready_can_be_sent_after_all(
    world: World, centre: ServiceCentre, desk: Client
) -> None:
    ticket = ready(world, centre, 1, to=None)
    page = reverse("admin:servicing_ticket_return", args=[ticket.pk])
    assert f"{page}?next=ship" in desk.get(SHIP).content.decode()
    desk.post(page, TYPED)
    (row,) = desk.get(SHIP).context["rows"]
    assert row.state == "waiting", "it can be packed now"


def test_a_product_is_collected_only_where_there_is_a_counter(
    world: World, centre: ServiceCentre, clerk: User, desk: Client
) -> None:
    ticket = counter_job(world, centre, clerk)
    page = reverse("admin:servicing_ticket_return", args=[ticket.pk])
    assert desk.post(page, {"back": "collect"}).status_code == 302
    ticket.parcel.refresh_from_db()
    assert not ticket.parcel.returns
    ServiceCentre.objects.update(takes_drop_off=False)
    assert list(desk.post(page, {"back": "collect"}).context["form"].errors) == ["back"]


def test_after_it_has_left_the_address_stays(world: World, centre: ServiceCentre, desk: Client) -> None:
    ticket = ready(world, centre, 1)
    shipping.ship(ticket=ticket, tracking=Tracking("DHL", "JD 1"), actor=Actor(user=world.staff), at=timezone.now())
    page = reverse("admin:servicing_ticket_return", args=[ticket.pk])
    assert "can’t be changed" in desk.post(page, TYPED, follow=True).content.decode()
    ticket.parcel.refresh_from_db()
    assert ticket.parcel.city == "Johannesburg"


# --- Who may -----------------------------------------------------------------------------------------


def test_only_those_who_work_at_the_centre_reach_its_boxes(
    world: World, centre: ServiceCentre, groups: dict[str, Group]
) -> None:
    # R54, R55
    ticket = ready(world, centre, 1)
    shipped = ready(world, centre, 2)
    shipping.ship(ticket=shipped, tracking=Tracking("DHL", "JD 1"), actor=Actor(user=world.staff), at=timezone.now())
    people: dict[str, User] = {"own": works_at(centre, groups), "other": works_at(a_centre("cape"), groups)}
    for name in ("Support", "Programme"):
        people[name] = UserFactory(is_staff=True)
        people[name].groups.add(groups[name])
    people["none"] = UserFactory(is_staff=True)
    User.objects.filter(pk=world.ana.user_id).update(is_staff=True)
    people["owner"] = User.objects.get(pk=world.ana.user_id)
    people["owner"].groups.add(groups["Support"])
    addresses = {
        SHIP: {"own": 200, "other": 200, "Support": 200, "Programme": 403, "none": 403, "owner": 200},
        reverse("admin:servicing_ticket_return", args=[ticket.pk]): {
            "own": 200,
            "other": 404,
            "Support": 200,
            "Programme": 403,
            "none": 403,
            "owner": 403,
        },
        reverse("admin:servicing_ticket_shipment", args=[shipped.pk, shipped.shipments.get().pk]): {
            "own": 200,
            "other": 404,
            "Support": 200,
            "Programme": 403,
            "none": 403,
            "owner": 403,
        },
        reverse("admin:servicing_ticket_shipment", args=[ticket.pk, shipped.shipments.get().pk]): {
            "own": 404,
            "other": 404,
            "Support": 404,
            "Programme": 403,
            "none": 403,
            "owner": 403,
        },
    }
    clients = {name: signed_in(user) for name, user in people.items()}
    for url, expected in addresses.items():
        assert {name: client.get(url).status_code for name, client in clients.items()} == expected, url
        posted = {name: client.post(url, {"do": "save"}).status_code for name, client in clients.items()}
        assert {name: code in (200, 302) for name, code in posted.items()} == {
            name: code == 200 for name, code in expected.items()
        }, url
    seen = {
        name: len(client.get(SHIP).context["rows"])
        for name, client in clients.items()
        if name in ("own", "other", "Support", "owner")
    }
    assert seen == {"own": 1, "other": 0, "Support": 1, "owner": 0}
    for name in ("other", "owner"):
        clients[name].post(SHIP, {"do": "save", f"tracking-{ticket.pk}": "JD 7"})
        scan(clients[name], ticket.reference)
    assert not PackedTicket.objects.exists()
