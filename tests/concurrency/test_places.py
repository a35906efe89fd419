"""Several requests for the third place at once: there is never a fourth (R49)."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from cps_portal.core.lib.errors import Refusal
from members.models import Member
from servicing.actions import tickets
from servicing.actions.events import Actor
from servicing.actions.service_requests import RequestedItem, open_at_counter, open_parcel
from servicing.enums import PlaceWish, ServiceKind, TicketState
from servicing.models import Parcel, ServiceCentre, Ticket
from servicing.queries.entitlement import Item
from tests.concurrency.threads import together
from tests.factories import validated
from tests.servicing.jobs import MONDAY, a_centre, a_request
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)
LATER = MONDAY + timedelta(days=1)


def on_the_phone(member: Member, centre: ServiceCentre, item: RequestedItem) -> Callable[[], object]:
    return lambda: open_parcel(member=member, centre=centre, items=[item], by=member.user, at=LATER)


def at_the_counter(member: Member, centre: ServiceCentre, item: RequestedItem, actor: Actor) -> Callable[[], object]:
    return lambda: open_at_counter(centre=centre, item=item, actor=actor, at=LATER, member=member)


def places_of(member: Member) -> list[int]:
    rows = Ticket.objects.filter(member=member, place__isnull=False).values_list("place", flat=True)
    return sorted(place for place in rows if place)


def test_ten_at_once_never_take_a_fourth_place_and_the_longest_waiting_is_first(committed_world: World) -> None:
    world, centre = committed_world, a_centre()
    ana, desk = world.ana, Actor(user=world.staff)
    held = [a_request(world, centre, f"01234567870{n}") for n in (1, 2, 3)]
    oldest = a_request(world, centre, "012345678704", MONDAY + timedelta(hours=1), wish=PlaceWish.WAIT)
    rows = [validated(ana, world.pro_body, f"01234567872{n}") for n in range(9)]
    items = [
        RequestedItem(Item(row.product, registration=row), ServiceKind.REPAIR, fault="Sticks", wish=PlaceWish.WAIT)
        for row in rows
    ]
    jobs: list[Callable[[], object]] = [
        lambda: tickets.cancel(ticket=held[0], actor=Actor(user=ana.user), at=LATER),
        *(on_the_phone(ana, centre, item) for item in items[:5]),
        *(at_the_counter(ana, centre, item, desk) for item in items[5:]),
    ]
    results = together(*jobs)
    assert [result for result in results if isinstance(result, Exception)] == []
    assert places_of(ana) == [1, 2, 3]
    oldest.refresh_from_db()
    assert (oldest.place, oldest.state) == (held[0].place, TicketState.REQUESTED)
    assert Ticket.objects.filter(member=ana, state=TicketState.WAITING).count() == 9
    with pytest.raises(IntegrityError), transaction.atomic():
        Ticket.objects.filter(registration=rows[0]).update(place=4)


def test_of_ten_without_a_wish_three_get_places_and_the_others_must_choose(committed_world: World) -> None:
    world, centre = committed_world, a_centre()
    ana, desk = world.ana, Actor(user=world.staff)
    rows = [validated(ana, world.pro_body, f"01234567872{n}") for n in range(10)]
    items = [RequestedItem(Item(row.product, registration=row), ServiceKind.REPAIR, fault="Sticks") for row in rows]
    results = together(
        *(on_the_phone(ana, centre, item) for item in items[:5]),
        *(at_the_counter(ana, centre, item, desk) for item in items[5:]),
    )
    assert [result.code for result in results if isinstance(result, Refusal)] == ["places"] * 7
    assert places_of(ana) == [1, 2, 3]
    assert Parcel.objects.count() == 3


def test_a_double_click_opens_one_parcel(committed_world: World) -> None:
    world, centre = committed_world, a_centre()
    row = validated(world.ana, world.pro_body, "012345678701")
    item = RequestedItem(Item(row.product, registration=row), ServiceKind.REPAIR, fault="Sticks")
    results = together(*[on_the_phone(world.ana, centre, item)] * 4)
    assert [result.code for result in results if isinstance(result, Refusal)] == ["in_service"] * 3
    assert Parcel.objects.count() == Ticket.objects.count() == 1
