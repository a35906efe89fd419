"""Looking at the portal as a member: read-only by construction, ends by itself, is recorded, and they see it (R68)."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.reference import new_reference
from cps_portal.site.presenters.viewed_page import VIEWED_PAGES, rewrite_page
from members import actions
from members.models import Member, MemberView, Session, StaffAccess, User
from members.offers.models import Card
from servicing.models import Parcel, Ticket
from tests.accounts.everything import add_everything
from tests.admin.conftest import SignIn, signed_in
from tests.factories import UserFactory
from tests.rows import each_row
from tests.world import World

NOT_PAGES = ("admin:", "api-", "mailbox")


@pytest.fixture
def support(groups: dict[str, Group]) -> User:
    user = UserFactory(email="lerato@example.org", is_staff=True)
    user.groups.add(groups["Support"])
    return User.objects.get(pk=user.pk)


@pytest.fixture
def desk(support: User) -> Client:
    return signed_in(support)


def start(member: Member, by: User) -> MemberView:
    return actions.start_view(member=member, reason="Case CV3B-RK3S", by=by, at=timezone.now())


def viewed(member: Member, path: str = "/dashboard/") -> str:
    return reverse("admin:member_viewed", args=[member.pk, path.removeprefix("/")])


def addresses(resolver: Any = None, prefix: str = "", spaces: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """(name, route) of every address in the URL table."""
    for pattern in (resolver or get_resolver()).url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern, route, (*spaces, *([pattern.namespace] if pattern.namespace else [])))
        elif isinstance(pattern, URLPattern):
            yield ":".join([*spaces, pattern.name or ""]), route


def every_row() -> dict[str, str]:
    """A checksum of every table, without what staff opened."""
    with connection.cursor() as cursor:
        cursor.execute("select tablename from pg_tables where schemaname = current_schema()")
        tables = [name for (name,) in cursor.fetchall() if name not in {"members_staffaccess", "members_session"}]
        parts = " union all ".join(
            f"select '{table}', md5(coalesce(string_agg(t::text, '' order by t::text), '')) from \"{table}\" t"  # noqa: S608
            for table in tables
        )
        cursor.execute(parts)
        return dict(cursor.fetchall())


# --- Beginning and ending ---------------------------------------------------------------------------


def test_a_reason_is_asked_first_and_then_the_dashboard_is_shown(world: World, desk: Client, support: User) -> None:
    page = reverse("admin:member_view_as", args=[world.ana.pk])
    assert "The member can read it" in desk.get(page).content.decode()
    assert desk.get(viewed(world.ana))["Location"] == page, "nothing is shown before"
    empty = desk.post(page, {"reason": "  "})
    assert (empty.status_code, "Say why you look" in empty.content.decode()) == (422, True)
    assert desk.post(page, {"reason": "Asked by phone"})["Location"] == viewed(world.ana)
    view = MemberView.objects.get()
    assert (view.by, view.member, view.reason) == (support, world.ana, "Asked by phone")
    assert view.until - view.at == timedelta(minutes=settings.VIEW_AS_MINUTES)
    text = desk.get(viewed(world.ana)).content.decode()
    assert "You see this as <bdi>Ana Example</bdi>" in text and "Asked by phone" in text and "Back to the desk" in text
    assert desk.get(page)["Location"] == viewed(world.ana)


def test_it_ends_by_itself_after_fifteen_minutes(world: World, desk: Client, support: User) -> None:
    at = timezone.now() - timedelta(minutes=settings.VIEW_AS_MINUTES)
    actions.start_view(member=world.ana, reason="x", by=support, at=at + timedelta(seconds=30))
    answer = desk.get(viewed(world.ana))
    seconds, url = re.fullmatch(r"(\d+); url=(.+)", answer["Refresh"]).groups()  # type: ignore[union-attr]
    assert int(seconds) <= 30 and url == reverse("admin:member_view_as", args=[world.ana.pk])
    actions.end_view(member=world.ana, by=support, at=timezone.now())
    actions.start_view(member=world.ana, reason="x", by=support, at=at - timedelta(seconds=1))
    assert desk.get(viewed(world.ana))["Location"] == url
    assert "has ended" in desk.get(url).content.decode()


def test_the_way_back_ends_it(world: World, desk: Client, support: User) -> None:
    start(world.ana, support)
    back = desk.post(reverse("admin:member_view_end", args=[world.ana.pk]))
    assert back["Location"] == reverse("admin:members_member_change", args=[world.ana.pk])
    assert MemberView.objects.get().ended_at
    assert desk.get(viewed(world.ana)).status_code == 302


@each_row(
    "kind, code", [("staff", "staff"), ("root", "staff"), ("own", "staff"), ("closed", "closed"), ("erased", "closed")]
)
def test_never_staff_and_never_a_closed_account(
    world: World, desk: Client, support: User, kind: str, code: str
) -> None:
    member, user = world.ana, world.ana.user
    if kind == "own":
        support = user
    elif kind in ("staff", "root"):
        User.objects.filter(pk=user.pk).update(is_staff=kind == "staff", is_superuser=kind == "root")
    else:
        Member.objects.filter(pk=member.pk).update(closed_at=timezone.now())
        member.refresh_from_db()
    if kind == "erased":
        actions.erase_person(member=member, at=timezone.now())
    with pytest.raises(Refusal) as refused:
        start(member, support)
    assert refused.value.code == code
    assert desk.post(reverse("admin:member_view_as", args=[member.pk]), {"reason": "x"}).status_code in (302, 422)


@each_row("change", [{"closed_at": timezone.now()}, {"user__is_staff": True}])
def test_it_ends_when_the_account_closes_or_becomes_staff(
    world: World, desk: Client, support: User, change: dict[str, Any]
) -> None:
    start(world.ana, support)
    if "closed_at" in change:
        Member.objects.filter(pk=world.ana.pk).update(**change)
    else:
        User.objects.filter(pk=world.ana.user_id).update(is_staff=True)
    assert desk.get(viewed(world.ana)).status_code == 302


@each_row("group, status", [("Support", 200), ("Programme", 403), ("Centre", 403), ("", 403)])
def test_it_needs_a_right_of_its_own(world: World, staff: SignIn, group: str, status: int) -> None:
    client = staff(group)
    assert client.get(reverse("admin:member_view_as", args=[world.ana.pk])).status_code == status
    assert client.get(viewed(world.ana)).status_code == (302 if status == 200 else status)
    assert client.post(reverse("admin:member_view_end", args=[world.ana.pk])).status_code in (302, status)


def test_somebody_elses_view_is_none_of_mine(world: World, staff: SignIn, support: User) -> None:
    start(world.ana, support)
    assert staff("Support").get(viewed(world.ana)).status_code == 302
    assert signed_in(support).get(viewed(world.ben)).status_code == 302


# --- What is shown ----------------------------------------------------------------------------------


@pytest.mark.wide
def test_every_page_of_members_is_shown_without_writing_or_not_shown(world: World, desk: Client, support: User) -> None:
    """Every address of the URL table with the keys of a member who has everything."""
    member = add_everything(world)
    for rows in (Ticket.objects.filter(member=member), Parcel.objects.filter(tickets__member=member)):
        rows.update(reference=new_reference(lambda _taken: False))
    start(member, support)
    desk.get(viewed(member))  # signs the browser in
    routes = {name: route for name, route in addresses() if not name.startswith(NOT_PAGES) and route}
    before, state = every_row(), sign_in_state(member)
    wrong = []
    for name, route in routes.items():
        path = "/" + fill_in(route, member)
        answer = desk.get(viewed(member, path))
        text = answer.content.decode()
        if name in VIEWED_PAGES:
            fine = answer.status_code in (200, 302) and (answer.status_code == 302 or "d-banner" in text)
        else:
            fine = answer.status_code in (403, 404)
        if not fine or answer["Content-Type"].partition(";")[0] not in ("text/html",):
            wrong.append((name, path, answer.status_code))
    assert wrong == []
    assert len(routes) > 100
    assert every_row() == before, "not a single row is written"
    assert sign_in_state(member) == state


def fill_in(route: str, member: Member) -> str:
    """The address with keys of the member's own rows."""
    ticket = member.tickets.get()  # type: ignore[attr-defined]
    kit = member.registrations.first()  # type: ignore[attr-defined]
    case = member.cases.first()  # type: ignore[attr-defined]
    values = {"service/parcels": ticket.parcel.reference, "service/": ticket.reference, "cases/": case.reference}
    reference = next((value for start_, value in values.items() if route.startswith(start_)), "4K70MQ2X")
    route = route.replace("<str:reference>", reference).replace(
        "<slug:slug>", "a-centre" if "centres" in route else "cleaning"
    )
    route = route.replace("<str:country>", "KE")
    route = re.sub(r"<int:[a-z_]*>", lambda _match: str(kit.pk), route)
    route = re.sub(r"\(\?P<[^>]*>[^)]*\)", "x", route).replace("^", "").replace("$", "").replace("\\", "")
    return re.sub(r"<[^>]*>", "x", route)


