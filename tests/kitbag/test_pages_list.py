"""The Kitbag's list, a product's page, removing, and cards that poll while being checked (R18, R19, R21, R26, R43)."""

import re
from datetime import UTC, date, datetime, timedelta
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from kitbag.actions import registrations, removals, review
from kitbag.enums import RefusalReason, RegistrationState, Stage, VideoClass
from kitbag.models import Product, Registration
from tests.factories import ProductFactory, details, draft, moved, submitted, validated
from tests.fullbag import fill
from tests.queries import SNAPSHOT_QUERIES
from tests.rows import each_row
from tests.world import World

HTMX = {"HTTP_HX_REQUEST": "true"}
pytestmark = pytest.mark.django_db
GARBAGE = ["\x00", "📷" * 50, "x" * 10_000, "%", "'; drop table", "-1", "abc", "٣"]


def page(client: Client, name: str, *args: int, **query: str) -> str:
    response = client.get(reverse(f"kitbag:{name}", args=args), query)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())  # how the templates are broken into lines is no promise


def left_to_person(world: World) -> Registration:
    row = submitted(world.ana, world.body, "0520ABC", insisted=True)
    return registrations.check_registration(registration=row, at=timezone.now())


def refused(world: World, reason: RefusalReason = RefusalReason.SERIAL_WRONG) -> Registration:
    row = submitted(world.ana, world.body, "052031000077")
    return review.refuse_registration(registration=row, reason=reason, by=world.staff, at=timezone.now())


def supersede(product: Product) -> None:
    moved(product, Stage.SUPERSEDED)


# --- The list ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("view", ["", "table"])
def test_the_list_shows_what_counts_with_its_total_and_level(as_ana: Client, view: str) -> None:
    html = page(as_ana, "list", view=view)
    assert "EOS R1 Test" in html and "RF 70-200mm F2.8 Test" in html
    assert '<b class="num">1,000</b> points counted' in html
    assert 'data-level="gold">Gold' in html


def test_a_new_member_sees_where_points_come_from(as_ben: Client) -> None:
    html = page(as_ben, "list")
    assert "Nothing in here yet" in html and "Red member already" in html


def test_the_list_is_the_members_own(as_ana: Client, world: World) -> None:
    draft(world.ben, ProductFactory(name="Only Bens"))
    assert "Only Bens" not in page(as_ana, "list")


def test_a_draft_has_a_dot_that_leads_to_the_first_missing_field(as_ana: Client, world: World) -> None:
    row = draft(world.ana, world.body)
    registrations.save_details(registration=row, details=details(store=""), at=timezone.now())
    html = page(as_ana, "list")
    assert f'href="/kitbag/{row.pk}/finish/#id_store"' in html
    assert '<i class="dot"></i>300' in html and "Add store" in html


def test_a_refusal_has_a_dot_that_leads_to_the_refused_field(as_ana: Client, world: World) -> None:
    row = refused(world, RefusalReason.DETAILS_WRONG)
    html = page(as_ana, "list")
    assert f'href="/kitbag/{row.pk}/finish/#id_purchased_on_0"' in html
    assert '<i class="dot"></i>300' in html


def test_a_registration_being_checked_is_grey_but_has_no_dot(as_ana: Client, world: World) -> None:
    row = submitted(world.ana, world.body, "052031000077")
    html = page(as_ana, "list")
    card = html.split(f'id="kit-{row.pk}"')[1].split("</article>")[0]
    assert 'class="points" data-state="pending"' in card and "dot" not in card


def test_older_kit_shows_its_former_points_struck_out(as_ana: Client, world: World) -> None:
    supersede(world.pro_body)
    html = page(as_ana, "list", older="1")
    assert "Older kit" in html and "</span>500</s> 200" in html and "Keeps 200 points." in html


def test_filters_narrow_to_a_shelf_and_to_your_turn(as_ana: Client, world: World) -> None:
    draft(world.ana, world.grip)
    lenses = page(as_ana, "list", show="lenses")
    assert "RF 70-200mm" in lenses and "EOS R1 Test" not in lenses
    turn = page(as_ana, "list", show="turn")
    assert "Battery Grip Test" in turn and "EOS R1 Test" not in turn


