"""Service requests, the three Fast Track places, and intake (R43, R47, R49, R50)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cps_portal.core.lib.errors import Refusal
from kitbag.actions import registrations
from kitbag.actions.removals import remove_registration
from kitbag.enums import RemovalReason, Shelf
from kitbag.models import Hold
from servicing.actions import places
from servicing.actions.events import Actor, lock_ticket, record_event
from servicing.actions.service_requests import RequestedItem, open_parcel
from servicing.actions.tickets import book_in
from servicing.enums import EventKind, PlaceWish, ServiceKind, TicketState
from servicing.models import ServiceCentre, Ticket
from servicing.queries.entitlement import Item
from servicing.rules.places import HELD_FOR
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
        services=ServiceKind.values,
        shelves=Shelf.values,
        programme="free",
    )


def open_request(world: World, centre: ServiceCentre, serial: str, wish: PlaceWish | None = None) -> Ticket:
    row = validated(world.ana, world.pro_body, serial)
    wanted = RequestedItem(
        Item(row.product, registration=row), ServiceKind.REPAIR, fault="The shutter sticks", wish=wish
    )
    done = open_parcel(member=world.ana, centre=centre, items=[wanted], by=world.ana.user, at=MONDAY)
    return done.tickets[0]


def test_a_request_takes_a_place_and_holds_the_registration(world: World, centre: ServiceCentre) -> None:
    ticket = open_request(world, centre, "012345678701")
    assert (ticket.place, ticket.state, ticket.track, ticket.target_days) == (1, "requested", "fast", 3)
    assert Hold.objects.filter(registration=ticket.registration).exists()
    with pytest.raises(Refusal, match="service"):
        remove_registration(registration=ticket.registration, reason=RemovalReason.SOLD, by=None, at=MONDAY)


def test_a_fourth_product_waits_for_the_next_free_place_or_goes_standard(world: World, centre: ServiceCentre) -> None:
    first = open_request(world, centre, "012345678701")
    for n in (2, 3):
        open_request(world, centre, f"01234567870{n}")
    with pytest.raises(Refusal) as refusal:
        open_request(world, centre, "012345678704")
    assert refusal.value.field == "items.0.wish"
    waiting = open_request(world, centre, "012345678705", PlaceWish.WAIT)
    standard = open_request(world, centre, "012345678706", PlaceWish.STANDARD)
    assert (waiting.state, standard.track, standard.why_standard) == (TicketState.WAITING, "standard", ["places"])
    record_event(
        ticket=first, kind=EventKind.CANCELLED, actor=Actor(user=world.ana.user), at=MONDAY + timedelta(hours=1)
    )
    waiting.refresh_from_db()
    assert (waiting.place, waiting.state) == (1, TicketState.REQUESTED)
    assert not Hold.objects.filter(registration=first.registration).exists()


def test_a_lapsed_place_goes_to_the_product_that_has_waited_longest(world: World, centre: ServiceCentre) -> None:
    first = open_request(world, centre, "012345678701")
    for n in (2, 3):
        open_request(world, centre, f"01234567870{n}")
    waiting = open_request(world, centre, "012345678704", PlaceWish.WAIT)
    assert places.lapse_places(at=MONDAY + HELD_FOR - timedelta(seconds=1)) == 0
    Ticket.objects.exclude(pk=first.pk).filter(place__isnull=False).update(place_since=MONDAY + timedelta(days=1))
    assert places.lapse_places(at=MONDAY + HELD_FOR + timedelta(seconds=1)) == 1
    for ticket in (first, waiting):
        ticket.refresh_from_db()
    assert (first.place, first.state) == (None, TicketState.REQUESTED)
    assert (waiting.place, waiting.state) == (1, TicketState.REQUESTED)


def test_an_action_locks_its_ticket_and_reads_it_again(world: World, centre: ServiceCentre) -> None:
    ticket = open_request(world, centre, "012345678701")
    stale = Ticket.objects.get(pk=ticket.pk)
    book_in(ticket=ticket, actor=Actor(user=world.staff), at=MONDAY, condition="Scratched")
    event = record_event(ticket=stale, kind=EventKind.ASSESSED, actor=Actor(user=world.staff), at=MONDAY)
    assert (event.ticket.state, event.ticket.condition) == (TicketState.ASSESSED, "Scratched")
    assert not event.ticket.is_locked and event.ticket.locked_events is None


def test_a_locked_ticket_is_not_locked_again(
    world: World, centre: ServiceCentre, django_assert_num_queries: Any
) -> None:
    ticket = open_request(world, centre, "012345678701")
    with lock_ticket(ticket) as locked, django_assert_num_queries(0), lock_ticket(locked) as again:
        assert again is locked


def test_booking_in_starts_the_clock_with_the_current_level(world: World, centre: ServiceCentre) -> None:
    ticket = open_request(world, centre, "012345678701")
    booked = book_in(
        ticket=ticket, actor=Actor(user=world.staff), at=MONDAY + timedelta(hours=2), condition="Scratched"
    ).ticket
    assert (booked.state, booked.condition) == (TicketState.BOOKED_IN, "Scratched")
    assert booked.due_at == datetime(2026, 3, 5, 11, tzinfo=UTC)
    assert booked.booked_in_at == MONDAY + timedelta(hours=2)


def test_a_registration_validated_later_makes_the_job_fast_track_from_then_on(
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