def sign_in_state(member: Member) -> tuple[Any, ...]:
    user = User.objects.get(pk=member.user_id)
    sessions = [
        session for session in Session.objects.all() if session.get_decoded().get("_auth_user_id") == str(user.pk)
    ]
    return user.last_login, list(user.devices.values()), sorted(row.pk for row in sessions)  # type: ignore[attr-defined]


@each_row("name", sorted(VIEWED_PAGES))
def test_each_page_that_is_shown_exists(name: str) -> None:
    assert name in dict(addresses())


def test_the_card_is_shown_without_its_code(world: World, desk: Client, support: User) -> None:
    Card.objects.create(member=world.ana, number="880000000017", token="a-secret-token", issued_at=timezone.now())
    start(world.ana, support)
    text = desk.get(viewed(world.ana, "/card/")).content.decode()
    assert "8800 0000 0017" in text
    assert "a-secret-token" not in text and "pass__code" not in text and "/c/" not in text


def test_a_card_that_nobody_has_opened_is_not_issued(world: World, desk: Client, support: User) -> None:
    start(world.ana, support)
    assert "The card is made when" in desk.get(viewed(world.ana, "/card/")).content.decode()
    assert not Card.objects.exists()


def test_links_stay_inside_or_lead_nowhere_and_nothing_can_be_sent(world: World, desk: Client, support: User) -> None:
    member = add_everything(world)
    start(member, support)
    inside = reverse("admin:member_viewed", args=[member.pk, "x"])[:-1]
    bad = []
    for path in (
        "/dashboard/",
        "/kitbag/",
        "/kitbag/points/",
        "/service/",
        "/notices/",
        "/profile/",
        "/card/",
        "/help/",
    ):
        text = desk.get(viewed(member, path)).content.decode()
        page = text.partition("</aside>")[2]
        links = re.findall(r"<a\b[^>]*\bhref=\"([^\"]*)\"", page)
        bad += [(path, link) for link in links if not link.startswith((inside, "#"))]
        bad += [(path, word) for word in ("csrfmiddlewaretoken", "form_token", "hx-", "<iframe") if word in page]
        bad += [(path, form) for form in re.findall(r"<form\b[^>]*>", page) if "post" in form.lower()]
        bad += [(path, tag) for tag in re.findall(r"<script\b[^>]*>", text) if "view-as" not in tag]
        bad += [
            (path, source) for source in re.findall(r"\bsrc=\"([^\"]*)\"", page) if not source.startswith("/static/")
        ]
        assert links, path
    assert bad == []


