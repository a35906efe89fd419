"""Members' pages and the dashboard (R6, R7, R10 to R13, R18, R56, R57)."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
import time_machine
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.http import HttpResponse
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from kitbag.actions import registrations, removals, review
from kitbag.enums import RefusalReason, RemovalReason
from kitbag.models import Product, Registration
from kitbag.queries.deadlines import decision_due
from members import actions
from members.enums import NoticeCode
from members.models import Member, Notice
from members.support import actions as cases
from members.support.enums import CaseKind
from members.support.presenters import due_in_words
from tests.factories import ProductFactory, draft, submitted, validated
from tests.fullbag import fill
from tests.queries import SNAPSHOT_QUERIES
from tests.rows import each_row
from tests.world import World

MAX_QUERIES = 25 + SNAPSHOT_QUERIES  # of them the shelf of offers three, in service one, a notice two, mails one


def text(response: HttpResponse) -> str:
    return " ".join(response.content.decode().split())


def queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as caught:
        assert client.get(url).status_code == 200
    return len(caught)


# --- Who gets in ------------------------------------------------------------------------------------

PAGES = [
    "/dashboard/",
    "/notices/",
    "/profile/",
    "/profile/country/",
    "/profile/security/",
    "/terms/accept/",
    "/going-to/",
]
POSTS = ["/profile/theme/"]
READ_ONLY = ["/", "/dashboard/", "/country/", "/help/", "/terms/", "/privacy/", "/profile/security/"]


@each_row("url", [*PAGES, *POSTS])
def test_a_visitor_is_redirected_to_sign_in(world: World, url: str) -> None:
    response = Client().post(url) if url in POSTS else Client().get(url)
    assert response["Location"].startswith("/accounts/login/?next=")


@each_row("url", ["/", "/help/", "/terms/", "/privacy/", "/country/?country=FR"])
def test_a_visitor_reads_the_public_pages(world: World, url: str) -> None:
    assert Client().get(url).status_code == 200


def test_the_help_page_lists_the_benefits_in_other_regions(world: World) -> None:
    """R7"""
    assert "Outside our region you may get priority service with a valid card." in Client().get("/help/").text


@each_row("url", PAGES)
def test_staff_who_are_not_members_are_redirected_to_the_admin(world: World, url: str) -> None:
    client = Client()
    client.force_login(world.staff)
    assert client.get(url)["Location"] == "/admin/"


@each_row("url", READ_ONLY)
def test_reading_pages_refuse_posts(as_ana: Client, url: str) -> None:
    assert as_ana.post(url).status_code == 405


@pytest.mark.parametrize("url", POSTS)
def test_pages_that_change_something_refuse_get(as_ana: Client, url: str) -> None:
    assert as_ana.get(url).status_code == 405


@each_row("url", ["/profile/", "/profile/country/", "/profile/theme/", "/accounts/signup/"])
def test_a_post_without_the_csrf_token_is_refused(world: World, url: str) -> None:
    client = Client(enforce_csrf_checks=True)
    if url != "/accounts/signup/":
        client.force_login(world.ana.user)
    assert client.post(url, {"theme": "dark"}).status_code == 403


def test_no_page_has_inline_style_or_script(as_ana: Client) -> None:
    for url in PAGES[:-1]:
        page = text(as_ana.get(url))
        assert " style=" not in page
        assert "<style" not in page
        assert " onclick" not in page


# --- Home ----------------------------------------------------------------------------------------------


def test_the_home_of_a_member_is_the_dashboard(as_ana: Client) -> None:
    assert as_ana.get("/")["Location"] == "/dashboard/"


LOCAL_CACHE = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "home"}}


@override_settings(CACHES=LOCAL_CACHE)
def test_the_public_home_page_shows_real_numbers(world: World) -> None:
    cache.clear()
    page = text(Client().get("/"))
    assert "<dd>4</dd>" in page  # products that can be registered; and free countries
    assert "<dd>2</dd>" in page  # Platinum's Fast Track days
    assert "1,600" in page  # where Platinum starts
    cache.clear()


@pytest.fixture
def no_broker() -> object:
    url = "redis://127.0.0.1:9/0"
    caches = {"default": {**settings.CACHES["default"], "LOCATION": url}}
    with override_settings(REDIS_URL=url, CACHES=caches):
        yield


def test_pages_and_joining_survive_a_broker_that_is_down(world: World, no_broker: object) -> None:
    assert Client().get("/").status_code == 200
    assert Client().get("/accounts/signup/").status_code == 200
    given = {"first_name": "Dina", "last_name": "Example", "email": "dina@example.org", "country": "ZA"}
    with override_settings(ACCOUNT_RATE_LIMITS={"signup": "1/m/ip"}):
        response = Client().post(
            "/accounts/signup/", {**given, "password1": "a short sentence works well", "adult": "on", "terms": "on"}
        )
    assert response.status_code == 302
    assert Member.objects.filter(user__email="dina@example.org").exists()


# --- Dashboard -------------------------------------------------------------------------------------------


@each_row(
    ("utc_hour", "greeting"),
    [(3, "Good morning, Ana"), (9, "Good morning, Ana"), (10, "Good afternoon, Ana"), (16, "Good evening, Ana")],
)
def test_the_greeting_follows_the_clock_in_johannesburg(world: World, utc_hour: int, greeting: str) -> None:
    with time_machine.travel(datetime(2026, 3, 4, utc_hour, 30, tzinfo=UTC), tick=False):
        client = Client()
        client.force_login(world.ana.user)
        page = text(client.get("/dashboard/"))
    assert greeting in page
    assert "Wednesday 4 March" in page


def test_the_dashboard_shows_level_points_and_what_fast_track_gives(as_ana: Client) -> None:
    page = text(as_ana.get("/dashboard/"))
    assert 'data-level="gold"' in page
    assert "<b>1,000</b> points" in page
    assert "600 points</b> to Platinum" in page
    assert "3 days" in page
    assert "Gold target in South Africa" in page


def test_a_new_member_sees_what_to_do_first_and_what_opens_next(as_ben: Client) -> None:
    page = text(as_ben.get("/dashboard/"))
    assert "Welcome, Ben" in page
    assert "See what your kit is worth" in page
    assert "What you get at Silver" in page
    assert "500 points" in page


def test_the_hint_names_the_fewest_products_that_close_the_gap(world: World, as_ana: Client) -> None:
    for _ in range(3):
        draft(world.ana, world.body)
    draft(world.ana, world.lens)
    assert "Finish 2 products and their <b>600 points</b> will make you Platinum." in text(as_ana.get("/dashboard/"))


def test_the_hint_includes_points_being_checked(world: World, as_ana: Client) -> None:
    submitted(world.ana, world.body, "100000000009")
    draft(world.ana, world.body)
    words = "Finish one product: its <b>300 points</b> and the 300 being checked would make you Platinum."
    assert words in text(as_ana.get("/dashboard/"))
    submitted(world.ana, world.body, "100000000010")
    page = text(as_ana.get("/dashboard/"))
    assert "600 points</b> are being checked. Once they count, you’re Platinum." in page


def test_your_turn_names_what_is_missing_and_links_to_it(world: World, as_ana: Client) -> None:
    row = draft(world.ana, world.body)
    known = registrations.Details(serial="100000000007", country="ZA")
    registrations.save_details(registration=row, details=known, at=timezone.now())
    page = text(as_ana.get("/dashboard/"))
    assert 'Finish <bdi><bdi translate="no">EOS R Test<' in page
    assert "Add date of purchase and store" in page
    assert f'href="/kitbag/{row.pk}/finish/#id_purchased_on_0"' in page


def test_your_turn_names_why_something_was_refused(world: World, as_ana: Client) -> None:
    row = submitted(world.ana, world.body, "12345678", insisted=True)
    registrations.check_registration(registration=row, at=timezone.now())
    review.refuse_registration(registration=row, reason=RefusalReason.SERIAL_WRONG, by=world.staff, at=timezone.now())
    page = text(as_ana.get("/dashboard/"))
    assert 'Correct <bdi><bdi translate="no">EOS R Test<' in page
    assert "EOS R Test wasn’t accepted" not in page, "the task says it already"
    assert "The serial number doesn’t belong to this product." in page


def test_nothing_of_others_is_on_the_dashboard(world: World, as_ben: Client) -> None:
    draft(world.ana, world.body)
    page = text(as_ben.get("/dashboard/"))
    assert "Finish" not in page
    assert "Ana" not in page


def test_the_chart_has_a_text_alternative(world: World, as_ana: Client) -> None:
    row = Registration.objects.get(member=world.ana, product=world.lens)
    removals.remove_registration(
        registration=row, reason=RemovalReason.SOLD, by=world.ana.user, at=datetime(2026, 2, 3, 9, tzinfo=UTC)
    )
    draft(world.ana, world.body)
    page = text(as_ana.get("/dashboard/"))
    assert "A stepped line from 0 points in January 2024 to 800 today." in page
    assert "It fell once, by 200 on 3 February 2026." in page
    assert "With the waiting points it would be 1,100: Gold." in page
    assert "chart__pt--down" in page
    assert "chart__ghost" in page


def test_the_dashboard_polls_while_something_is_being_checked_and_then_stops(world: World, as_ana: Client) -> None:
    assert 'hx-trigger="every 2s"' not in text(as_ana.get("/dashboard/"))
    row = submitted(world.ana, world.pro_body, "100000000008")
    page = text(as_ana.get("/dashboard/"))
    assert 'hx-trigger="every 2s"' in page
    assert '<a href="/dashboard/">Refresh</a>' in page
    again = page.split('hx-get="')[1].split('"')[0]
    sent = {"hx-request": "true", **json.loads(unescape(page.split("hx-headers='")[2].split("'")[0]))}
    assert as_ana.get(again, headers=sent).status_code == 304
    registrations.check_registration(registration=row, at=timezone.now())
    part = as_ana.get(again, headers=sent)
    assert part.status_code == 200
    assert text(part).startswith('<div id="live"')
    assert "<b>1,500</b> points" in text(part)
    assert 'hx-trigger="every 2s"' not in text(part)
    assert "HX-Request" in part["Vary"]


def test_the_dashboard_stops_polling_when_the_check_takes_too_long(world: World, as_ana: Client) -> None:
    row = submitted(world.ana, world.pro_body, "100000000008", at=timezone.now() - timedelta(minutes=10))
    page = text(as_ana.get("/dashboard/"))
    assert "every 2s" not in page
    due = decision_due(row)
    assert due and f"You’ll hear by {due_in_words(due)}." in page


@each_row("url", ["/dashboard/", "/profile/", "/profile/country/?country=GE", "/profile/security/"])
def test_queries_do_not_grow_with_the_kit(world: World, as_ana: Client, url: str) -> None:
    few = [draft, submitted_one, validated_one]
    for number, make in enumerate(few):
        make_one(make, world, number)
    notice(world.ana)
    as_ana.get(url)
    before = queries(as_ana, url)
    fill(world.ana, ProductFactory.create_batch(6), validated=40, drafts=20)
    for number in range(3):
        make_one(submitted_one, world, 10 + number)
    for number in range(10):
        notice(world.ana, f"n{number}")
    assert queries(as_ana, url) == before
    assert before <= MAX_QUERIES


def make_one(make: Callable[..., object], world: World, number: int) -> None:
    product = ProductFactory()
    if make is draft:
        draft(world.ana, product)
    else:
        make(world.ana, product, f"2000000000{number:02d}")


def submitted_one(member: Member, product: object, serial: str) -> object:
    return submitted(member, product, serial)  # type: ignore[arg-type]


def validated_one(member: Member, product: object, serial: str) -> object:
    return validated(member, product, serial)  # type: ignore[arg-type]


def test_the_first_page_after_signing_in_stays_within_the_limit(world: World) -> None:
    draft(world.ana, world.body)
    submitted(world.ana, world.pro_body, "100000000008")
    client = Client()
    client.force_login(world.ana.user)
    with CaptureQueriesContext(connection) as caught:
        client.get("/dashboard/")
    reads = [query for query in caught if query["sql"].startswith("SELECT")]
    assert len(reads) <= MAX_QUERIES, "\n".join(query["sql"][:150] for query in reads)


# --- Notices ------------------------------------------------------------------------------------------------


def notice(member: Member, key: str = "k") -> Notice:
    change = member.level_changes.latest("pk").pk
    actions.notify_member(
        member=member,
        key=key,
        code=NoticeCode.LEVEL_UP,
        params={"first": change, "last": change},
        path="/kitbag/points/",
        at=timezone.now(),
    )
    return Notice.objects.get(key=key)


def test_news_has_no_button_and_is_no_task(world: World, as_ana: Client) -> None:
    """R56: "Your turn" holds tasks only; what only informs is never put away."""
    notice(world.ana)
    page = text(as_ana.get("/dashboard/"))
    news = page[page.index('id="news"') :]
    assert "You’re Gold now" in news and "<form" not in news[: news.index("</section>")]
    assert "Nothing to do right now." in page and "All done" in page


def test_at_most_four_lines_say_what_happened_and_two_on_a_phone(world: World, as_ana: Client) -> None:
    for name in "abcdef":
        case = cases.open_case(
            kind=CaseKind.CONTACT, subject=name, text="?", member=world.ana, by=world.ana.user, at=timezone.now()
        )
        cases.answer(case=case, text="Here.", by=world.staff, at=timezone.now())
    page = text(as_ana.get("/dashboard/"))
    assert page.count("news__row") - page.count("news__row--more") == 4
    assert page.count("news__row--more") == 2


def test_a_percent_sign_in_a_product_name_breaks_no_notice(world: World, as_ana: Client) -> None:
    row = Registration.objects.filter(member=world.ana, product=world.body).get()
    Product.objects.filter(pk=world.body.pk).update(name="100% %(x)s <b>")
    Registration.objects.filter(pk=row.pk).update(state="rejected", refusal_reason="serial_unreadable")
    params = {"registration": row.pk}
    actions.notify_member(
        member=world.ana, key="p", code=NoticeCode.REGISTRATION_REFUSED, params=params, path="", at=timezone.now()
    )
    assert "100% %(x)s &lt;b&gt; wasn’t accepted" in text(as_ana.get("/notices/"))


# --- Profile --------------------------------------------------------------------------------------------------


def test_members_can_change_their_name_and_specialty(world: World, as_ana: Client) -> None:
    given = {"first_name": " Ana  Maria ", "last_name": "Ősz 🦁", "specialty": "film", "wants_news": "on"}
    given["language"] = "en"
    assert as_ana.post("/profile/", given)["Location"] == "/profile/"
    world.ana.refresh_from_db()
    assert (world.ana.first_name, world.ana.last_name) == ("Ana Maria", "Ősz 🦁")
    assert (world.ana.specialty, world.ana.wants_news) == ("film", True)
    assert "Your profile has been saved." in text(as_ana.get("/profile/"))


@each_row(
    "changes",
    [
        {"first_name": ""},
        {"first_name": " "},
        {"last_name": "x" * 81},
        {"first_name": "a\x00b"},
        {"last_name": "a\x1bb"},
        {"specialty": "submarines"},
    ],
)
def test_an_invalid_profile_form_changes_nothing(world: World, as_ana: Client, changes: dict[str, str]) -> None:
    given = {"first_name": "New", "last_name": "Name", "specialty": "", "language": "en"}
    response = as_ana.post("/profile/", {**given, **changes})
    assert response.status_code == 422
    assert "to fix" in text(response)
    assert Member.objects.get(pk=world.ana.pk).full_name == "Ana Example"


def test_the_profile_form_cannot_change_points_level_or_country(world: World, as_ana: Client) -> None:
    given = {"first_name": "Ana", "last_name": "Example", "points": "9", "level": "platinum", "country": "KE"}
    as_ana.post("/profile/", {**given, "language": "en"})
    member = Member.objects.get(pk=world.ana.pk)
    assert (member.points, member.level, member.country.code) == (1000, "gold", "ZA")


def test_the_appearance_is_saved_without_javascript_and_redirects_back(world: World, as_ana: Client) -> None:
    response = as_ana.post("/profile/theme/", {"theme": "dark", "next": "/kitbag/points/"})
    assert response["Location"] == "/kitbag/points/"
    assert 'data-theme="dark"' in text(as_ana.get("/profile/"))
    as_ana.post("/profile/theme/", {"theme": "auto"})
    assert "<html" in text(as_ana.get("/profile/"))
    assert 'data-theme="dark"' not in text(as_ana.get("/profile/"))


@each_row("theme", ["", "sepia", "\x00", "dark" * 1000])
def test_an_unknown_appearance_changes_nothing(world: World, as_ana: Client, theme: str) -> None:
    response = as_ana.post("/profile/theme/", {"theme": theme, "next": "https://evil.example/"})
    assert response["Location"] == "/profile/"
    assert Member.objects.get(pk=world.ana.pk).theme == "auto"


def test_the_security_page_shows_what_protects_the_account(as_ana: Client) -> None:
    page = text(as_ana.get("/profile/security/"))
    assert "ana@example.org" in page
    assert "Confirmed" in page
    assert "/accounts/password/change/" in page


def test_templates_render_no_markup_for_missing_values() -> None:
    """Every state on these pages is in words, so no template relies on an attribute of style."""
    for path in (Path(settings.BASE_DIR) / "templates").glob("*/*.html"):
        if path.parent.name in ("portal", "members"):
            assert "style=" not in path.read_text()


JUNK = ["%00", "%0d%0aX: y", "%F0%9F%A6%81", "%ff%fe", "a" * 6000, "..%2f..%2f", "<script>"]
QUERIES = [
    "/?country=",
    "/country/?country=",
    "/dashboard/?",
    "/profile/country/?country=",
    "/terms/accept/?next=",
    "/profile/?x=",
]


def test_no_url_breaks_a_page(as_ana: Client) -> None:
    who = (as_ana, Client())  # in turn: an odd number of texts, so that both send each of them
    for number, url in enumerate([query + junk for query in QUERIES for junk in JUNK]):
        assert who[number % 2].get(url).status_code in (200, 302, 422), url[:80]


@each_row("there", ["/a\r\nSet-Cookie: x=y", "/\x00", "/" + "a" * 6000, "/🦁", "http:///x", "\\\\evil.example"])
def test_the_next_parameter_never_breaks_a_page_or_leaves_the_site(as_ana: Client, there: str) -> None:
    response = as_ana.post("/profile/theme/", {"theme": "dark", "next": there})
    assert response.status_code == 302
    assert response["Location"].startswith("/")
    assert "\n" not in response["Location"]
    assert not response["Location"].startswith("//")
