"""htmx never gets a whole page into a fragment: what redirects a page redirects the page that it is on (R71)."""

import re
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from members.models import Member, TermsVersion
from tests.rows import each_row
from tests.world import World

SITE = "http://testserver"
PAGE = "/kitbag/add/?q=r5&view=table"
EXAMPLES = {"int": "1", "str": "AAAA-AAAA", "slug": "joburg", "path": "x"}


def addresses(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, route)
        else:
            yield route, pattern


def needs_sign_in() -> list[str]:
    """An address of every view that needs a signed-in person, but for the API and the admin."""
    found = []
    for route, pattern in addresses(get_resolver().url_patterns):
        view = pattern.callback
        is_ours = not route.startswith(("api/", "^api/", "admin/", "mailbox/"))
        if is_ours and getattr(view, "login_required", True) and "(?P" not in route:
            found.append("/" + re.sub(r"<(?:(\w+):)?\w+>", lambda match: EXAMPLES[match[1] or "str"], route))
    return sorted(set(found))


def test_there_are_many_such_addresses() -> None:
    found = needs_sign_in()
    assert len(found) > 60
    assert {"/kitbag/add/search/", "/kitbag/1/status/", "/service/AAAA-AAAA/live/", "/dashboard/"} <= set(found)


@each_row("url", needs_sign_in())
@each_row("method", ["get", "post"])
def test_after_the_session_htmx_leads_the_whole_page_to_signing_in(db: None, url: str, method: str) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": SITE + PAGE}
    response = getattr(Client(), method)(url, headers=headers)
    assert response["HX-Redirect"] == f"/accounts/login/?{urlencode({'next': PAGE}, safe='/')}"
    assert (response.status_code, response.content) == (200, b"")


@each_row(
    "current",
    ["https://evil.example/x", f"{SITE}//evil.example/", "//evil.example/", "javascript:alert(1)", "", "\x00"],
)
def test_a_page_of_another_site_is_never_the_next_one(db: None, current: str) -> None:
    response = Client().get("/kitbag/add/search/", headers={"HX-Request": "true", "HX-Current-URL": current})
    assert response["HX-Redirect"] == f"/accounts/login/?{urlencode({'next': '/dashboard/'}, safe='/')}"


@each_row(
    ("referer", "page"),
    [
        (f"{SITE}/service/AAAA-AAAA/?a=1#x", "/service/AAAA-AAAA/?a=1"),
        ("https://evil.example/service/", "/dashboard/"),
        ("", "/dashboard/"),
        (f"{SITE}//evil.example/", "/dashboard/"),
        (f"{SITE}/{'x' * 600}", "/" + "x" * 499),
    ],
)
def test_a_form_without_a_token_leads_back_to_the_page_it_was_on(db: None, referer: str, page: str) -> None:
    response = Client().post("/service/AAAA-AAAA/write/", {"text": "T"}, headers={"Referer": referer})
    assert response["Location"] == f"/accounts/login/?{urlencode({'next': page}, safe='/')}"


@pytest.mark.parametrize("url", ["/kitbag/add/search/?q=r5", "/dashboard/", "/kitbag/1/status/"])
def test_new_terms_and_a_closed_account_lead_the_whole_page_too(world: World, url: str) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": SITE + PAGE}
    client = Client()
    client.force_login(world.ana.user)
    TermsVersion.objects.create(version="2026-01", valid_from=timezone.now())
    assert client.get(url, headers=headers)["HX-Redirect"] == f"/terms/accept/?{urlencode({'next': PAGE})}"
    Member.objects.filter(pk=world.ana.pk).update(closed_at=timezone.now())
    assert client.get(url, headers=headers)["HX-Redirect"] == "/closing/"


def test_being_asked_for_the_password_again_leads_the_whole_page_too(world: World) -> None:
    client = Client()
    client.force_login(world.ana.user)
    response = client.post("/profile/data/download/", headers={"HX-Request": "true"})
    assert response["HX-Redirect"].startswith("/accounts/reauthenticate/")
    assert client.post("/profile/close/", headers={"HX-Request": "true"})["HX-Redirect"].startswith("/accounts/")


def test_a_redirect_keeps_its_cookies(world: World) -> None:
    client = Client()
    client.force_login(world.ana.user)
    response = client.post("/kitbag/999/unpick/", headers={"HX-Request": "true"})
    assert response.status_code == 404
    response = client.post("/contact/", {"kind": "kit", "subject": "S", "text": "T"}, headers={"HX-Request": "true"})
    assert response["HX-Redirect"].startswith("/cases/")
    assert "messages" in response.cookies


@pytest.mark.parametrize("url", ["/admin/cases/case/1/change/", "/admin/kitbag/product/add/", "/kitbag/list.csv"])
def test_no_middleware_calls_a_view_before_the_checks(world: World, url: str) -> None:
    """A middleware that called the view itself would skip CSRF and signing in, which come after it."""
    client = Client(enforce_csrf_checks=True)
    assert client.get(url)["Location"].startswith(("/accounts/login/", "/admin/login/"))
    client.force_login(world.staff)
    response = client.post(url)
    assert response.status_code == 403 and "expired" in response.text


def test_the_middleware_stands_where_it_must() -> None:
    """A form is kept before signing in is asked for, and the view is called last of all."""
    names = [path.rpartition(".")[2] for path in settings.MIDDLEWARE]
    order = [
        "SessionMiddleware",
        "AuthenticationMiddleware",
        "HtmxMiddleware",
        "HtmxRedirectMiddleware",
        "KeptFormMiddleware",
        "SignInRequiredMiddleware",
        "MemberMiddleware",
    ]
    assert sorted(order, key=names.index) == order
    assert names[-1] == "OnceMiddleware"
