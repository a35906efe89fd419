"""Headers and cookies under https, as production sends them."""

import re
from http.cookies import Morsel
from math import log2
from string import ascii_lowercase, digits
from typing import Any

import pytest
from django.contrib import messages
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import NoReverseMatch, reverse
from pytest_django import Settings

from cps_portal.core.lib.cookies import MessageStorage
from cps_portal.settings import base
from tests.factories import PASSWORD
from tests.submissions import stage
from tests.submissions.pages import SITE, end_session, type_in
from tests.world import World

COOKIE_SETTINGS = [name for name in dir(base) if name.endswith(("COOKIE_NAME", "COOKIE_SECURE", "COOKIE_PREFIX"))]
PUBLIC = ["/", "/help/", "/terms/", "/accounts/login/", "/accounts/signup/", "/nothing-here/"]
SCRIPT = "/static/js/app.js"
OWN = ["/dashboard/", "/kitbag/", "/profile/", "/service/", "/notices/", "/contact/"]


EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@pytest.fixture
def https(settings: Settings) -> None:
    """The cookies of production."""
    for name in COOKIE_SETTINGS:
        setattr(settings, name, getattr(base, name))


def browser() -> Client:
    return Client(headers={"X-Forwarded-Proto": "https"})


def faults_of(cookie: Morsel[str]) -> list[str]:
    """What is wrong with a cookie: of a host alone, sent only over https, and to no other site."""
    checks = {
        "prefix": cookie.key.startswith("__Host-"),
        "Secure": bool(cookie["secure"]),
        "Path": cookie["path"] == "/",
        "Domain": not cookie["domain"],
        "SameSite": cookie["samesite"] in ("Lax", "Strict"),
        # upload.js reads the CSRF token; a cookie that is deleted has no value.
        "HttpOnly": bool(cookie["httponly"]) or cookie.key == "__Host-csrftoken" or not cookie.value,
    }
    return [f"{cookie.key}: {name}" for name, is_right in checks.items() if not is_right]


def test_every_cookie_is_one_of_this_host_over_https(https: None, world: World) -> None:
    """The session, the CSRF token, the language, what was kept of a form, and messages; also when they are deleted."""
    client, form = browser(), stage.contact(world)
    cookies: dict[str, Morsel[str]] = {}

    def note(response: HttpResponse) -> None:
        cookies.update(response.cookies)
        faults = [fault for cookie in response.cookies.values() for fault in faults_of(cookie)]
        assert faults == []

    note(client.get("/language/en/", secure=True))
    note(client.get("/accounts/login/", secure=True))
    note(client.post("/accounts/login/", {"login": world.ana.user.email, "password": PASSWORD}, secure=True))
    typed = type_in(client, form)
    end_session(client)
    note(client.post(form.action, typed, headers={"Origin": SITE}))
    note(client.post("/accounts/login/", {"login": world.ana.user.email, "password": PASSWORD}, secure=True))
    note(client.post("/accounts/logout/", secure=True))
    names = {"sessionid", "csrftoken", "device", "kept_forms", "language", "messages"}
    assert set(cookies) == {f"__Host-{name}" for name in names}


def test_messages_keep_their_cookie_small_and_prefixed(https: None, rf: RequestFactory) -> None:
    request = rf.get("/")
    request.session = {}
    storage = MessageStorage(request)
    storage.add(messages.INFO, "Saved.")
    response = HttpResponse()
    storage.update(response)
    assert list(response.cookies) == ["__Host-messages"]
    again = rf.get("/")
    again.COOKIES["__Host-messages"] = response.cookies["__Host-messages"].value
    again.session = {}
    assert [str(message) for message in MessageStorage(again)] == ["Saved."]