@each_row("method", ["post", "put", "patch", "delete"])
def test_only_safe_methods(world: World, desk: Client, support: User, method: str) -> None:
    start(world.ana, support)
    before = every_row()
    assert getattr(desk, method)(viewed(world.ana, "/profile/"), {"first_name": "x"}).status_code == 405
    assert every_row() == before


def test_the_staff_session_stays_what_it_is(world: World, desk: Client, support: User) -> None:
    """Another tab is still the desk; the member's own pages are nobody's."""
    start(world.ana, support)
    desk.get(viewed(world.ana))
    session = dict(desk.session.items())
    desk.get(viewed(world.ana, "/kitbag/"))
    assert dict(desk.session.items()) == session
    assert desk.session["_auth_user_id"] == str(support.pk)
    assert desk.get(reverse("admin:index")).status_code == 200
    assert desk.get("/dashboard/")["Location"] == reverse("admin:index")


def test_the_views_of_the_member_get_nothing_of_the_browser_of_staff(world: World, desk: Client, support: User) -> None:
    """R71: what staff typed into a form of their own is not put into the member's page."""
    start(world.ana, support)
    desk.cookies["language"] = "fr"
    text = desk.get(viewed(world.ana, "/profile/"), headers={"HX-Request": "true"}).content.decode()
    assert world.ana.user.email in text and support.email not in text.partition("</aside>")[2]


