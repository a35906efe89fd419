"""Offers: who sees them, the order of the waiting list, constraints, and closed accounts (R14, R59)."""

from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from cps_portal.core.lib.errors import Refusal
from cps_portal.site.actions import close_account
from members.enums import Level
from members.models import Member
from members.offers.actions.offers import cancel_sign_up, change_offer, publish, sign_up, withdraw
from members.offers.models import Offer, SignUp
from members.offers.queries import waiting_list_position
from members.queries import membership_of
from tests.world import World, join

pytestmark = pytest.mark.django_db
NOW = timezone.now()
DAY = timedelta(days=1)
DATES = {
    "now": (-DAY, None, True),
    "till tomorrow": (-DAY, DAY, True),
    "from this moment": (0 * DAY, None, True),
    "from tomorrow": (DAY, None, False),
    "till this moment": (-DAY, 0 * DAY, False),
}


def offer_of(slug: str = "evening", **more: Any) -> Offer:
    facts = {"kind": "special", "title": slug, "levels": Level.values, "since": NOW - DAY, "state": "published"}
    return Offer.objects.create(slug=slug, **(facts | more))


def join_in(offer: Offer, member: Member, **later: int) -> SignUp:
    return sign_up(member=member, offer=offer, at=NOW + timedelta(**later))


def test_an_offer_is_open_by_level_country_date_and_state_together(world: World) -> None:
    expected = {}
    for level, country, date, state in product(
        [["gold"], ["red", "gold"], ["silver", "platinum"]],
        [[], ["ZA", "KE"], ["KE"]],
        DATES,
        ["draft", "published", "withdrawn"],
    ):
        since, until, current = DATES[date]
        row = offer_of(
            f"o{len(expected)}",
            levels=level,
            countries=country,
            state=state,
            since=NOW + since,
            until=None if until is None else NOW + until,
        )
        fits = "gold" in level and (not country or "ZA" in country)
        expected[row.pk] = fits and current and state == "published"
    assert (world.ana.level, world.ana.country.code) == ("gold", "ZA")
    seen = set(Offer.objects.open_to(membership_of(world.ana), NOW).values_list("pk", flat=True))
    assert seen == {pk for pk, shown in expected.items() if shown}
    assert len(seen) == 2 * 2 * 3


def test_the_waiting_list_is_first_come_first_served_and_a_cancelled_sign_up_joins_the_end(world: World) -> None:
    offer = offer_of(places=1)
    people = [join(f"line-{n}", "ZA", world.terms) for n in range(4)]
    for minute, member in enumerate(people):
        join_in(offer, member, minutes=minute)
    first, *waiting = (SignUp.objects.get(member=member) for member in people)
    assert [waiting_list_position(row) for row in waiting] == [1, 2, 3]
    cancel_sign_up(member=people[1], offer=offer, at=NOW + DAY)
    again = join_in(offer, people[1], days=2)
    assert (again.pk, waiting_list_position(again)) == (waiting[0].pk, 3)
    for leaving in (people[0], people[2], people[3]):
        cancel_sign_up(member=leaving, offer=offer, at=NOW + 3 * DAY)
        held = SignUp.objects.get(state="held")
        assert held.place == 1
    again.refresh_from_db()
    assert held == again
    assert first.pk != again.pk


def test_the_database_gives_each_place_to_one_member_and_keeps_states_consistent(world: World) -> None:
    offer = offer_of(places=2)
    held = join_in(offer, world.ana)
    wrong: list[dict[str, Any]] = [
        {"state": "held", "place": held.place},
        {"state": "held", "place": None},
        {"state": "held", "place": 0},
        {"state": "waiting", "place": 2},
        {"state": "given_back"},
        {"state": "waiting", "member": world.ana},
    ]
    for row in wrong:
        with pytest.raises(IntegrityError), transaction.atomic():
            SignUp.objects.create(**({"offer": offer, "member": world.ben, "since": NOW} | row))
    assert SignUp.objects.get() == held


def test_an_offer_that_is_over_withdrawn_or_a_draft_accepts_no_sign_ups(world: World) -> None:
    ended = offer_of("ended", until=NOW)
    gone = withdraw(offer=offer_of("gone"), by=world.staff, at=NOW)
    for offer, code in ((ended, "over"), (gone, "none"), (offer_of("draft", state="draft"), "none")):
        with pytest.raises(Refusal) as refused:
            join_in(offer, world.ana)
        assert refused.value.code == code
    with pytest.raises(Refusal):
        publish(offer=offer_of("late", state="draft", until=NOW), by=world.staff, at=NOW)
    assert not SignUp.objects.exists()


def test_closing_an_account_cancels_its_sign_ups(world: World) -> None:
    offers = [offer_of(slug, places=1) for slug in ("one", "two")]
    for offer in offers:
        join_in(offer, world.ana)
        join_in(offer, world.ben, minutes=1)
    close_account(member=world.ana, by=world.ana.user, at=NOW + DAY)
    assert set(SignUp.objects.filter(member=world.ana).values_list("state", flat=True)) == {"given_back"}
    assert list(SignUp.objects.filter(member=world.ben).values_list("state", "place")) == [("held", 1)] * 2


def test_who_changed_published_or_withdrew_an_offer_outside_a_request_is_in_its_history(world: World) -> None:
    offer = offer_of(state="draft")
    change_offer(offer=offer, values={"venue": "Elsewhere"}, by=world.staff, at=NOW)
    publish(offer=offer, by=world.staff, at=NOW)
    withdraw(offer=offer, by=world.staff, at=NOW)
    events = offer.events.order_by("pgh_id")[1:]  # type: ignore[attr-defined]
    assert [event.state for event in events] == ["draft", "published", "withdrawn"]
    assert {event.pgh_context.metadata["user"] for event in events} == {world.staff.pk}
