"""The service centre locator (R42)."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client

from kitbag.enums import Shelf
from servicing.actions.centres import load_centres
from servicing.enums import ServiceKind
from servicing.models import CalendarException, ServiceCentre
from servicing.queries import locator
from servicing.queries.distance import Position, bearing, distance_km
from tests.queries import SNAPSHOT_QUERIES
from tests.rows import each_row
from tests.world import World

pytestmark = pytest.mark.django_db


def centre(zone: str, country: str, hours: str) -> ServiceCentre:
    return ServiceCentre.objects.create(
        slug=zone.lower().replace("/", "-"),
        name=zone,
        kind="PSC",
        country=country,
        city="City",
        latitude=0,
        longitude=0,
        zone=zone,
        hours=hours,
        services=ServiceKind.values,
        shelves=Shelf.values,
        programme="free",
    )


WEEK, SUNDAY_ON = "Mo-Fr 09:00-17:00", "Su-Th 09:00-17:00"


@each_row(
    ("zone", "country", "week", "at", "is_open", "words"),
    [
        ("Africa/Johannesburg", "ZA", WEEK, datetime(2026, 3, 2, 7, 0, tzinfo=UTC), True, "Open until 17:00"),
        ("Africa/Johannesburg", "ZA", WEEK, datetime(2026, 3, 2, 6, 59, tzinfo=UTC), False, "Opens at 09:00"),
        ("Africa/Johannesburg", "ZA", WEEK, datetime(2026, 3, 2, 15, 0, tzinfo=UTC), False, "Opens tomorrow at 09:00"),
        ("Africa/Johannesburg", "ZA", WEEK, datetime(2026, 4, 2, 15, 0, tzinfo=UTC), False, "Tuesday 7 April at 09:00"),
        ("Africa/Cairo", "EG", SUNDAY_ON, datetime(2026, 3, 6, 10, 0, tzinfo=UTC), False, "Sunday 8 March at 09:00"),
        ("Asia/Dubai", "AE", WEEK, datetime(2026, 3, 2, 5, 0, tzinfo=UTC), True, "Open until 17:00"),
        ("Europe/Berlin", "DE", WEEK, datetime(2026, 3, 27, 15, 59, tzinfo=UTC), True, "Open until 17:00"),
        ("Europe/Berlin", "DE", WEEK, datetime(2026, 3, 30, 15, 1, tzinfo=UTC), False, "Opens tomorrow at 09:00"),
    ],
)
def test_open_depends_on_the_local_time_of_the_centre(
    zone: str, country: str, week: str, at: datetime, *, is_open: bool, words: str
) -> None:
    opening, said = locator.opening_text(centre(zone, country, week), at)
    assert opening == is_open
    assert words in said


def test_closures_count_and_one_of_months_breaks_nothing() -> None:
    row = centre("Africa/Johannesburg", "ZA", WEEK)
    for start in (date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 2), date(2026, 6, 2)):
        CalendarException.objects.create(centre=row, first=start, last=start + timedelta(days=30))
    row = ServiceCentre.objects.get(pk=row.pk)
    assert locator.opening_text(row, datetime(2026, 3, 2, 9, tzinfo=UTC)) == (False, "Opens Friday 3 July at 09:00")
    assert Client().get(row.get_absolute_url()).status_code == 200


def test_distances_and_directions() -> None:
    joburg, cape = Position(-26.2, 28.05), Position(-33.93, 18.42)
    assert 1250 < distance_km(joburg, cape) < 1280
    assert 220 < bearing(joburg, cape) < 240
    assert distance_km(joburg, joburg) == 0


@each_row(
    ("query", "first", "count"),
    [
        ("", None, 21),
        ("near=johannesburg", "Johannesburg Professional Service Centre", 21),
        ("near=South+Africa", None, 2),
        ("near=nowhere+at+all", None, 21),
        ("near=2196", None, 21),
        ("near=stellenbosch", "Pro Camera Services", 21),
        ("near=Москва", "Moscow Professional Service Centre", 21),
        ("near=Mombasa", "Sample partner Nairobi", 21),
        ("near=Eldoret,+Kenya", "Sample partner Nairobi", 21),
        ("lat=30.04&lon=31.23", "Sample partner Cairo", 21),
        ("only=canon", None, 10),
        ("service=upgrade", None, 10),
        ("shelf=printers&only=partner", None, 0),
    ],
)
def test_filters_and_positions(world: World, query: str, first: str | None, count: int) -> None:
    load_centres()
    page = Client().get(f"/centres/?{query}")
    found = page.context["found"]
    assert len(found) == count
    if first:
        assert found[0].centre.name == first
        assert found[0].km is not None


@each_row("query", ["lat=1e400&lon=x", "only=all&service=%00", "near=" + "x" * 500, "shelf=';--", "lat=91&lon=0"])
def test_invalid_parameters_show_all_centres(world: World, query: str) -> None:
    load_centres()
    page = Client().get(f"/centres/?{query}")
    assert (page.status_code, len(page.context["found"])) == (200, 21)


def test_members_see_what_their_own_level_gives(
    world: World, django_assert_max_num_queries: Callable[..., object]
) -> None:
    load_centres()
    client = Client()
    client.force_login(world.ana.user)
    with django_assert_max_num_queries(14 + SNAPSHOT_QUERIES):
        page = client.get("/centres/?near=johannesburg")
    text = page.content.decode()
    assert "15 percent off maintenance" in text
    assert "Outside the free programme" in text
    suspended = client.get("/centres/moscow-professional-service-centre/").content.decode()
    assert "isn’t taking any work at the moment" in suspended
    assert "Send kit here" not in suspended


def test_the_own_country_comes_first_then_what_is_near_and_the_rest_is_folded(world: World) -> None:
    """R42: Ana lives in South Africa, Ben in Kenya, Chloe in Türkiye; a place asked for counts more than home."""
    load_centres()
    table = {
        (world.ana, ""): ["South Africa, where you live", "Nearby countries"],
        (world.ben, ""): ["Kenya, where you live", "Nearby countries"],
        (world.ana, "Nairobi"): ["Kenya", "Nearby countries"],
        (world.ana, "Ghana"): ["Nearest to it"],
        (world.ana, "Egypt"): ["Egypt"],
        (None, "Paris"): ["France", "Nearby countries"],
        (None, ""): None,
    }
    for (member, near), titles in table.items():
        client = Client()
        if member:
            client.force_login(member.user)
        groups = client.get("/centres/", {"near": near}).context["groups"]
        numbers = [row.number for group in groups for row in group.rows]
        assert numbers == list(range(1, len(numbers) + 1))
        shown = [group.title for group in groups if not group.is_folded]
        assert shown == titles or (titles is None and len(shown) == 1), (near, shown)


def test_the_page_says_what_it_cannot_find_and_offers_namesakes(world: World) -> None:
    load_centres()
    client = Client()
    table = {
        "2196": "We can’t look up postcodes like “2196”",
        "WD6 1AA": "Type the name of your town instead",
        "Nowhere": "We couldn’t find “Nowhere”",
        "Newport": "Did you mean another place of that name?",
        "Halle": "GeoNames",
    }
    for near, words in table.items():
        assert words in client.get("/centres/", {"near": near}).content.decode(), near
    offered = client.get("/centres/", {"near": "Newport"}).context["place"].others
    irish = next(town for town in offered if town.country == "IE")
    query = {"near": "Newport", "lat": irish.position.latitude, "lon": irish.position.longitude}
    assert client.get("/centres/", query).context["groups"][0].title == "Nearest to it"


def test_a_centre_page_has_address_phone_map_and_ways(world: World) -> None:
    """R61: without an address nothing can be sent there, and the page says so."""
    load_centres()
    path = "/centres/johannesburg-professional-service-centre/"
    text = Client().get(path).content.decode()
    for words in ("12 Sample Park", "1685", "sample address", "tel:+27100000020", "mailto:", "By post or courier"):
        assert words in text, words
    assert "https://www.openstreetmap.org/" in text
    ServiceCentre.objects.filter(slug="johannesburg-professional-service-centre").update(street="")
    text = Client().get(path).content.decode()
    assert "nothing can be sent there" in text
    assert "By post or courier" not in text and "sample address" not in text
