"""Adding and finishing products: search, pick, the four details (R16, R17, R24, R27 to R30, R33)."""

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from kitbag.actions import registrations, review
from kitbag.enums import RegistrationState
from kitbag.models import Product, ProductName, Registration
from kitbag.presenters.search_results import mark_matches
from tests.factories import ProductFactory, details, draft, submitted, validated
from tests.fullbag import fill
from tests.queries import SNAPSHOT_QUERIES
from tests.rows import each_row
from tests.world import World

HTMX = {"HTTP_HX_REQUEST": "true"}
GOOD = {
    "serial": "052031000077",
    "store": "Rosebank Camera Co.",
    "country": "ZA",
    "purchased_on_day": "12",
    "purchased_on_month": "9",
    "purchased_on_year": "2023",
}
pytestmark = pytest.mark.django_db


def on_one_line(content: bytes) -> str:
    """How the templates are broken into lines is no promise."""
    return " ".join(content.decode().split())


def found(client: Client, query: str, **headers: str) -> str:
    return on_one_line(client.get(reverse("kitbag:search"), {"q": query}, **headers).content)


def pick(client: Client, product: Product, held: int = 0, **headers: str) -> str:
    response = client.post(reverse("kitbag:pick"), {"pick": f"{product.pk}.{held}", "q": "eos"}, **headers)
    assert response.status_code == (200 if headers else 302)
    return response.content.decode()


def finish(client: Client, row: Registration, **changes: str) -> str:
    """Hand the form in; what comes back is the page, or the address it leads to."""
    response = client.post(reverse("kitbag:finish", args=[row.pk]), {**GOOD, **changes})
    return response.headers["Location"] if response.status_code == 302 else response.content.decode()


def state(row: Registration) -> str:
    return Registration.objects.get(pk=row.pk).state


# --- Search ------------------------------------------------------------------------------------------


def test_a_result_shows_its_points_and_fast_track_at_once(as_ben: Client, world: World) -> None:
    html = found(as_ben, "r1", **HTMX)
    assert "+500" in html
    assert "Fast Track" in html
    assert "<mark>R1</mark>" in html
    assert "1 product found." in html
    assert "<html" not in html


def test_results_are_options_that_are_buttons_of_a_form(as_ben: Client, world: World) -> None:
    html = found(as_ben, "test", **HTMX)
    assert 'role="listbox"' in html
    assert f'role="option" id="option-{world.body.pk}" name="pick" value="{world.body.pk}.0"' in html
    assert 'aria-selected="false"' in html


def test_the_search_works_without_javascript(as_ben: Client, world: World) -> None:
    for name in ("add", "search"):
        html = on_one_line(as_ben.get(reverse(f"kitbag:{name}"), {"q": "70-200"}).content)
        assert "RF <mark>70-200</mark>mm F2.8 Test" in html
        assert '<form method="post" action="/kitbag/add/pick/"' in html


def test_a_product_that_cannot_be_registered_is_not_found(as_ben: Client, world: World) -> None:
    assert "Battery Test" not in found(as_ben, "battery", **HTMX)


def test_a_result_shows_the_other_name_that_matched(as_ben: Client, world: World) -> None:
    ProductName.objects.create(product=world.body, name="EOS Rebel Test")
    assert "also called EOS Rebel Test" in found(as_ben, "rebel", **HTMX)


def test_a_result_shows_that_the_product_is_already_in_the_kitbag(as_ana: Client, world: World) -> None:
    html = found(as_ana, "r1", **HTMX)
    assert "In your Kitbag" in html
    assert f'value="{world.pro_body.pk}.1"' in html


def test_an_empty_search_finds_nothing_and_no_results_offer_help(as_ben: Client, world: World) -> None:
    assert "found" not in found(as_ben, " ", **HTMX).replace("search-status", "")
    assert "Can’t see yours?" in found(as_ben, "zzzz", **HTMX)


@each_row(
    ("name", "query", "shown"),
    [
        ("RF 100-500mm F4.5-7.1L", "rf 100", "<mark>RF 100</mark>-500mm F4.5-7.1L"),
        ("EOS R5 Mark II", "r5ii", "EOS <mark>R5</mark> Mark <mark>II</mark>"),
        ("EOS R5 Mark II", "mark 2", "EOS R5 Mark <mark>II</mark>"),
        ("EOS R5", "5 r", "EOS <mark>R5</mark>"),
        ("EOS 850D", "rebel t8i", "EOS 850D"),
        ("A <b> & c", "b", "A &lt;<mark>b</mark>&gt; &amp; c"),
        ("EOS R5", "<script>", "EOS R5"),
        ("EOS R5", "", "EOS R5"),
    ],
)
def test_matching_words_are_marked_and_everything_is_escaped(name: str, query: str, shown: str) -> None:
    assert mark_matches(name, query) == shown


