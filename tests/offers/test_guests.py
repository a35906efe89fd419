"""Events that welcome members from other countries and visiting members (R4, R5, R59)."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from cps_portal.core.lib.errors import Refusal
from members.enums import Level
from members.models import Member
from members.offers.actions.offers import audience, sign_up
from members.offers.enums import PlaceState
from members.offers.models import Offer
from members.offers.queries import events_at, events_for_travellers, get_visible_offer, visible_offers
from members.queries import membership_of
from tests.rows import each_row
from tests.world import World

pytestmark = pytest.mark.django_db
NOW = timezone.now()
DAY = timedelta(days=1)


def event(slug: str = "safari", **more: Any) -> Offer:
    facts: dict[str, Any] = {
        "kind": "event",
        "title": f"The {slug}",
        "levels": Level.values,
        "countries": ["KE"],
        "since": NOW - DAY,
        "state": "published",
        "starts_at": NOW + 30 * DAY,
        "venue": "Nairobi",
        "open_to_travellers": True,
    }
    return Offer.objects.create(slug=slug, **(facts | more))


def titles(page: Any) -> str:
    return " ".join(page.content.decode().split())


def test_who_travels_is_shown_the_events_that_welcome_them(world: World, as_ana: Client) -> None:
    event()
    event("closed-evening", open_to_travellers=False)
    event("past", starts_at=NOW - DAY, ends_at=NOW)
    event("for-platinum", levels=[Level.PLATINUM])
    event("elsewhere", countries=["TR"])
    event("draft", state="draft")
    page = titles(as_ana.get("/going-to/KE/"))
    assert "Events you’re welcome at" in page and "The safari" in page and "/offers/safari/" in page
    for title in ("closed-evening", "past", "for-platinum", "elsewhere", "draft"):
        assert f"The {title}" not in page
    assert "Events you’re welcome at" not in titles(as_ana.get("/going-to/GE/"))


def test_they_can_sign_up_from_abroad_and_are_told_so(world: World, as_ana: Client) -> None:
    safari = event()
    page = titles(as_ana.get("/offers/safari/"))
    assert "Members from other countries are welcome, too." in page
    assert as_ana.post("/offers/safari/", {"do": "sign_up"}).status_code == 302
    assert safari.sign_ups.get().state == PlaceState.HELD
    assert "The safari" in titles(as_ana.get("/offers/")), "what they signed up for is in their list"


def test_an_event_abroad_is_in_no_list_at_home_and_mails_nobody_there(world: World) -> None:
    safari = event()
    membership = membership_of(world.ana)
    assert visible_offers(world.ana, membership, NOW).offers == []
    assert not audience(levels=safari.levels, countries=safari.countries).filter(pk=world.ana.pk).exists()
    visible = get_visible_offer(world.ana, "safari", NOW)
    assert visible and visible.is_open and visible.is_abroad
    event("at-home", countries=["ZA"])
    assert [row.offer.slug for row in visible_offers(world.ana, membership, NOW).offers] == ["at-home"]


def test_without_the_mark_nobody_signs_up_from_abroad(world: World, as_ana: Client) -> None:
    closed = event("closed", open_to_travellers=False, open_to_visitors=True)
    assert as_ana.get("/offers/closed/").status_code == 404
    with pytest.raises(Refusal, match="in your country"):
        sign_up(member=world.ana, offer=closed, at=NOW)


def test_who_lives_outside_the_free_programme_is_welcome_at_none(world: World) -> None:
    event()
    Member.objects.filter(pk=world.ana.pk).update(country="FR")
    ana = Member.objects.get(pk=world.ana.pk)
    assert events_for_travellers(ana, "KE", NOW) == []


@each_row("guests", ["open_to_travellers", "open_to_visitors"])
def test_only_events_welcome_guests(world: World, guests: str) -> None:
    with pytest.raises(IntegrityError, match="offer_guests_at_events"), transaction.atomic():
        event(kind="special", **{"open_to_travellers": False, guests: True})


def test_events_stay_at_the_door_for_a_day(world: World) -> None:
    event("over", starts_at=NOW - 4 * DAY, ends_at=NOW - 2 * DAY)
    event("just-over", starts_at=NOW - 2 * DAY, ends_at=NOW - DAY / 2)
    event("no-end", starts_at=NOW - DAY / 2)
    event("withdrawn", state="withdrawn")
    event()
    assert [row.slug for row in events_at(NOW)] == ["just-over", "no-end", "safari"]