@each_row(
    "path",
    [
        "/kitbag/%00/",
        "/%00",
        "//example.org/",
        "/%2Fexample.org/",
        "/../admin/",
        "/admin/",
        "/admin/members/member/1/view-as/dashboard/",
        "/قطعة/",
        "/service/%D9%82/",
        "/cases/%F0%9F%93%B7/",
        "/service/%ff/",
        "/kitbag/99999999999999999999/",
        "/centres/none/",
        "/kitbag/?q=%00&page=x",
        "/kitbag/?language=xx",
        "/notices/?page=99999999999999999999",
        "/static/css/portal.css",
        "/api/v1/docs",
    ],
)
def test_a_strange_address_is_answered_and_leads_nowhere_else(
    world: World, desk: Client, support: User, path: str
) -> None:
    start(world.ana, support)
    desk.raise_request_exception = False
    answer = desk.get(reverse("admin:member_viewed", args=[world.ana.pk, "x"])[:-1] + path.removeprefix("/"))
    assert answer.status_code in (200, 301, 302, 400, 403, 404), path
    assert "example.org" not in answer.get("Location", "")


@each_row(
    "reason, kept",
    [
        ("Case CV3B-RK3S", "Case CV3B-RK3S"),
        ("  two   blanks ", "two blanks"),
        ("a\0b", "ab"),
        ("line\nbreak", "line break"),
        ("<b>x</b>", "<b>x</b>"),
        ("\u202eabc", "abc"),
        ("قطعة", "قطعة"),
        ("x" * 200, "x" * 200),
        ("x" * 201, None),
        ("\u200b", None),
        ("", None),
    ],
)
def test_the_reason_is_one_clean_line(world: World, desk: Client, support: User, reason: str, kept: str | None) -> None:
    answer = desk.post(reverse("admin:member_view_as", args=[world.ana.pk]), {"reason": reason})
    assert [view.reason for view in MemberView.objects.all()] == ([] if kept is None else [kept])
    assert answer.status_code == (422 if kept is None else 302)
    if kept == "<b>x</b>":
        assert "<b>x</b>" not in desk.get(viewed(world.ana)).content.decode()


# --- Recorded ---------------------------------------------------------------------------------------