# --- Picking -----------------------------------------------------------------------------------------


def test_picking_adds_a_draft_and_shows_the_new_total_and_level(as_ben: Client, world: World) -> None:
    html = pick(as_ben, world.pro_body, **HTMX)
    row = Registration.objects.get(member=world.ben)
    assert row.state == RegistrationState.DRAFT
    assert "EOS R1 Test added." in html
    assert "When finished, you’d have 500 points: Silver." in html
    assert "That’s Silver" in html
    assert f'id="option-{world.pro_body.pk}"' in html
    assert f'value="{world.pro_body.pk}.1"' in html  # picking it again would be a second one
    assert f"/kitbag/{row.pk}/finish/?through=1" in html


def test_picking_without_javascript_comes_back_to_the_search(as_ben: Client, world: World) -> None:
    response = as_ben.post(reverse("kitbag:pick"), {"pick": f"{world.body.pk}.0", "q": "r &"}, follow=True)
    assert response.redirect_chain == [("/kitbag/add/?q=r+%26&picked=1", 302)]
    html = on_one_line(response.content)
    assert "EOS R Test added." in html
    assert 'name="q" type="text" value=""' in html  # empty, so that the next words do not join the old ones (R71)
    assert Registration.objects.filter(member=world.ben).count() == 1


def test_the_same_form_twice_adds_once_and_a_fresh_one_adds_a_second(as_ben: Client, world: World) -> None:
    for _twice in range(2):
        pick(as_ben, world.body)
    assert Registration.objects.filter(member=world.ben).count() == 1
    pick(as_ben, world.body, held=1)
    assert Registration.objects.filter(member=world.ben).count() == 2


@each_row("value", ["", "abc", "1", "1.x", "\x00", "9" * 50, "-1.0", "1.0.0"])
def test_an_invalid_pick_shows_an_error(as_ben: Client, world: World, value: str) -> None:
    for headers in ({}, HTMX):
        response = as_ben.post(reverse("kitbag:pick"), {"pick": value}, follow=True, **headers)
        assert "Choose a product from the list." in response.content.decode()
    assert not Registration.objects.filter(member=world.ben).exists()


def test_an_unknown_product_is_not_found(as_ben: Client, world: World) -> None:
    assert as_ben.post(reverse("kitbag:pick"), {"pick": "999999999999.0"}).status_code == 404
    assert as_ben.get(reverse("kitbag:pick")).status_code == 405


def test_a_refusal_of_the_pick_is_shown(as_ben: Client, world: World) -> None:
    assert "This product can’t be registered." in pick(as_ben, world.battery, **HTMX)


def test_removing_a_draft_twice_is_harmless(as_ben: Client, world: World) -> None:
    row = draft(world.ben, world.body)
    url = reverse("kitbag:unpick", args=[row.pk])
    assert "EOS R Test removed." in as_ben.post(url, {"q": "eos"}, **HTMX).content.decode()
    assert as_ben.post(url).status_code == 302
    assert state(row) == RegistrationState.REMOVED


def test_a_counting_product_is_not_removed_without_showing_the_consequences(as_ana: Client, world: World) -> None:
    row = Registration.objects.get(member=world.ana, product=world.pro_body)
    html = as_ana.post(reverse("kitbag:unpick", args=[row.pk]), **HTMX).content.decode()
    assert "You’ve sent this product in" in html
    assert state(row) == RegistrationState.VALIDATED


def test_the_add_page_costs_the_same_queries_with_1_and_60_drafts(as_ben: Client, world: World) -> None:
    draft(world.ben, world.body)
    counts = []
    for more in (60, 0):
        as_ben.get(reverse("kitbag:add"), {"q": "test"})
        with CaptureQueriesContext(connection) as queries:
            as_ben.get(reverse("kitbag:add"), {"q": "test"})
        counts.append(len(queries))
        for _number in range(more):
            draft(world.ben, ProductFactory())
    assert max(counts) <= 15 + SNAPSHOT_QUERIES
    assert counts[1] - counts[0] <= 1  # beyond a full tray the rest is counted


# --- Finishing ----------------------------------------------------------------------------------------


def test_the_form_shows_where_the_serial_is_and_what_is_done(as_ben: Client, world: World) -> None:
    row = draft(world.ben, world.lens)
    registrations.save_details(registration=row, details=details(serial="", store=""), at=timezone.now())
    html = as_ben.get(reverse("kitbag:finish", args=[row.pk])).content.decode()
    assert "2 of 4 details done" in html
    assert "On the barrel close to the mount" in html
    assert html.index('id="id_serial"') < html.index('id="id_store"') < html.index('id="id_country"')  # missing first
    assert html.count("Saved</p>") == 2
    assert "There’s no serial number on this item" not in html


