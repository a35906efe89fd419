"""Staff create offers, publish them to levels and countries, and withdraw them (R54, R59)."""

import csv
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from members.models import Notice
from members.offers.actions.offers import cancel_sign_up, sign_up
from members.offers.models import Offer
from tests.admin.conftest import SignIn
from tests.rows import each_row
from tests.world import World

pytestmark = pytest.mark.django_db
NOW = timezone.now().replace(microsecond=0)
ADD = "/admin/offers/offer/add/"


def typed(**more: Any) -> dict[str, Any]:
    since, starts = timezone.localtime(NOW - timedelta(days=1)), timezone.localtime(NOW + timedelta(days=9))
    facts = {
        "kind": "event",
        "title": "Open day",
        "slug": "open-day",
        "summary": "Come.",
        "levels": ["gold"],
        "countries": ["ZA"],
        "since_0": f"{since:%Y-%m-%d}",
        "since_1": "09:00:00",
        "starts_at_0": f"{starts:%Y-%m-%d}",
        "starts_at_1": "10:00:00",
        "venue": "Cape Town",
        "places": "1",
    }
    return {name: value for name, value in (facts | more).items() if value is not None}


@pytest.fixture
def as_programme(staff: SignIn) -> Client:
    return staff("Programme")


@pytest.fixture
def offer(as_programme: Client) -> Offer:
    """Made and published by the programme's staff."""
    assert as_programme.post(ADD, typed()).status_code == 302
    made = Offer.objects.get()
    operate(as_programme, made, "publish")
    return made


def operate(client: Client, offer: Offer, do: str) -> Any:
    return client.post(reverse("admin:offers_offer_operate", args=[offer.pk]), {"do": do}, follow=True)


def change(client: Client, offer: Offer, **more: Any) -> Any:
    return client.post(reverse("admin:offers_offer_change", args=[offer.pk]), typed(**more), follow=True)


def test_an_offer_reaches_members_only_once_it_is_published(world: World, as_ana: Client, as_programme: Client) -> None:
    answer = as_programme.post(ADD, {**typed(), "_continue": "1"}, follow=True)
    assert "It reaches 1 member today." in answer.content.decode()
    offer = Offer.objects.get()
    assert as_ana.get("/offers/open-day/").status_code == 404
    operate(as_programme, offer, "publish")
    assert as_ana.get("/offers/open-day/").status_code == 200
    operate(as_programme, offer, "withdraw")
    assert as_ana.get("/offers/open-day/").status_code == 404
    assert operate(as_programme, offer, "x").status_code == 400


@each_row(
    ("more", "field", "said"),
    [
        ({"levels": None}, "levels", "Choose at least one level."),
        ({"countries": ["XX"]}, "countries", "XX is not one of the available choices"),
        ({"starts_at_0": "", "starts_at_1": ""}, "starts_at", "Enter when the event begins."),
        ({"venue": ""}, "venue", "Enter where the event takes place."),
        ({"until_0": "2020-01-01", "until_1": "09:00"}, "until", "The end is before the start."),
        ({"ends_at_0": "2020-01-01", "ends_at_1": "09:00"}, "ends_at", "The event ends before it begins."),
        ({"since_0": "0001-01-01"}, "since", "Check the year."),
        ({"places": "0"}, "places", "Enter at least 1"),
        ({"places": "99999"}, "places", "less than or equal to 32767"),
        ({"kind": "special", "open_to_visitors": "on"}, "open_to_visitors", "Only events can welcome members"),
        ({"kind": "special", "open_to_travellers": "on"}, "open_to_travellers", "Only events can welcome members"),
        ({"link": "ftp://example.org/"}, "link", "starts with https://"),
        ({"slug": "a b"}, "slug", "valid"),
        ({"title": "x\x00"}, "title", "can’t be printed"),
    ],
)
def test_an_error_is_shown_at_its_field(world: World, as_programme: Client, more: Any, field: str, said: str) -> None:
    answer = as_programme.post(ADD, typed(**more))
    errors = answer.context["adminform"].form.errors
    assert list(errors) == [field]
    assert said in errors[field][0]
    assert "Cape Town" in answer.content.decode() or field == "venue"
    assert not Offer.objects.exists()


def test_staff_say_who_is_welcome_at_an_event(world: World, as_programme: Client, offer: Offer) -> None:
    assert (offer.open_to_travellers, offer.open_to_visitors) == (False, False)
    change(as_programme, offer, open_to_visitors="on")
    offer.refresh_from_db()
    assert (offer.open_to_travellers, offer.open_to_visitors) == (False, True)


def test_a_new_venue_is_announced_and_more_places_go_to_the_waiting_list(
    world: World, offer: Offer, as_programme: Client
) -> None:
    world.ben.__class__.objects.filter(pk=world.ben.pk).update(level="gold", country="ZA")
    first = sign_up(member=world.ana, offer=offer, at=NOW)
    second = sign_up(member=world.ben, offer=offer, at=NOW)
    assert (first.state, second.state) == ("held", "waiting")
    change(as_programme, offer, venue="Durban", places="2", slug="elsewhere")
    second.refresh_from_db()
    offer.refresh_from_db()
    assert (second.state, offer.venue, offer.slug) == ("held", "Durban", "open-day")
    assert Notice.objects.filter(code="offer_changed").count() == 2
    answer = change(as_programme, offer, venue="Durban", places="1")
    assert "2 places are taken already" in answer.content.decode()


def test_the_guest_list_is_sorted_and_safe_to_open_as_a_spreadsheet(
    world: World, offer: Offer, as_programme: Client
) -> None:
    world.ben.__class__.objects.filter(pk=world.ben.pk).update(level="gold", country="ZA", first_name=" =1+1")
    world.ben.refresh_from_db()
    sign_up(member=world.ana, offer=offer, at=NOW)
    sign_up(member=world.ben, offer=offer, at=NOW)
    door = reverse("admin:offers_offer_door", args=[offer.pk])
    table = list(csv.reader(as_programme.get(door).content.decode("utf-8-sig").splitlines()))
    assert [row[0] for row in table[1:]] == ["1", ""]
    assert table[2][1].startswith("'")
    cancel_sign_up(member=world.ana, offer=offer, at=NOW)
    table = list(csv.reader(as_programme.get(door).content.decode("utf-8-sig").splitlines()))
    assert [row[2] for row in table[1:]] == [world.ben.number_in_groups]
    listed = as_programme.get("/admin/offers/signup/", {"offer__id__exact": str(offer.pk), "q": world.ben.number})
    assert listed.context["cl"].result_count == 1


@pytest.mark.parametrize(("group", "looks"), [("Support", 200), ("Centre", 403), ("", 403)])
def test_other_staff_cannot_create_or_publish_offers(
    world: World, staff: SignIn, offer: Offer, group: str, looks: int
) -> None:
    client = staff(group)
    assert client.get(reverse("admin:offers_offer_change", args=[offer.pk])).status_code == looks
    assert client.get(reverse("admin:offers_offer_door", args=[offer.pk])).status_code == looks
    assert client.get(ADD).status_code == 403
    assert operate(client, offer, "withdraw").status_code == 403
    offer.refresh_from_db()
    assert offer.state == "published"