@each_row(
    ("query", "found"),
    [
        ("r1", "EOS R1 Test"),
        ("70-200 2.8", "RF 70-200mm"),
        ("100000000002", "EOS R Test"),
        ("1000-0000 0002", "EOS R Test"),
        ("ЕОS R1", "EOS R1 Test"),
        ("70200", "RF 70-200mm"),
        ("objectif 70-200", "RF 70-200mm"),
        ("lens", "RF 70-200mm"),
    ],
)
def test_search_finds_by_fragments_of_the_name_or_of_the_serial(as_ana: Client, query: str, found: str) -> None:
    assert found in page(as_ana, "list", q=query)


def test_a_search_without_result_offers_everything_again(as_ana: Client) -> None:
    assert "Nothing found" in page(as_ana, "list", q="zzzz")


def test_a_table_of_more_than_a_page_has_pages_and_loses_nothing(as_ana: Client, world: World) -> None:
    for number in range(30):
        draft(world.ana, ProductFactory(name=f"Many {number:02d}"))
    pages = [page(as_ana, "list", page=str(number), view="table") for number in (1, 2)]
    assert "1–24 of 33" in pages[0] and "25–33 of 33" in pages[1]
    assert all(sum(f"Many {number:02d}" in html for html in pages) == 1 for number in range(30))


def test_only_what_counts_has_more_to_show(as_ana: Client, world: World) -> None:
    for number in range(30):
        draft(world.ana, ProductFactory(name=f"Draft {number:02d}"))
    fill(world.ana, [ProductFactory(name=f"Many {number:02d}") for number in range(30)], validated=30)
    first = page(as_ana, "list")
    assert sum(f"Draft {number:02d}" in first for number in range(30)) == 30, "what needs the member is always whole"
    assert first.count('class="points">') == 24 and "1–24 of 33" in first and "Show 9 more of “Counting now”" in first
    everything = page(as_ana, "list", shown="48")
    assert everything.count('class="points">') == 33 and "more of “Counting now”" not in everything
    assert all(f"Many {number:02d}" in everything for number in range(30))


def test_older_kit_folds_and_opens_where_it_was_looked_for(as_ana: Client, world: World) -> None:
    supersede(world.pro_body)
    closed = page(as_ana, "list", sort="name")
    assert "1 product, 200 points" in closed and "EOS R1 Test" not in closed
    address = html_attribute(closed, 'hx-get="([^"]+)" hx-trigger="toggle once"')
    assert address == "/kitbag/?sort=name&amp;older=1&amp;shown=24" and f'href="{address}#group-older"' in closed
    opened = " ".join(as_ana.get(unescape(address)).content.decode().split())
    assert '<details class="fold" open>' in opened and "EOS R1 Test" in opened and "1 product, 200 points" in opened
    assert '<details class="fold" open>' in page(as_ana, "list", q="r1")


def html_attribute(html: str, pattern: str) -> str:
    match = re.search(pattern, html)
    assert match
    return match[1]


@each_row(
    ("sort", "names"),
    [
        ("", ["EOS R1 Test", "EOS R Test", "RF 70-200mm F2.8 Test"]),
        ("name", ["EOS R Test", "EOS R1 Test", "RF 70-200mm F2.8 Test"]),
        ("new", ["RF 70-200mm F2.8 Test", "EOS R1 Test", "EOS R Test"]),
        ("old", ["EOS R Test", "EOS R1 Test", "RF 70-200mm F2.8 Test"]),
        ("serial", ["EOS R1 Test", "RF 70-200mm F2.8 Test", "EOS R Test"]),
    ],
)
def test_the_list_is_sorted_in_both_views(as_ana: Client, world: World, sort: str, names: list[str]) -> None:
    facts = {"EOS R Test": (1, "3"), "EOS R1 Test": (2, "1"), "RF 70-200mm F2.8 Test": (3, "2")}
    for name, (day, serial) in facts.items():
        rows = Registration.objects.filter(member=world.ana, product__name=name)
        rows.update(purchased_on=date(2024, 1, day), serial_key=serial)
    for view in ("", "table"):
        html = page(as_ana, "list", sort=sort, view=view)
        places = [html.index(f'<bdi translate="no">{name}</bdi>') for name in names]
        assert places == sorted(places), view
    assert ('aria-sort="descending"' in html) is (sort in ("", "new"))
    assert f"?sort={sort}" in html or not sort, "the filters keep it"


@each_row("name", ["list", "add", "search", "points", "purchase_notes"])
def test_nonsense_in_a_query_string_is_harmless(as_ana: Client, name: str) -> None:
    for number, garbage in enumerate(GARBAGE):
        query = dict.fromkeys(["q", "page", "view", "show", "as", "country", "sort", "shown"], garbage)
        headers = HTMX if (number + len(name)) % 2 else {}  # whole pages and parts of them in turn
        assert as_ana.get(reverse(f"kitbag:{name}"), query, **headers).status_code == 200


