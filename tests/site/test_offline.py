"""The service worker and the copies of pages for devices: for whom, how they are cached, what they contain (R41)."""

import re
from datetime import UTC, datetime, timedelta

import time_machine
from django.conf import settings
from django.test import Client

from members.models import Member
from tests.rows import each_row
from tests.world import World

COPIES = ["/offline/dashboard/", "/offline/card/"]
AT = datetime(2026, 11, 30, 12, 5, tzinfo=UTC)  # 14:05 in Johannesburg


def test_the_service_worker_is_at_the_root_checked_each_time_and_holds_nothing_of_a_member(
    world: World, as_ana: Client
) -> None:
    mine, anybodys = as_ana.get("/sw.js"), Client().get("/sw.js")
    assert mine.status_code == anybodys.status_code == 200
    assert mine.content == anybodys.content
    assert mine["Content-Type"].startswith("text/javascript")
    assert "no-cache" in mine["Cache-Control"] and "immutable" not in mine["Cache-Control"]


def test_the_service_worker_of_the_card_alone_is_gone(world: World) -> None:
    assert Client().get("/card/sw.js").status_code in (302, 404)


def test_the_worker_leaves_desk_api_files_and_sign_in_alone(world: World) -> None:
    text = Client().get("/sw.js").text
    places = re.search(r"PLACES = (\[.*?\])", text)
    assert places
    for path in ("/admin/", "/api/v1/", "/files/", "/accounts/", "/c/", "/mail-events/", "/unsubscribe/"):
        assert not any(path.startswith(place) for place in eval(places[1]))  # noqa: S307
    assert '"/profile/data/download/"' in text


def test_the_offline_page_is_the_same_for_everybody(world: World, as_ana: Client) -> None:
    as_ana.get("/dashboard/")
    mine, anybodys = as_ana.get("/offline/"), Client().get("/offline/")
    assert mine.content == anybodys.content
    assert "You’re offline" in mine.text and world.ana.first_name not in mine.text


@each_row("path", COPIES)
def test_a_copy_is_for_the_member_alone_and_never_stored_by_http(world: World, as_ana: Client, path: str) -> None:
    as_ana.get("/card/")
    answer = as_ana.get(path)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert world.ana.number_in_groups in answer.text
    for hidden in ("csrf", "<form", "hx-", '<script src="/static/js/portal.js'):
        assert hidden not in answer.text
    assert Client().get(path).status_code == 302
    assert Client().post(path).status_code in (302, 403, 405)


@each_row("path", COPIES)
def test_a_copy_says_as_of_when_whose_it_is_and_until_when(world: World, as_ana: Client, path: str) -> None:
    as_ana.get("/card/")
    with time_machine.travel(AT, tick=False):
        answer = as_ana.get(path)
    assert "As of" in answer.text and "30 November, 14:05" in answer.text
    until = datetime.fromtimestamp(int(answer["X-Kept-Until"]) / 1000, UTC)
    assert until == AT + settings.OFFLINE_COPIES_KEPT == AT + timedelta(days=7)
    assert re.fullmatch(r"[0-9a-f]{20}", answer["X-Kept-For"])
    assert answer["X-Kept-For"] in as_ana.get("/dashboard/").text


def test_the_card_can_only_be_kept_by_whom_has_one_that_is_valid(world: World, as_ana: Client, as_ben: Client) -> None:
    assert as_ben.get("/offline/card/").status_code == 404
    assert as_ana.get("/offline/card/").status_code == 404, "opening the card issues it, not the copy"
    as_ana.get("/card/")
    assert as_ana.get("/offline/card/").status_code == 200
    Member.objects.filter(pk=world.ana.pk).update(country="FR")
    assert as_ana.get("/offline/card/").status_code == 404, "it rests outside the free programme (R65)"


def test_the_copy_of_the_card_says_that_it_is_checked_online(world: World, as_ana: Client) -> None:
    as_ana.get("/card/")
    assert "Whether the card is valid today is checked online" in as_ana.get("/offline/card/").text


def test_accounts_are_told_apart(as_ana: Client, as_ben: Client) -> None:
    first, second = (client.get("/offline/dashboard/")["X-Kept-For"] for client in (as_ana, as_ben))
    assert first != second
