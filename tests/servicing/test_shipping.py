"""Where a product returns to, how it travels, and its shipments (R14, R61)."""

from datetime import date, timedelta

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError

from cps_portal.core.lib.errors import Refusal
from kitbag.actions.stolen_reports import report_by_staff
from members.addresses import Address
from servicing.actions import shipping
from servicing.actions.centres import load_carriers
from servicing.actions.events import Actor, record_event
from servicing.actions.intake import is_tracked_as, look_up
from servicing.actions.shipping import ReturnTo, Tracking
from servicing.actions.tickets import book_in, close
from servicing.enums import Direction, EventKind, PlaceWish, TicketState, Travel
from servicing.models import Carrier, Parcel, ServiceCentre, Shipment, Ticket
from servicing.queries.addresses import last_address
from tests.servicing.jobs import HOUR, MONDAY, a_centre, a_request, at_the_centre
from tests.world import World

pytestmark = pytest.mark.django_db
PHONE = "+27820000146"
HOME = Address("Ana Example", "ZA", "14 Sixth Street\nMelville", "Johannesburg", postal_code="2092", phone=PHONE)
STUDIO = Address("Ana Example", "ZA", "3 Loop Street", "Cape Town", postal_code="8001", phone=PHONE)
NEXT_MONDAY = MONDAY.date() + timedelta(days=7)


@pytest.fixture
def centre(world: World) -> ServiceCentre:
    return a_centre(street="1 Sample Street", postal_code="1685", collects=True)


@pytest.fixture
def desk(world: World) -> Actor:
    return Actor(user=world.staff)


def ready(world: World, centre: ServiceCentre, desk: Actor, serial: str = "012345678901") -> Ticket:
    ticket = at_the_centre(world, centre, serial)
    return record_event(ticket=ticket, kind=EventKind.READY, actor=desk, at=MONDAY + 2 * HOUR).ticket


@pytest.mark.parametrize("door", ["request", "change"])
def test_what_a_centre_does_not_offer_is_refused_beside_its_field(world: World, door: str) -> None:
    rows = {
        # centre, returns -> field of the refusal, None if it is accepted
        "sent to an address": ({"street": "1 Sample Street"}, ReturnTo(Travel.COURIER, HOME), None),
        "sent without an address": ({}, ReturnTo(Travel.COURIER, HOME), "travel"),
        "brought": ({}, ReturnTo(Travel.DROP_OFF), None),
        "brought where there is no counter": ({"takes_drop_off": False}, ReturnTo(Travel.DROP_OFF), "travel"),
        "collected by no one": ({"street": "1 S"}, ReturnTo(Travel.COLLECTION, HOME, NEXT_MONDAY), "travel"),
        "collected": ({"street": "1 S", "collects": True}, ReturnTo(Travel.COLLECTION, HOME, NEXT_MONDAY), None),
        "collected some day": ({"street": "1 S", "collects": True}, ReturnTo(Travel.COLLECTION, HOME), "collect_on"),
        "collected today": (
            {"street": "1 S", "collects": True},
            ReturnTo(Travel.COLLECTION, HOME, MONDAY.date()),
            "collect_on",
        ),
        "collected next year": (
            {"street": "1 S", "collects": True},
            ReturnTo(Travel.COLLECTION, HOME, date(2027, 3, 1)),
            "collect_on",
        ),
    }
    answers = {}
    for number, (name, (facts, returns, _field)) in enumerate(rows.items()):
        centre = a_centre(f"centre-{number}", **facts)
        serial = f"0123456789{number:02}"
        try:
            if door == "request":
                a_request(world, centre, serial, returns=returns, wish=PlaceWish.STANDARD)
            else:
                parcel = a_request(world, centre, serial, wish=PlaceWish.STANDARD).parcel
                shipping.change_return(parcel=parcel, returns=returns, actor=Actor(user=world.ana.user), at=MONDAY)
        except Refusal as refusal:
            answers[name] = refusal.field
        else:
            answers[name] = None
    assert answers == {name: field for name, (_facts, _returns, field) in rows.items()}


