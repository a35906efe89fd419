"""Pages that visitors share: right the moment the data change, and nobody's name in them (R56, R57)."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cps_portal.core.lib.kept_pages import KEPT, Kept
from cps_portal.site.views.public import OF_THE_PROGRAMME
from kitbag.models import Product
from members.enums import Level, ServiceLevel
from members.models import CountryProgramme, LevelBenefit, LevelThreshold
from members.offers.models import PackItem
from servicing.models import ServiceCentre
from servicing.views.centres import OF_CENTRES
from tests.queries import SNAPSHOT_QUERIES
from tests.rows import each_row
from tests.servicing.jobs import a_centre
from tests.world import World

PAGES = ["/", "/fr/", "/help/", "/ar/help/", "/centres/"]
HASHED = re.compile(r"hash_record")
TABLE = re.compile(r'(?:from|join) "(\w+)"', re.IGNORECASE)
COUNTED = Product._meta.db_table  # too many rows to hash: `figures` counts them


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    for kept in KEPT:
        kept.forget()


def page(url: str, **cookies: str) -> str:
    client = Client()
    client.cookies.load(cookies)
    response = client.get(url)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def queries(url: str) -> list[str]:
    with CaptureQueriesContext(connection) as found:
        page(url)
    return [query["sql"] for query in found]


def kept_for(url: str) -> Kept:
    return OF_CENTRES if "centres" in url else OF_THE_PROGRAMME


@each_row("url", PAGES)
def test_a_page_reads_no_table_that_is_not_in_its_signature(world: World, url: str) -> None:
    a_centre()
    known = {model._meta.db_table for model in kept_for(url).models} | ({COUNTED} if "centres" not in url else set())
    sql = [query for query in queries(url) if not HASHED.search(query)]
    assert set(TABLE.findall(" ".join(sql))) - known == set()


@each_row("url", PAGES)
def test_the_second_visitor_costs_the_signature_alone(world: World, url: str) -> None:
    first = page(url)
    assert len(queries(url)) <= SNAPSHOT_QUERIES + (1 if "centres" in url else 2)
    assert page(url) == first


def raise_threshold() -> None:
    LevelThreshold.objects.filter(level=Level.GOLD).update(points_from=4321)


def change_benefit() -> None:
    LevelBenefit.objects.filter(service_level=ServiceLevel.FULL, country="").update(
        fast_track_days=7, maintenance_discount=77
    )


def change_programme() -> None:
    CountryProgramme.objects.filter(country="ZA").delete()


def withdraw_product() -> None:
    Product.objects.filter(pk=Product.objects.registrable().earliest("pk").pk).update(registrable=False)


def add_to_pack() -> None:
    PackItem.objects.create(code="strap", name="A strap of gold", included=True)


def rename_centres() -> None:
    ServiceCentre.objects.update(name="Nowhere")


CHANGES = {
    "/": [raise_threshold, change_benefit, change_programme, withdraw_product],
    "/help/": [raise_threshold, change_benefit, change_programme, withdraw_product, add_to_pack],
    "/centres/": [change_benefit, change_programme, rename_centres],
}


@each_row("url", list(CHANGES))
def test_a_change_shows_at_once(world: World, url: str) -> None:
    a_centre()
    before = page(url)
    for change in CHANGES[url]:
        change()
        after = page(url)
        assert after != before, change
        before = after


def test_what_changes_by_the_day_changes_at_midnight(world: World) -> None:
    now = timezone.now()
    LevelThreshold.objects.create(
        level=Level.GOLD, points_from=4321, valid_from=timezone.localdate() + timedelta(days=1)
    )
    assert "4,321" not in page("/")
    with time_machine.travel(now + timedelta(days=1)):
        assert "4,321" in page("/")


def test_centres_open_and_close_while_the_page_is_kept(world: World) -> None:
    centre = a_centre()
    day = next(centre.calendar.working_days(timezone.localdate() + timedelta(days=1)))
    opens, closes = centre.calendar.opening(day)
    seen = []
    for moment in (opens - timedelta(seconds=1), opens, closes - timedelta(seconds=1), closes):
        with time_machine.travel(moment, tick=False):
            seen.append(("Opens at" in page("/centres/"), "Open until" in page("/centres/")))
    assert seen == [(True, False), (False, True), (False, True), (False, False)]


@each_row("url", PAGES)
def test_members_get_their_own_page_and_leave_nothing_in_the_shared_one(world: World, url: str) -> None:
    names = [world.ana.full_name, world.ana.initials]
    member = Client()
    member.force_login(world.ana.user)
    own = member.get(url, follow=True).content.decode()
    assert all(name in own for name in names)
    shared = page(url)
    assert not any(name in shared for name in names)
    assert all(name in member.get(url, follow=True).content.decode() for name in names)
    assert page(url) == shared
    assert "csrf" not in shared.lower()


def test_each_language_has_its_own(world: World) -> None:
    assert 'lang="en"' in page("/help/") and 'lang="fr"' in page("/fr/help/")
    kept, with_cookie = page("/fr/centres/"), page("/fr/centres/", **{settings.LANGUAGE_COOKIE_NAME: "ru"})
    assert kept == with_cookie and '<html lang="fr"' in kept


@each_row("url", PAGES)
def test_a_browser_that_has_the_page_is_told_so(world: World, url: str) -> None:
    a_centre()
    response = Client().get(url)
    known = {"If-None-Match": f"W/{response['ETag']}"}
    again = Client().get(url, headers=known)
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", response["ETag"])
    assert again.get("Cache-Control") == response.get("Cache-Control")
    assert set(again["Vary"].split(", ")) >= set(response["Vary"].split(", ")) - {"Accept-Encoding"}
    change_programme()
    change_benefit()
    assert Client().get(url, headers=known).status_code == 200


def test_what_somebody_asked_for_is_not_kept(world: World) -> None:
    """A search, a country that is wrong, a message that waits in a cookie."""
    plain = page("/help/")
    assert "warranty" in page("/help/?q=warranty") and page("/help/") == plain
    assert Client().get("/?country=XX").status_code == 422
    assert "Choose a country from the list." not in page("/")
    with_cookie = Client()
    with_cookie.cookies["messages"] = "something"
    assert "ETag" not in with_cookie.get("/help/")