def test_every_answer_says_what_a_browser_may_do(world: World, as_ana: Client) -> None:
    wrong = []
    for client, url in [*((Client(), url) for url in PUBLIC), *((as_ana, url) for url in OWN)]:
        answer = client.get(url)
        wrong += [(url, name) for name, value in EVERYWHERE.items() if answer.headers.get(name) != value]
        policy = answer.headers.get("Permissions-Policy", "")
        wrong += [(url, policy) for part in ("camera=()", "geolocation=(self)", "payment=()") if part not in policy]
        security = answer.headers.get("Content-Security-Policy", "")
        directives = ("object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "default-src 'self'")
        wrong += [(url, security) for part in directives if part not in security]
    assert wrong == []


def test_static_files_say_it_too_but_for_permissions_which_only_documents_have(db: None) -> None:
    answer = Client().head(SCRIPT)
    assert answer.status_code == 200
    assert {name: answer.headers.get(name) for name in EVERYWHERE} == EVERYWHERE
    assert "Permissions-Policy" not in answer.headers


def test_the_permissions_policy_is_well_formed() -> None:
    for feature, allowed in base.PERMISSIONS_POLICY.items():
        assert re.fullmatch(r"[a-z-]+", feature) and allowed in ("()", "(self)")


def test_no_proxy_and_no_browser_shows_pages_of_a_session_unasked(world: World, as_ana: Client) -> None:
    wrong = []
    for url in [*OWN, "/", "/help/"]:
        control = as_ana.get(url).headers.get("Cache-Control", "")
        wrong += [(url, control)] if "private" not in control or "no-cache" not in control else []
    assert wrong == []


def test_the_token_of_forms_is_sent_once_and_again_when_it_changes(world: World) -> None:
    """Else each page would set a cookie, and no page with `no-store` would stay in the back/forward cache."""
    client = Client()
    first = client.get("/accounts/login/").cookies["csrftoken"].value
    assert "csrftoken" not in client.get("/accounts/login/").cookies
    signed = client.post("/accounts/login/", {"login": world.ana.user.email, "password": PASSWORD})
    assert signed.status_code == 302 and signed.cookies["csrftoken"].value != first, "it changes when somebody signs in"
    assert [url for url in OWN if "csrftoken" in client.get(url).cookies] == []
    client.cookies["csrftoken"] = "forged"
    assert client.get("/dashboard/").cookies["csrftoken"].value != "forged"


def test_pages_without_a_session_are_left_alone(db: None) -> None:
    """Besides those that caches may keep (tests/languages/test_choice.py)."""
    assert "Cache-Control" not in Client().get("/centres/")


def test_codes_and_secrets_are_never_stored(world: World, as_ana: Client, settings: Settings) -> None:
    wrong = []
    for name in settings.NEVER_STORED_VIEWS:
        client = Client() if name in ("account_reset_password_from_key", "mfa_authenticate") else as_ana
        control = client.get(address_of(name)).headers.get("Cache-Control", "")
        wrong += [(name, control)] if "no-store" not in control else []
    assert wrong == []


def address_of(name: str) -> str:
    keys: list[dict[str, Any]] = [{}, {"key": "x-y"}, {"uidb36": "1", "key": "set-password"}]
    for kwargs in keys:
        try:
            return reverse(name, kwargs=kwargs)
        except NoReverseMatch:
            continue
    raise AssertionError(f"settings.NEVER_STORED_VIEWS names {name}, which does not exist")


def test_no_code_of_ours_sets_a_cookie_without_the_prefix() -> None:
    """A new one has to be added to `test_every_cookie_is_one_of_this_host_over_https`."""
    sources = [path for folder in ("cps_portal", "members", "kitbag", "servicing") for path in python_files(folder)]
    setting = {path.relative_to(base.BASE_DIR).as_posix() for path in sources if "set_cookie(" in path.read_text()}
    assert setting == {
        "cps_portal/core/lib/language_choice.py",
        "cps_portal/core/submissions/middleware.py",
        "members/middleware.py",
    }


def python_files(folder: str) -> list[Any]:
    return sorted((base.BASE_DIR / folder).rglob("*.py"))


def test_no_other_origin_may_read_an_answer(as_ana: Client) -> None:
    for url in [*OWN, "/api/v1/products", "/api/v1/openapi.json"]:
        answer = as_ana.get(url, headers={"Origin": "https://elsewhere.example.org"})
        assert not [name for name in answer.headers if name.lower().startswith("access-control")], url


def test_neither_trace_nor_a_folder_is_answered(db: None) -> None:
    secret = "Bearer 0123456789"
    assert secret not in Client().trace("/help/", headers={"Authorization": secret}).text
    for folder in ("/static/", "/static/js/", "/.git/config", "/media/"):
        assert Client().get(folder).status_code == 404, folder


def test_the_key_of_a_session_has_more_than_128_bits(as_ana: Client) -> None:
    key = as_ana.session.session_key
    assert key and len(key) == 32 and set(key) <= set(ascii_lowercase + digits)
    assert 32 * log2(36) > 128
