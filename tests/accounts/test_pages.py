"""Pages for the data download and for closing and reopening an account (R14)."""

import io
import zipfile
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from cps_portal.core.outbox.models import Message
from cps_portal.site import actions
from members.models import Member
from tests.admin.conftest import as_root, staff
from tests.factories import PASSWORD
from tests.mails import rendered
from tests.world import World

__all__ = ["as_root", "staff"]
PAGES = ["/profile/data/", "/profile/close/", "/closing/"]
POSTS = ["/profile/data/download/", "/profile/close/", "/closing/reopen/"]


@pytest.fixture(autouse=True)
def _no_counts() -> None:
    cache.clear()


def signed_in(member: Member, *, asked_again: bool = True) -> Client:
    client = Client()
    client.post("/accounts/login/", {"login": member.user.email, "password": PASSWORD})
    if asked_again:
        client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return client


def text(answer: HttpResponse) -> str:
    return " ".join(answer.content.decode().split())


@pytest.mark.parametrize("url", PAGES)
def test_visitors_and_staff_are_redirected(world: World, url: str) -> None:
    assert Client().get(url).url.startswith("/accounts/login/")  # type: ignore[attr-defined]
    clerk = Client()
    clerk.force_login(world.staff)
    assert clerk.get(url).url.startswith("/admin/")  # type: ignore[attr-defined]


@pytest.mark.parametrize("url", POSTS)
def test_visitors_can_do_nothing(world: World, url: str) -> None:
    assert Client().post(url).url.startswith("/accounts/login/")  # type: ignore[attr-defined]


@pytest.mark.parametrize("url", ["/profile/close/", "/profile/data/download/"])
def test_the_password_is_asked_first(world: World, url: str) -> None:
    client = signed_in(world.ana, asked_again=False)
    answer = client.post(url, {"sure": "on"})
    assert answer.url.startswith("/accounts/reauthenticate/")  # type: ignore[attr-defined]
    assert Member.objects.open().filter(pk=world.ana.pk).exists()


def test_one_click_downloads_everything_a_few_times_an_hour(world: World, settings: Settings) -> None:
    settings.MY_DATA_LIMIT = (1, 3600)
    client = signed_in(world.ana)
    answer = client.post("/profile/data/download/")
    assert answer["Content-Type"] == "application/zip"
    assert "no-store" in answer["Cache-Control"]
    bundle = zipfile.ZipFile(io.BytesIO(answer.getvalue()))
    assert world.ana.number in bundle.read("profile.json").decode()
    again = client.post("/profile/data/download/", follow=True)
    assert "several times" in text(again)


def test_closing_asks_signs_out_and_mails_the_last_day(world: World) -> None:
    client = signed_in(world.ana)
    assert "Gold" in text(client.get("/profile/close/"))
    unsure = client.post("/profile/close/")
    assert unsure.status_code == 422
    assert "Tick the box" in text(unsure)
    answer = client.post("/profile/close/", {"sure": "on"}, follow=True)
    assert "Your account is closed" in text(answer)
    assert client.get("/dashboard/").url.startswith("/accounts/login/")  # type: ignore[attr-defined]
    world.ana.refresh_from_db()
    letter = Message.objects.get(key__startswith="account_closed")
    until = timezone.localtime(world.ana.reopens_until)
    assert f"{until:%B %Y}" in rendered(letter)["text"]


def test_signing_in_to_a_closed_account_shows_the_way_back_and_nothing_else(world: World) -> None:
    actions.close_account(member=world.ana, by=world.ana.user, at=timezone.now())
    client = signed_in(world.ana)
    for url in ["/dashboard/", "/kitbag/", "/kitbag/points/", "/profile/", "/profile/data/", "/profile/close/"]:
        assert client.get(url).url == "/closing/", url  # type: ignore[attr-defined]
    assert client.post("/profile/theme/", {"theme": "dark"}).url == "/closing/"  # type: ignore[attr-defined]
    assert "Reopen my account" in text(client.get("/closing/"))
    assert client.post("/profile/data/download/")["Content-Type"] == "application/zip"
    back = client.post("/closing/reopen/", follow=True)
    assert "Everything is as it was" in text(back)
    assert back.redirect_chain[-1][0] == "/dashboard/"
    world.ana.refresh_from_db()
    assert (world.ana.closed_at, world.ana.points, world.ana.level) == (None, 1000, "gold")
    assert Message.objects.filter(key__startswith="account_reopened").count() == 1
    assert client.post("/closing/reopen/").url == "/dashboard/"  # type: ignore[attr-defined]
    assert client.get("/closing/").url == "/dashboard/"  # type: ignore[attr-defined]


def test_reopening_too_late_shows_a_message(world: World) -> None:
    actions.close_account(member=world.ana, by=world.ana.user, at=timezone.now() - timedelta(days=31))
    client = signed_in(world.ana)
    assert "too late to reopen it" in text(client.get("/closing/"))
    assert "too late to reopen it" in text(client.post("/closing/reopen/", follow=True))


def test_staff_see_who_asked_to_close_and_until_when(world: World, as_root: Client) -> None:
    actions.close_account(member=world.ana, by=world.ana.user, at=timezone.now())
    listed = text(as_root.get("/admin/members/member/?account=closing"))
    assert "ana@example.org" in listed
    assert "ben@example.org" not in listed
    assert "Erased from" in text(as_root.get(f"/admin/members/member/{world.ana.pk}/change/"))
