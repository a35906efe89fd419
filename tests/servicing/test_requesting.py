"""Asking for a service, the three places, intake (R43, R47, R49, R50)."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

import pytest

from cps_portal.core.lib.errors import Refusal
from kitbag.actions import registrations
from kitbag.actions.removals import remove_registration
from kitbag.enums import RemovalReason, Shelf
from kitbag.models import Hold
from servicing.actions import places
from servicing.actions.events import Actor, record_event
from servicing.actions.service_requests import RequestedItem, open_parcel
from servicing.actions.tickets import book_in
from servicing.enums import EventKind, PlaceWish, ServiceKind, TicketState
from servicing.models import ServiceCentre, Ticket
from servicing.queries.entitlement import Item
from tests.factories import submitted, validated
from tests.world import World

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def centre() -> Iterator[ServiceCentre]:
    return ServiceCentre.objects.create(
        slug="joburg",
        name="Johannesburg",
        kind="PSC",
        country="ZA",
        city="Johannesburg",
        latitude="-26",
        longitude="28",
        zone="Africa/Johannesburg",
        opens=time(9),
        closes=time(17),
        services=ServiceKind.values,
        shelves=Shelf.values,
        programme="free",
    )


def asked(world: World, centre: ServiceCentre, serial: str, wish: PlaceWish | None = None) -> Ticket:
    row = validated(world.ana, world.pro_body, serial)
    wanted = RequestedItem(
        Item(row.product, registration=row), ServiceKind.REPAIR, fault="The shutter sticks", wish=wish
    )
    done = open_parcel(member=world.ana, centre=centre, items=[wanted], by=world.ana.user, at=MONDAY)
    return done.tickets[0]


def test_a_request_takes_a_place_and_holds_the_registration(world: World, centre: ServiceCentre) -> None:
    ticket = asked(world, centre, "012345678701")
    assert (ticket.place, ticket.state, ticket.track, ticket.target_days) == (1, "requested", "fast", 3)
    assert Hold.objects.filter(registration=ticket.registration).exists()
    with pytest.raises(Refusal, match="service"):
        remove_registration(registration=ticket.registration, reason=RemovalReason.SOLD, by=None, at=MONDAY)


def test_a_fourth_product_waits_or_goes_standard_and_the_next_free_place_is_its(
    world: World, centre: ServiceCentre
) -> None:
    first = asked(world, centre, "012345678701")
    for n in (2, 3):
        asked(world, centre, f"01234567870{n}")
    with pytest.raises(Refusal) as refusal:
        asked(world, centre, "012345678704")
    assert refusal.value.field == "items.0.wish"
    waiting = asked(world, centre, "012345678705", PlaceWish.WAIT)
    standard = asked(world, centre, "012345678706", PlaceWish.STANDARD)
    assert (waiting.state, standard.track, standard.why_standard) == (TicketState.WAITING, "standard", ["places"])
    record_event(
        ticket=first, kind=EventKind.CANCELLED, actor=Actor(user=world.ana.user), at=MONDAY + timedelta(hours=1)
    )
    waiting.refresh_from_db()
    assert (waiting.place, waiting.state) == (1, TicketState.REQUESTED)
    assert not Hold.objects.filter(registration=first.registration).exists()


def test_booking_in_starts_the_clock_with_the_level_of_then(world: World, centre: ServiceCentre) -> None:
    ticket = asked(world, centre, "012345678701")
    booked = book_in(
        ticket=ticket, actor=Actor(user=world.staff), at=MONDAY + timedelta(hours=2), condition="Scratched"
    ).ticket
    assert (booked.state, booked.condition) == (TicketState.BOOKED_IN, "Scratched")
    assert booked.due_at == datetime(2026, 3, 5, 11, tzinfo=UTC)
    assert booked.booked_in_at == MONDAY + timedelta(hours=2)


def test_a_registration_that_counts_meanwhile_makes_the_job_fast_track_from_then(
    world: World, centre: ServiceCentre
) -> None:
    row = submitted(world.ana, world.pro_body, "012345678777")
    wanted = RequestedItem(Item(row.product, registration=row), ServiceKind.REPAIR, fault="Dropped")
    asked_for = open_parcel(member=world.ana, centre=centre, items=[wanted], by=world.ana.user, at=MONDAY)
    ticket = book_in(ticket=asked_for.tickets[0], actor=Actor(user=world.staff), at=MONDAY + timedelta(hours=2)).ticket
    assert (ticket.track, ticket.why_standard, ticket.place) == ("standard", ["not_validated"], None)
    later = MONDAY + timedelta(days=1, hours=2)
    assert places.sweep_validations(at=later) == 0
    registrations.check_registration(registration=row, at=later)
    assert places.on_registration_validated(registration=row.pk, at=later)
    assert not places.on_registration_validated(registration=row.pk, at=later)
    ticket.refresh_from_db()
    assert (ticket.track, ticket.place, ticket.why_standard) == ("fast", 1, [])
    assert ticket.due_at == datetime(2026, 3, 6, 11, tzinfo=UTC)
    assert ticket.events.filter(kind=EventKind.BECAME_FAST_TRACK).count() == 1
