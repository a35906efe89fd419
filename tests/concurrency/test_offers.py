"""Races for places of an event on real Postgres: R59."""

from datetime import UTC, datetime, timedelta

import pytest

from members.models import Member, Notice
from members.offers.actions.offers import cancel_sign_up, change_offer, publish, sign_up
from members.offers.enums import PlaceState
from members.offers.models import Offer, SignUp
from tests.concurrency.threads import together
from tests.world import World, join

NOW = datetime(2026, 3, 1, tzinfo=UTC)
pytestmark = pytest.mark.django_db(transaction=True)


def event(world: World, places: int | None) -> Offer:
    offer = Offer.objects.create(
        kind="event",
        slug="open-day",
        title="Open day",
        summary="Come.",
        levels=["red", "silver", "gold", "platinum"],
        since=NOW - timedelta(days=1),
        starts_at=NOW + timedelta(days=9),
        venue="Cape Town",
        places=places,
    )
    return publish(offer=offer, by=world.staff, at=NOW)


def people(world: World, count: int) -> list[Member]:
    return [join(f"guest-{n}", "ZA", world.terms) for n in range(count)]


def held() -> list[int]:
    return sorted(place for place in SignUp.objects.values_list("place", flat=True) if place)


def failures(results: list[object]) -> list[object]:
    return [result for result in results if isinstance(result, BaseException)]


def test_ten_simultaneous_sign_ups_for_one_place_give_one_place_and_nine_waiting(committed_world: World) -> None:
    offer, guests = event(committed_world, 1), people(committed_world, 10)
    results = together(*[lambda m=m: sign_up(member=m, offer=offer, at=NOW) for m in guests])
    assert not failures(results)
    assert held() == [1]
    assert SignUp.objects.filter(state=PlaceState.WAITING).count() == 9


def test_simultaneous_cancellations_and_sign_ups_leave_no_place_empty_while_members_wait(
    committed_world: World,
) -> None:
    offer, guests = event(committed_world, 3), people(committed_world, 9)
    for n, guest in enumerate(guests[:6]):
        sign_up(member=guest, offer=offer, at=NOW + timedelta(seconds=n))
    later = NOW + timedelta(minutes=1)
    results = together(
        *[lambda m=m: cancel_sign_up(member=m, offer=offer, at=later) for m in guests[:3]],
        *[lambda m=m: sign_up(member=m, offer=offer, at=later) for m in guests[6:]],
        lambda: change_offer(offer=offer, values={"places": 4}, by=committed_world.staff, at=later),
    )
    assert not failures(results)
    assert held() == [1, 2, 3, 4]
    assert SignUp.objects.filter(state=PlaceState.WAITING).count() == 2
    first_in_line = {guest.pk for guest in guests[3:6]}
    got = set(SignUp.objects.filter(state=PlaceState.HELD).values_list("member", flat=True))
    assert first_in_line <= got, "who waited longest is served first"
    notices = Notice.objects.filter(code="place_free")
    assert first_in_line <= set(notices.values_list("member", flat=True))
    assert notices.count() == len(set(notices.values_list("member", flat=True))), "nobody is notified twice"