def test_the_return_address_can_be_changed_until_it_is_shipped(
    world: World, centre: ServiceCentre, desk: Actor
) -> None:
    ticket = ready(world, centre, desk)
    member = Actor(user=world.ana.user)
    parcel = shipping.change_return(
        parcel=ticket.parcel, returns=ReturnTo(address=HOME), actor=member, at=MONDAY + 3 * HOUR
    )
    assert (parcel.address, parcel.returns) == (HOME, True)
    shipping.change_return(parcel=parcel, returns=ReturnTo(address=HOME), actor=member, at=MONDAY + 4 * HOUR)
    shipping.change_return(parcel=parcel, returns=ReturnTo(address=STUDIO), actor=member, at=MONDAY + 5 * HOUR)
    changes = ticket.events.filter(kind=EventKind.SHIPPING_CHANGED)
    assert changes.count() == 2  # the same address again is no change
    shipping.ship(ticket=ticket, actor=desk, at=MONDAY + 6 * HOUR)
    with pytest.raises(Refusal, match="on its way back"):
        shipping.change_return(parcel=parcel, returns=ReturnTo(address=HOME), actor=member, at=MONDAY + 7 * HOUR)
    assert last_address(world.ana) == STUDIO
    assert last_address(world.ben) is None


def test_shipments_both_ways_are_delivered_by_booking_in_and_by_closing(
    world: World, centre: ServiceCentre, desk: Actor
) -> None:
    load_carriers()
    ticket = a_request(world, centre, returns=ReturnTo(address=HOME))
    member = Actor(user=world.ana.user)
    sent = {"parcel": ticket.parcel, "member": world.ana, "actor": member}
    assert shipping.mark_sent(**sent, tracking=Tracking("dhl", "00 34 04"), at=MONDAY) == 1
    assert shipping.mark_sent(**sent, tracking=Tracking("Dhl", "00 34 05"), at=MONDAY + HOUR) == 0  # corrected
    box = ticket.shipments.get()
    assert (box.carrier_text, box.number) == ("DHL", "00 34 05")
    assert box.tracking_url.endswith("tracking-id=00+34+05")
    assert list(Shipment.objects.tracked_as("003405")) == list(Shipment.objects.tracked_as("00-34 ٠5")) == [box]
    assert not Shipment.objects.tracked_as("  ")
    book_in(ticket=ticket, actor=desk, at=MONDAY + 24 * HOUR)
    box.refresh_from_db()
    assert box.delivered_at == MONDAY + 24 * HOUR
    for kind in (EventKind.ASSESSED, EventKind.READY):
        record_event(ticket=ticket, kind=kind, actor=desk, at=MONDAY + 25 * HOUR)
    expected = Tracking("My cousin", "C 1", expected_on=MONDAY.date() + timedelta(days=3))
    shipping.ship(ticket=ticket, tracking=expected, actor=desk, at=MONDAY + 26 * HOUR, external_id="s-1")
    shipping.ship(ticket=ticket, tracking=Tracking("other"), actor=desk, at=MONDAY + 27 * HOUR, external_id="s-1")
    shipping.add_shipment(
        ticket=ticket,
        direction=Direction.TO_CUSTOMER,
        tracking=Tracking("ups", "1Z9"),
        actor=desk,
        at=MONDAY + 28 * HOUR,
    )
    back = ticket.shipments.to_customer()
    assert [(row.carrier_text, row.number, row.delivered_at) for row in back] == [
        ("My cousin", "C 1", None),
        ("UPS", "1Z9", None),
    ]
    shipping.record_delivery(ticket=ticket, actor=desk, at=MONDAY + 72 * HOUR)
    close(ticket=ticket, actor=desk, at=MONDAY + 80 * HOUR)
    assert {row.delivered_at for row in ticket.shipments.to_customer()} == {MONDAY + 72 * HOUR}


def test_several_jobs_of_one_customer_go_back_in_one_box(world: World, centre: ServiceCentre, desk: Actor) -> None:
    first, second = ready(world, centre, desk), ready(world, centre, desk, "012345678902")
    shipment = shipping.ship_together(
        tickets=[second, first], tracking=Tracking("", "B1"), actor=desk, at=MONDAY + 3 * HOUR
    )
    assert shipment is not None and set(shipment.tickets.all()) == {first, second}
    assert Shipment.objects.count() == 1
    assert {ticket.state for ticket in Ticket.objects.all()} == {TicketState.SHIPPED}


