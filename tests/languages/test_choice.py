"""In which language a page is: by its address, the account, the switch, the browser (R56)."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client, override_settings
from django.urls import reverse

from cps_portal.core.lib.language_choice import language_of_browser, language_of_path
from cps_portal.core.lib.languages import NAMES
from tests.admin.conftest import signed_in
from tests.factories import UserFactory
from tests.world import World

OWN = ("cps_portal", "members", "kitbag", "servicing")
ALL = list(NAMES.items())


@pytest.fixture(autouse=True)
def every_language() -> Iterator[None]:
    """The choice works before the catalogues are whole."""
    with override_settings(LANGUAGES=ALL):
        yield


def language_of(client: Client, path: str, **headers: str) -> str:
    response = client.get(path, follow=True, headers={"Accept-Language": "", **headers})
    assert response.status_code == 200
    page = response.content.decode()
    return page.split('<html lang="', 1)[1].split('"', 1)[0]


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("fr-MA", "fr"),
        ("ar-DZ", "ar"),
        ("pt-AO", "pt"),
        ("pt-BR,pt;q=0.9", "pt"),
        ("en-US,en;q=0.5", "en"),
        ("kk-KZ,ru;q=0.7", "ru"),
        ("sw-KE,en", "en"),
        ("zu,fr;q=0.8", "fr"),
        ("en;q=0.2,tr;q=0.9", "tr"),
        ("uk-UA,uk;q=0.9,ru;q=0.8,en;q=0.5", "en"),  # never Russian without having asked for it
        ("uk,ru", "en"),
        ("fr;q=0", "en"),
        ("", "en"),
        ("*", "en"),
        ("fr;q=abc, ,;;", "en"),
        ("x" * 10_000, "en"),
    ],
)
def test_the_language_of_a_browser(header: str, language: str) -> None:
    assert language_of_browser(header) == language


@pytest.mark.parametrize(
    ("path", "language"),
    [("/fr/", "fr"), ("/fr/help/", "fr"), ("/help/", ""), ("/en/help/", ""), ("/fr", ""), ("/xx/help/", ""), ("/", "")],
)
def test_the_language_of_an_address(path: str, language: str) -> None:
    assert language_of_path(path) == language


def test_a_visitor_reads_in_the_language_of_the_browser(world: World, client: Client) -> None:
    response = client.get("/help/", headers={"Accept-Language": "ar-EG"})
    assert (response.status_code, response["Location"]) == (302, "/ar/help/")
    assert {"Accept-Language", "Cookie"} <= set(response["Vary"].split(", "))
    assert language_of(client, "/help/?q=card", **{"Accept-Language": "fr"}) == "fr"
    assert language_of(client, "/accounts/login/", **{"Accept-Language": "ru"}) == "ru"


def test_an_address_beats_browser_and_cookie(world: World, client: Client) -> None:
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "tr"
    assert language_of(client, "/fr/help/", **{"Accept-Language": "ru"}) == "fr"


def test_an_unknown_page_is_not_found_in_any_language(world: World, client: Client) -> None:
    assert client.get("/no-such-page/", headers={"Accept-Language": "fr"}).status_code == 404
    assert client.get("/xx/help/").status_code == 404
    assert client.get("/fr/dashboard/").status_code == 404


def test_the_switch_works_before_signing_in(world: World, client: Client) -> None:
    response = client.get(reverse("read_in", args=["fr"]), {"next": "/help/"})
    assert (response.status_code, response["Location"]) == (302, "/fr/help/")
    assert client.cookies[settings.LANGUAGE_COOKIE_NAME].value == "fr"
    assert language_of(client, "/accounts/login/", **{"Accept-Language": "ru"}) == "fr"
    back = client.get(reverse("read_in", args=["en"]), {"next": "/fr/help/"})
    assert back["Location"] == "/help/"
    assert language_of(client, "/help/", **{"Accept-Language": "ru"}) == "en"


def test_the_switch_leads_back_to_pages_of_ours_only(world: World, client: Client) -> None:
    switch = reverse("read_in", args=["fr"])
    assert client.get(switch, {"next": "https://elsewhere.example/"})["Location"] == "/fr/"
    assert client.get(switch, headers={"Referer": "http://testserver//elsewhere.example/"})["Location"] == "/fr/"
    assert client.get(switch, headers={"Referer": "http://elsewhere.example/help/"})["Location"] == "/fr/"
    assert (
        client.get(switch, headers={"Referer": "http://testserver/contact/?about=x"})["Location"] == "/contact/?about=x"
    )
    assert client.get(reverse("read_in", args=["xx"])).status_code == 404


def test_whoever_comes_from_a_french_page_goes_on_in_french(world: World, client: Client) -> None:
    came = {"Referer": "http://testserver/fr/", "Accept-Language": "ru"}
    assert language_of(client, "/accounts/signup/", **came) == "fr"
    assert language_of(client, "/accounts/login/", Referer="http://elsewhere.example/fr/") == "en"


def test_the_account_keeps_the_language(world: World) -> None:
    client = Client()
    client.force_login(world.ana.user)
    assert language_of(client, reverse("dashboard"), **{"Accept-Language": "fr"}) == "en"
    response = client.post(reverse("change_language"), {"language": "ar", "next": "/kitbag/"})
    assert response["Location"] == "/kitbag/"
    world.ana.refresh_from_db()
    assert world.ana.language == "ar"
    page = client.get("/kitbag/").content.decode()
    assert '<html lang="ar"' in page and 'dir="rtl"' in page
    other = Client()
    other.force_login(world.ana.user)
    other.get(reverse("dashboard"))  # the session learns the language with the terms
    assert language_of(other, reverse("dashboard"), **{"Accept-Language": "fr"}) == "ar"


def test_an_unknown_language_changes_nothing(world: World, client: Client) -> None:
    client.force_login(world.ana.user)
    assert client.post(reverse("change_language"), {"language": "xx", "next": "/kitbag/"})["Location"] == "/kitbag/"
    world.ana.refresh_from_db()
    assert world.ana.language == "en"


def test_a_language_that_is_no_longer_offered_falls_back(world: World, client: Client) -> None:
    client.force_login(world.ana.user)
    client.post(reverse("change_language"), {"language": "ar", "next": "/"})
    with override_settings(LANGUAGES=[("en", "English")]):
        assert language_of(client, reverse("dashboard")) == "en"


def test_desk_and_api_are_english(world: World, client: Client) -> None:
    client.force_login(world.staff)
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "fr"
    response = client.get("/admin/login/", headers={"Accept-Language": "fr"}, follow=False)
    assert response["Content-Language"] == "en"
    assert client.get("/api/v1/nothing", headers={"Accept-Language": "fr"})["Content-Language"] == "en"


def test_public_pages_name_their_address_in_each_language(world: World, client: Client) -> None:
    page = " ".join(client.get("/fr/help/").content.decode().split())
    for code in NAMES:
        address = f"{settings.SITE_URL}{'' if code == 'en' else '/' + code}/help/"
        assert f'<link rel="alternate" hreflang="{code}" href="{address}">' in page
    assert f'<link rel="canonical" href="{settings.SITE_URL}/fr/help/">' in page
    assert f'hreflang="x-default" href="{settings.SITE_URL}/help/"' in page
    assert 'hreflang="x-default"' not in client.get("/accounts/login/").content.decode()


@pytest.mark.parametrize("path", ["/", "/fr/", "/help/", "/ar/help/", "/terms/", "/pt/privacy/"])
def test_public_pages_are_cacheable_and_have_nothing_of_anybody(world: World, path: str) -> None:
    visitor = Client(enforce_csrf_checks=True)
    response = visitor.get(path)
    assert response.status_code == 200
    assert set(response["Cache-Control"].split(", ")) == {"public", "no-cache"}
    assert not response.cookies
    assert "csrf" not in response.content.decode().lower()
    vary = set(response["Vary"].split(", "))
    assert "Cookie" in vary
    assert ("Accept-Language" in vary) == (language_of_path(path) == "")
    signed_in = Client()
    signed_in.force_login(world.ana.user)
    private = signed_in.get(path, follow=True)
    assert "public" not in private["Cache-Control"] and "Cookie" in private["Vary"]


def test_one_language_needs_no_switch(world: World, client: Client) -> None:
    assert reverse("read_in", args=["fr"]) in client.get("/help/").content.decode()
    with override_settings(LANGUAGES=[("en", "English")]):
        page = client.get("/help/").content.decode()
    assert "langs" not in page and "hreflang" not in page


def test_nobody_but_the_middleware_activates_a_language() -> None:
    """A worker would keep it for the mails of the next member: `translation.override` gives it back."""
    sources = [path for folder in OWN for path in (Path(settings.BASE_DIR) / folder).rglob("*.py")]
    found = {path.name for path in sources if "translation.activate(" in path.read_text()}
    assert found == {"language_choice.py", "middleware.py"}


def test_an_error_is_told_in_the_language_of_the_page(world: World, client: Client) -> None:
    client.raise_request_exception = False
    page = client.get("/no-such-page/", headers={"Accept-Language": "ar"}).content.decode()
    assert '<html lang="ar"' in page and 'dir="rtl"' in page


@pytest.mark.parametrize(
    "address", ["/nowhere/", "/admin/nowhere/", "/fr/nowhere/", "/api/v1/nowhere", "/kitbag/x/", "/admin/%00/"]
)
def test_a_page_that_does_not_exist_says_so_to_everybody(world: World, address: str) -> None:
    """Also where the admin has a view for all that it does not know, which has no name to make an address of."""
    staff = signed_in(UserFactory(is_staff=True, is_superuser=True))
    member = Client()
    member.force_login(world.ana.user)
    for client in (Client(), member, staff):
        assert client.get(address, follow=True).status_code in {200, 403, 404}, address
    assert staff.get(address).status_code == 404