@pytest.mark.parametrize("view", ["", "table"])
def test_the_list_costs_the_same_queries_with_1_and_60_products(as_ben: Client, world: World, view: str) -> None:
    validated(world.ben, world.pro_body, "200000000001")
    counts = []
    for more in (60, 0):
        as_ben.get(reverse("kitbag:list"), {"view": view})  # the session remembers the terms
        with CaptureQueriesContext(
            connection,
        ) as queries:
            as_ben.get(reverse("kitbag:list"), {"view": view, "q": "e"})
        counts.append(len(queries))
        fill(world.ben, [world.pro_body, world.grip], validated=more // 2, drafts=more // 2)
        for number in range(more // 12):
            submitted(world.ben, world.body, f"4000000000{number:02d}")
    assert counts[0] == counts[1] <= 15 + SNAPSHOT_QUERIES


# --- Rows that refresh themselves ----------------------------------------------------------------------


@pytest.mark.parametrize("shape", ["card", "table", "product"])
def test_a_card_is_unchanged_while_checked_and_replaced_once_it_counts(
    as_ana: Client, world: World, shape: str
) -> None:
    row = submitted(world.ana, world.body, "052031000077")
    url = f"{reverse('kitbag:status', args=[row.pk])}?as={shape}"
    assert as_ana.get(url, **HTMX).status_code == 204
    registrations.check_registration(registration=row, at=timezone.now())
    response = as_ana.get(url, **HTMX)
    html = response.content.decode()
    assert response.status_code == 286  # htmx stops asking
    assert "every 1s" not in html and "EOS R Test" in html
    assert ('id="kit-totals" hx-swap-oob="true"' in html) == (shape != "product") and "1,300" in html
    assert "counts now, with 300 points" in html


@pytest.mark.parametrize(("view", "name"), [("", "list"), ("table", "list"), ("", "product")])
def test_only_a_registration_checked_automatically_polls(as_ana: Client, world: World, view: str, name: str) -> None:
    row = submitted(world.ana, world.body, "052031000077")
    args = [row.pk] if name == "product" else []
    assert "every 1s" in page(as_ana, name, *args, view=view)
    registrations.check_registration(registration=row, at=timezone.now())
    assert "every 1s" not in page(as_ana, name, *args, view=view)


def test_a_card_in_review_stops_polling(as_ana: Client, world: World) -> None:
    response = as_ana.get(f"{reverse('kitbag:status', args=[left_to_person(world).pk])}?as=card", **HTMX)
    assert response.status_code == 286 and b"In review" in response.content


def test_a_card_that_is_checked_for_long_stops_polling(as_ana: Client, world: World) -> None:
    row = submitted(world.ana, world.body, "052031000077", at=timezone.now() - timedelta(minutes=3))
    response = as_ana.get(f"{reverse('kitbag:status', args=[row.pk])}?as=product", **HTMX)
    assert response.status_code == 286
    assert b"longer than usual" in response.content and b"every 1s" not in response.content


def test_the_status_without_htmx_redirects_to_the_product(as_ana: Client, world: World) -> None:
    row = submitted(world.ana, world.body, "052031000077")
    assert (
        as_ana.get(reverse("kitbag:status", args=[row.pk]), {"as": "card"}).headers["Location"]
        == row.get_absolute_url()
    )


# --- The product's page --------------------------------------------------------------------------------


def test_the_page_shows_state_points_serial_place_details_and_history(as_ana: Client, world: World) -> None:
    row = Registration.objects.get(member=world.ana, product=world.pro_body)
    html = page(as_ana, "product", row.pk)
    for words in (
        "Fully registered",
        "On the sticker under the body",
        "100000000001",
        "South Africa",
        "12 September 2023",
        "Rosebank Camera Co.",
        "EOS R1 Test counted",
        "+500",
        "All four details are complete and checked.",
        "Added to your Kitbag",
    ):
        assert words in html


@pytest.mark.parametrize(("video", "days"), [("", "3"), (VideoClass.CINEMA_EOS, "5"), (VideoClass.CONSUMER, "3")])
def test_fast_track_is_the_members_own_and_video_is_never_under_five(
    as_ana: Client, world: World, video: str, days: str
) -> None:
    Product.objects.filter(pk=world.pro_body.pk).update(video_class=video)
    row = Registration.objects.get(member=world.ana, product=world.pro_body)
    html = page(as_ana, "product", row.pk)
    assert f'<p class="turn__big"><b>{days}</b>' in html
    assert "Gold, you" in html and "Platinum" in html and "about 10" in html


def test_a_red_member_sees_what_other_levels_give(as_ben: Client, world: World) -> None:
    html = page(as_ben, "product", draft(world.ben, world.pro_body).pk)
    assert "about <b>10</b> days" in html and "not at Red" in html and "Silver" in html


def test_a_product_without_fast_track_takes_about_ten_days(as_ana: Client, world: World) -> None:
    row = Registration.objects.get(member=world.ana, product=world.body)
    assert "This model has no Fast Track" in page(as_ana, "product", row.pk)


def test_a_refusal_shows_its_reason_and_what_to_do(as_ana: Client, world: World) -> None:
    html = page(as_ana, "product", refused(world).pk)
    assert "The serial number doesn’t belong to this product." in html
    assert "Check it against the number on the product" in html and "Correct it" in html


def test_the_product_page_costs_the_same_queries_with_1_and_60_products(as_ben: Client, world: World) -> None:
    row = validated(world.ben, world.pro_body, "200000000001")
    counts = []
    for more in (60, 0):
        page(as_ben, "product", row.pk)
        with CaptureQueriesContext(connection) as queries:
            page(as_ben, "product", row.pk)
        counts.append(len(queries))
        fill(world.ben, [world.grip], validated=0, drafts=more)
    assert counts[0] == counts[1] <= 20 + SNAPSHOT_QUERIES


# --- Taking back ---------------------------------------------------------------------------------------


def test_a_registration_in_review_can_be_withdrawn_and_corrected(as_ana: Client, world: World) -> None:
    row = left_to_person(world)
    url = reverse("kitbag:reopen", args=[row.pk])
    assert as_ana.get(url).status_code == 405
    response = as_ana.post(url)
    assert response.headers["Location"] == f"/kitbag/{row.pk}/finish/#id_serial"
    row.refresh_from_db()
    assert row.state == RegistrationState.DRAFT
    assert as_ana.post(url).headers["Location"] == row.get_absolute_url()  # twice


def test_a_counting_registration_cannot_be_reopened(as_ana: Client, world: World) -> None:
    row = Registration.objects.get(member=world.ana, product=world.body)
    as_ana.post(reverse("kitbag:reopen", args=[row.pk]))
    row.refresh_from_db()
    assert row.state == RegistrationState.VALIDATED


# --- Removing -------------------------------------------------------------------------------------------


def test_removing_first_shows_the_cost_in_points_and_level(as_ana: Client, world: World) -> None:
    row = Registration.objects.get(member=world.ana, product=world.pro_body)
    dialog = as_ana.get(reverse("kitbag:remove", args=[row.pk]), **HTMX).content.decode()
    assert "<html" not in dialog and 'formmethod="dialog"' in dialog
    for html in (page(as_ana, "remove", row.pk), dialog):
        assert "Your total will go from 1,000 to 500 points." in html
        assert "Your level will go from Gold to Silver." in html


def test_a_draft_costs_nothing(as_ana: Client, world: World) -> None:
    assert "your level stay" in page(as_ana, "remove", draft(world.ana, world.grip).pk)


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_removing_twice_removes_once(as_ana: Client, world: World, headers: dict[str, str]) -> None:
    row = Registration.objects.get(member=world.ana, product=world.pro_body)
    url = reverse("kitbag:remove", args=[row.pk])
    for _twice in range(2):
        response = as_ana.post(url, {"reason": "sold"}, **headers)
        there = response.headers.get("HX-Redirect") or response.headers["Location"]
        assert there == reverse("kitbag:list")
    row.refresh_from_db()
    world.ana.refresh_from_db()
    assert (row.state, row.removal_reason, world.ana.points, world.ana.level) == ("removed", "sold", 500, "silver")
    assert "EOS R1 Test removed" in page(as_ana, "product", row.pk)  # its history stays


@each_row("reason", ["", "stolen", "\x00", "x" * 10_000])
def test_a_removal_needs_one_of_the_reasons(as_ana: Client, world: World, reason: str) -> None:
    row = Registration.objects.get(member=world.ana, product=world.pro_body)
    response = as_ana.post(reverse("kitbag:remove", args=[row.pk]), {"reason": reason})
    assert response.status_code == 200 and b"Choose a reason" in response.content
    row.refresh_from_db()
    assert row.state == RegistrationState.VALIDATED


# --- Whose, and which method ------------------------------------------------------------------------------

OF_ONE = ["product", "finish", "remove", "reopen", "unpick", "status", "serial_check"]
POST_ONLY = ["reopen", "unpick"]


@each_row("name", OF_ONE)
def test_another_members_product_does_not_exist(as_ben: Client, world: World, name: str) -> None:
    row = Registration.objects.filter(member=world.ana).first()
    assert row is not None
    for key in (row.pk, 999_999_999, 99_999_999_999_999_999_999):
        url = reverse(f"kitbag:{name}", args=[key])
        response = as_ben.post(url, {"reason": "sold"}) if name in POST_ONLY else as_ben.get(url)
        assert response.status_code == 404


@each_row("name", OF_ONE)
def test_wrong_methods_are_refused(as_ana: Client, world: World, name: str) -> None:
    row = Registration.objects.filter(member=world.ana).first()
    assert row is not None
    url = reverse(f"kitbag:{name}", args=[row.pk])
    wrong = as_ana.get(url) if name in POST_ONLY else as_ana.delete(url)
    assert wrong.status_code == 405


@each_row("name", ["list", "add", "search", "points"])
def test_visitors_are_asked_to_sign_in(client: Client, world: World, name: str) -> None:
    response = client.get(reverse(f"kitbag:{name}"))
    assert response.status_code == 302 and "/accounts/login/" in response.headers["Location"]
    assert client.post(reverse("kitbag:list")).status_code in (302, 405)


def test_staff_who_are_no_members_are_led_to_the_admin(client: Client, world: World) -> None:
    client.force_login(world.staff)
    assert client.get(reverse("kitbag:list")).headers["Location"] == reverse("admin:index")


# --- Points history -----------------------------------------------------------------------------------------


def test_every_change_is_shown_with_reason_date_amount_and_running_total(as_ana: Client, world: World) -> None:
    row = Registration.objects.get(member=world.ana, product=world.pro_body)
    removals.remove_registration(registration=row, reason="sold", by=None, at=datetime(2025, 3, 5, 9, tzinfo=UTC))
    html = page(as_ana, "points")
    assert "On 5 March you lost 500 points" in html
    assert "You removed it from your Kitbag." in html and "−500" in html
    assert "5 Mar, total 500" in html and "1 Feb, total 1,000" in html and "1 Feb, total 800" in html
    assert html.index("5 Mar, total 500") < html.index("1 Feb, total 1,000")  # newest first
    assert "2025</h2>" in html and "2024</h2>" in html


def test_up_and_down_keep_the_running_totals_of_all(as_ana: Client, world: World) -> None:
    row = Registration.objects.get(member=world.ana, product=world.pro_body)
    at = datetime(2025, 3, 5, 9, tzinfo=UTC)
    removals.remove_registration(registration=row, reason="sold", by=None, at=at)
    validated(world.ana, world.grip, "7730412", at=at)
    up, down = page(as_ana, "points", show="up"), page(as_ana, "points", show="down")
    assert "5 Mar, total 520" in up and "removed" not in up.split("ledger")[1]
    assert "5 Mar, total 500" in down and "Battery Grip Test counted" not in down.split("ledger")[1]


def test_a_stage_change_shows_both_stages(as_ana: Client, world: World) -> None:
    supersede(world.pro_body)
    html = page(as_ana, "points")
    assert "EOS R1 Test superseded" in html and "From 500 to 200." in html and "It keeps 200 points" in html


def test_waiting_lists_what_does_not_count_yet(as_ana: Client, world: World) -> None:
    draft(world.ana, world.grip)
    html = page(as_ana, "points", show="waiting")
    assert "Battery Grip Test added" in html and "20 waiting" in html


def test_the_history_is_the_members_own(as_ben: Client) -> None:
    html = page(as_ben, "points")
    assert "No changes yet" in html and "EOS R1 Test" not in html


def test_the_history_costs_the_same_queries_with_1_and_60_entries(as_ben: Client, world: World) -> None:
    validated(world.ben, world.body, "200000000001")
    counts = []
    for more in (60, 0):
        page(as_ben, "points")
        with CaptureQueriesContext(connection) as queries:
            page(as_ben, "points")
        counts.append(len(queries))
        fill(world.ben, [world.body], validated=more)
    assert counts[0] == counts[1] <= 15 + SNAPSHOT_QUERIES