def test_all_four_details_submit_it(as_ben: Client, world: World) -> None:
    row = draft(world.ben, world.body)
    assert finish(as_ben, row) == row.get_absolute_url()
    row.refresh_from_db()
    assert (row.state, row.serial, row.store, row.country.code) == ("submitted", "052031000077", GOOD["store"], "ZA")


def test_htmx_gets_a_redirect_and_only_the_form_on_errors(as_ben: Client, world: World) -> None:
    row = draft(world.ben, world.body)
    url = reverse("kitbag:finish", args=[row.pk])
    html = as_ben.post(url, {"store": "A"}, **HTMX).content.decode()
    assert "<html" not in html
    assert "3 things to fix" in html
    assert as_ben.post(url, GOOD, **HTMX).headers["HX-Redirect"] == row.get_absolute_url()


@each_row(
    ("missing", "sentence"),
    [
        ({"serial": ""}, "Type the serial number."),
        ({"store": "  "}, "Enter the store or the person you bought it from."),
        ({"country": ""}, "Choose the country where it was bought."),
        ({"purchased_on_day": "", "purchased_on_month": "", "purchased_on_year": ""}, "Enter the date of purchase."),
        ({"purchased_on_day": "31", "purchased_on_month": "2"}, "There’s no such date. Check the day and the month."),
        ({"purchased_on_year": "2999"}, "This date is in the future."),
        ({"purchased_on_year": "1900"}, "before the first camera"),
        ({"serial": "4549292 094022"}, "serial"),
        ({"serial": "UR0902"}, "That’s a date code, not the serial number."),
        ({"serial": "12"}, "too short for a serial number"),
        ({"serial": "-()-"}, "serial number"),
        ({"serial": "1" * 10_000}, "too long for a serial number"),
        ({"store": "x" * 10_000}, "Use at most 120 characters."),
        ({"country": "XX"}, "Choose a country from the list."),
        ({"serial": "\x00"}, "Null characters are not allowed."),
        ({"store": "\x00"}, "characters that can’t be printed"),
        ({"purchased_on_day": "x" * 10_000}, "at most"),
    ],
)
def test_an_error_is_shown_beside_its_field_and_no_input_is_lost(
    as_ben: Client, world: World, missing: dict[str, str], sentence: str
) -> None:
    row = draft(world.ben, world.body)
    html = finish(as_ben, row, **missing)
    assert sentence in html
    assert 'class="field__error"' in html
    assert 'class="error-summary"' in html
    kept = {**GOOD, **missing}
    assert all(kept[name] in html for name in ("store", "serial") if len(kept[name]) < 50 and "\x00" not in kept[name])
    assert state(row) == RegistrationState.DRAFT


def test_an_unusual_number_is_submitted_if_the_member_insists(as_ben: Client, world: World) -> None:
    row = draft(world.ben, world.body)
    html = finish(as_ben, row, serial="ABC12345")
    assert "I’ve checked it, it’s right" in html
    assert state(row) == RegistrationState.DRAFT
    assert finish(as_ben, row, serial="ABC12345", insisted="on") == row.get_absolute_url()
    assert registrations.check_registration(registration=row, at=timezone.now()).review_reason == "shape"


def test_an_impossible_serial_cannot_be_insisted_on(as_ben: Client, world: World) -> None:
    row = draft(world.ben, world.body)
    assert "I’ve checked it" not in finish(as_ben, row, serial="12")
    finish(as_ben, row, serial="12", insisted="on")
    assert state(row) == RegistrationState.DRAFT


def test_letters_for_digits_are_corrected_with_a_button(as_ben: Client, world: World) -> None:
    row = draft(world.ben, world.body)
    html = finish(as_ben, row, serial="O5203I000077")
    assert "Did you mean 052031000077?" in html
    assert 'name="do" value="take"' in " ".join(html.split())
    taken = finish(as_ben, row, serial="O5203I000077", do="take")
    assert 'value="052031000077"' in taken
    assert "error-summary" not in taken
    assert state(row) == RegistrationState.DRAFT


def test_enter_after_correcting_the_number_submits_it(as_ben: Client, world: World) -> None:
    row = draft(world.ben, world.body)
    assert finish(as_ben, row, do="take") == row.get_absolute_url()


def test_finish_later_saves_what_was_typed(as_ben: Client, world: World) -> None:
    row = draft(world.ben, world.body)
    assert finish(
        as_ben, row, serial="", purchased_on_day="", purchased_on_month="", purchased_on_year="", do="later"
    ) == (reverse("kitbag:list"))
    row.refresh_from_db()
    assert (row.state, row.missing, row.store) == ("draft", ["serial", "purchased_on"], GOOD["store"])