@pytest.mark.parametrize(
    ("tracking", "field"),
    [
        (Tracking(carrier="x" * 61), "carrier"),
        (Tracking(number="1" * 61), "tracking"),
        (Tracking(url="javascript:alert(1)"), "tracking_url"),
        (Tracking(url="http://post.example.org/1"), "tracking_url"),
        (Tracking(expected_on=date(2020, 1, 1)), "expected_on"),
        (Tracking(expected_on=date(2030, 1, 1)), "expected_on"),
    ],
)
def test_bad_tracking_is_refused_and_nothing_is_recorded(
    world: World, centre: ServiceCentre, desk: Actor, tracking: Tracking, field: str
) -> None:
    ticket = ready(world, centre, desk)
    with pytest.raises(Refusal) as refusal:
        shipping.ship(ticket=ticket, tracking=tracking, actor=desk, at=MONDAY + 3 * HOUR)
    assert refusal.value.field == field
    assert (ticket.events.filter(kind=EventKind.SHIPPED).count(), Shipment.objects.count()) == (0, 0)


def test_addresses_are_deleted_some_time_after_delivery(world: World, centre: ServiceCentre, desk: Actor) -> None:
    """R14: not while a job of the parcel is open, and never before the setting's days are over."""
    open_job = a_request(world, centre, "012345678903", returns=ReturnTo(address=HOME))
    ticket = ready(world, centre, desk)
    shipping.change_return(parcel=ticket.parcel, returns=ReturnTo(address=HOME), actor=desk, at=MONDAY + 3 * HOUR)
    shipping.ship(ticket=ticket, actor=desk, at=MONDAY + 4 * HOUR)
    delivered = MONDAY + 30 * HOUR
    shipping.record_delivery(ticket=ticket, actor=desk, at=delivered)
    assert shipping.delete_old_addresses(at=delivered + settings.SERVICE_ADDRESS_KEPT - HOUR) == 0
    assert shipping.delete_old_addresses(at=delivered + settings.SERVICE_ADDRESS_KEPT) == 1
    assert shipping.delete_old_addresses(at=delivered + settings.SERVICE_ADDRESS_KEPT) == 0
    parcel = Parcel.objects.get(pk=ticket.parcel_id)
    assert (parcel.name, parcel.street, parcel.phone, parcel.country.code) == ("", "", "", "ZA")
    assert Parcel.objects.get(pk=open_job.parcel_id).address == HOME


@pytest.mark.parametrize(
    "link", ["https://x.example/{other}", "http://x.example/{number}", "javascript:{number}", "https://x.example/"]
)
def test_a_carriers_link_is_an_https_address_with_the_number(link: str) -> None:
    with pytest.raises(ValidationError):
        Carrier(slug="x", name="X", link=link).full_clean()


def test_a_tracking_number_finds_the_jobs_at_the_counter(world: World, centre: ServiceCentre) -> None:
    """R61: in any spelling, only those that the user may see, and never before what is known of a serial number."""
    ticket = a_request(world, centre)
    other = a_request(world, a_centre("cape"), "012345678902", member=world.ana)
    for row, number in ((ticket, "JD 0146-7001"), (other, "JD 9999 0001")):
        tracking = Tracking("DHL", number)
        shipping.mark_sent(
            parcel=row.parcel, member=world.ana, tracking=tracking, actor=Actor(user=world.ana.user), at=MONDAY
        )
    visible = Ticket.objects.filter(centre=centre)
    table = {
        "JD 0146-7001": [ticket],
        "jd01467001": [ticket],
        " JD-0146-7001 ": [ticket],
        "JD0146 7001": [ticket],
        "JD 9999 0001": [],
        "JD 0146": [],
        "JD 0146 7001 2": [],
        "": [],
        "---": [],
        ticket.reference: [ticket],
        "012345678901": [ticket],
    }
    answers = {typed: list(look_up(typed, visible).tickets) for typed in table}
    assert answers == table
    assert list(Ticket.objects.filter(is_tracked_as("jd 01467001"))) == [ticket]


def test_a_tracking_number_hides_no_theft(world: World, centre: ServiceCentre) -> None:
    """R34, R61: members type tracking numbers, also the serial number of something stolen."""
    ticket = a_request(world, centre)
    report_by_staff(
        product=world.pro_body,
        serial="012345678999",
        police_reference="CAS 1",
        stolen_on=None,
        note="",
        by=world.staff,
        at=MONDAY,
    )
    tracking = Tracking("DHL", "012345678999")
    shipping.mark_sent(
        parcel=ticket.parcel, member=world.ana, tracking=tracking, actor=Actor(user=world.ana.user), at=MONDAY
    )
    result = look_up("012345678999", Ticket.objects.all())
    assert result.reports and not result.tickets