def test_each_page_is_recorded_and_the_member_sees_it(world: World, desk: Client, support: User) -> None:
    start(world.ana, support)
    for path in ("/dashboard/", "/kitbag/", "/accounts/login/"):
        desk.get(viewed(world.ana, path))
    rows = StaffAccess.objects.filter(kind="view_as").order_by("pk").values_list("by", "member", "page")
    assert list(rows) == [(support.pk, world.ana.pk, "dashboard"), (support.pk, world.ana.pk, "kitbag:list")]
    client = Client()
    client.force_login(world.ana.user)
    text = client.get(reverse("my_data")).content.decode()
    assert "Case CV3B-RK3S" in text and support.email not in text


# --- The page is rewritten ---------------------------------------------------------------------------


def inside(address: str) -> str | None:
    return f"/in{address}" if address.startswith("/ok") else None


@each_row(
    "html, expected",
    [
        ('<a href="/ok/">x</a>', '<a href="/in/ok/">x</a>'),
        ('<a href="/no/">x</a>', '<a aria-disabled="true">x</a>'),
        ('<a href="#part">x</a>', '<a href="#part">x</a>'),
        ('<a href="?page=2">x</a>', '<a href="/in/ok/page?page=2">x</a>'),
        ('<a href="https://example.org/" target="_blank">x</a>', '<a aria-disabled="true">x</a>'),
        ('<a href="javascript:alert(1)">x</a>', '<a aria-disabled="true">x</a>'),
        ('<a href="mailto:a@example.org">x</a>', '<a aria-disabled="true">x</a>'),
        ('<a name="x">x</a>', '<a name="x">x</a>'),
        (
            '<form method="post"><input name="a"><button>x</button></form>',
            '<form><input name="a" disabled><button disabled>x</button></form>',
        ),
        ('<form method="POST" action="/ok/"><input type="hidden" name="t" value="v"></form>', "<form></form>"),
        ('<form action="/ok/"><input name="q"></form>', '<form method="get" action="/in/ok/"><input name="q"></form>'),
        ('<form action="/no/"><select name="q"></select></form>', '<form><select name="q" disabled></select></form>'),
        ('<button form="f">x</button>', "<button disabled>x</button>"),
        ('<button type="button">x</button>', '<button type="button" disabled>x</button>'),
        ('<button type="submit" formaction="/ok/">x</button>', '<button type="submit" disabled>x</button>'),
        ("<script>alert('</b>')</script>x", "x"),
        ('<script src="/static/a.js"></script>x', "x"),
        ('<iframe src="/ok/">y</iframe>x', "x"),
        ('<img src="/files/abc/" alt="A">', '<img alt="A">'),
        ('<img src="/static/a.png" alt="A">', '<img src="/static/a.png" alt="A">'),
        ('<img srcset="/files/a 2x" alt="A">', '<img alt="A">'),
        ('<div hx-get="/ok/" onclick="x()">x</div>', "<div>x</div>"),
        (
            '<svg viewBox="0 0 1"><use href="/static/i.svg#a"/></svg>',
            '<svg viewBox="0 0 1"><use href="/static/i.svg#a"/></svg>',
        ),
        ('<link rel="manifest" href="/ok/">', ""),
        ('<link rel="stylesheet" href="/static/a.css">', '<link rel="stylesheet" href="/static/a.css">'),
        ('<meta http-equiv="refresh" content="5">', ""),
        ('<base href="https://example.org/">', ""),
        ("a &lt; b &#39;c&#39; &amp; d", "a &lt; b &#39;c&#39; &amp; d"),
        ('<p title="a &quot;b&quot;">x</p>', '<p title="a &quot;b&quot;">x</p>'),
        ("<!DOCTYPE html>", "<!DOCTYPE html>"),
        ("<head></head>", "<head>HEAD</head>"),
        ('<body class="has-tabs" hx-headers="x">', '<body class="has-tabs d-asmember">BANNER'),
    ],
)
def test_a_page_is_rewritten(html: str, expected: str) -> None:
    assert rewrite_page(html, address="/ok/page", inside=inside, head="HEAD", banner="BANNER") == expected