def test_an_item_without_serial_goes_to_review(as_ben: Client, world: World) -> None:
    row = draft(world.ben, world.grip)
    assert ", not both." in finish(as_ben, row, no_serial="on")
    assert finish(as_ben, row, serial="", no_serial="on") == row.get_absolute_url()
    assert registrations.check_registration(registration=row, at=timezone.now()).review_reason == "no_serial"


def test_a_product_with_serials_cannot_be_submitted_without_one(as_ben: Client, world: World) -> None:
    row = draft(world.ben, world.body)
    assert "Type the serial number." in finish(as_ben, row, serial="", no_serial="on")


def test_the_members_own_serial_a_second_time_is_reported(as_ana: Client, world: World) -> None:
    row = draft(world.ana, world.body)
    assert "You’ve already added this one." in finish(as_ana, row, serial="100000000002")


def test_drafts_are_finished_one_after_the_other(as_ben: Client, world: World) -> None:
    first, second = draft(world.ben, world.body), draft(world.ben, world.lens)
    assert finish(as_ben, first, through="1") == f"/kitbag/{second.pk}/finish/?through=1"
    assert finish(as_ben, second, through="1", serial="1234867") == second.get_absolute_url()


def test_submitting_the_same_details_twice_counts_once(as_ben: Client, world: World) -> None:
    row = draft(world.ben, world.body)
    finish(as_ben, row)
    submitted_at = Registration.objects.get(pk=row.pk).submitted_at
    response = as_ben.post(reverse("kitbag:finish", args=[row.pk]), GOOD)
    assert response.headers["Location"] == row.get_absolute_url()
    assert "already been submitted" in " ".join(map(str, get_messages(response.wsgi_request)))
    assert Registration.objects.get(pk=row.pk).submitted_at == submitted_at


def test_a_counting_registration_has_no_form(as_ana: Client, world: World) -> None:
    row = Registration.objects.get(member=world.ana, product=world.body)
    response = as_ana.get(reverse("kitbag:finish", args=[row.pk]))
    assert response.headers["Location"] == row.get_absolute_url()


def test_a_refused_product_is_corrected_and_submitted_again(as_ben: Client, world: World) -> None:
    row = submitted(world.ben, world.body, "052031000077")
    review.refuse_registration(registration=row, reason="serial_wrong", by=world.staff, at=timezone.now())
    html = as_ben.get(reverse("kitbag:finish", args=[row.pk])).content.decode()
    assert "The serial number doesn’t belong to this product." in html
    assert finish(as_ben, row, serial="052031000078") == row.get_absolute_url()
    assert state(row) == RegistrationState.SUBMITTED


@each_row(
    ("country", "words"),
    [("KE", ""), ("FR", "Bought in another country"), ("US", "no local warranty"), ("", ""), ("\x00\x00", "")],
)
def test_the_effect_of_the_country_on_the_warranty_is_shown_before_submitting(
    as_ben: Client, world: World, country: str, words: str
) -> None:
    html = as_ben.get(reverse("kitbag:purchase_notes"), {"country": country}, **HTMX).content.decode()
    assert words in html if words else "alert" not in html
    row = draft(world.ben, world.body)
    assert "has no local warranty" in as_ben.get(reverse("kitbag:finish", args=[row.pk])).content.decode()


@each_row(
    ("serial", "words"),
    [
        ("052031000077", "Looks right for this product"),
        ("UR0902", "date code"),
        ("O52031000077", "Did you mean 052031000077?"),
        ("12", ""),
        ("\x00", ""),
        ("x" * 10_000, "too long for a serial number"),
    ],
)
def test_the_serial_is_checked_while_it_is_typed(as_ben: Client, world: World, serial: str, words: str) -> None:
    row = draft(world.ben, world.body)
    html = as_ben.get(reverse("kitbag:serial_check", args=[row.pk]), {"serial": serial}, **HTMX).content.decode()
    assert words in html if words else not html.strip()
    assert state(row) == RegistrationState.DRAFT


def test_the_finish_page_costs_the_same_queries_with_1_and_60_products(as_ben: Client, world: World) -> None:
    row = draft(world.ben, world.body)
    validated(world.ben, world.pro_body, "300000000099")  # its store and date are offered for the next one (R71)
    counts = []
    for more in (60, 0):
        as_ben.get(reverse("kitbag:finish", args=[row.pk]))
        with CaptureQueriesContext(connection) as queries:
            as_ben.get(reverse("kitbag:finish", args=[row.pk]))
        counts.append(len(queries))
        fill(world.ben, [world.pro_body], validated=more)
    assert counts[0] == counts[1] <= 18 + SNAPSHOT_QUERIES
