"""The serial number check on the pages: while typing and on submit, always with a way on (R27 to R33)."""

from datetime import date

from django.contrib.staticfiles import finders
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from kitbag.actions import registrations, removals
from kitbag.enums import RegistrationState, RemovalReason, SerialPlace
from kitbag.models import Product, ProductName, Registration, SerialShape, totals_of
from kitbag.presenters.registrations import build_card
from kitbag.queries.forecast import waiting_registrations
from tests.factories import draft, submitted
from tests.world import World

HTMX = {"HTTP_HX_REQUEST": "true"}
BOX = "I’ve checked it, it’s right"


def live(client: Client, row: Registration, serial: str) -> str:
    answer = client.get(reverse("kitbag:serial_check", args=[row.pk]), {"serial": serial}, **HTMX)
    assert answer.status_code == 200
    return answer.content.decode()


def hand_in(client: Client, row: Registration, serial: str, **more: str) -> str:
    day = {"purchased_on_day": "1", "purchased_on_month": "2", "purchased_on_year": "2025"}
    data = {"serial": serial, "store": "Nairobi Cameras", "country": "KE", **day, **more}
    answer = client.post(reverse("kitbag:finish", args=[row.pk]), data)
    return answer.headers.get("Location") or answer.content.decode()


MAY_INSIST = [
    ("4549292037692", "bar code of the box"),
    ("5014C002", "item code"),
    ("UR0902", "date code"),
    ("R0902U", "date code"),
    ("DS126611", "model name"),
    ("rebel 77", "model name"),
    ("111111111111", "looks made up"),
    ("O52031000077", "Did you mean 052031000077?"),
    ("84716", "such as 042031001847"),
]
IMPOSSIBLE = [
    ("356938035643809", "phone’s IMEI"),
    ("+27 82 123 4567", "phone number"),
    ("0420310018472233", "too long"),
    ("8471*62", "only digits and letters"),
]


def test_a_wrong_number_is_reported_while_typing_and_on_submit_and_may_be_insisted_on(
    as_ben: Client, world: World
) -> None:
    ProductName.objects.create(product=world.body, name="Rebel 77")
    SerialShape.objects.update(example="042031001847")
    row = draft(world.ben, world.body)
    for serial, words in MAY_INSIST:
        for html in (live(as_ben, row, serial), hand_in(as_ben, row, serial)):
            assert words in html
            assert BOX in html
    assert hand_in(as_ben, row, serial, insisted="on") == row.get_absolute_url()
    checked = registrations.check_registration(registration=row, at=timezone.now())
    assert (checked.state, checked.review_reason) == (RegistrationState.SUBMITTED, "shape")


def test_an_impossible_serial_links_to_our_staff(as_ben: Client, world: World) -> None:
    row = draft(world.ben, world.body)
    for serial, words in IMPOSSIBLE:
        for html in (live(as_ben, row, serial), hand_in(as_ben, row, serial, insisted="on")):
            assert words in html
            assert BOX not in html
            assert f'href="/contact/?about=registration:{row.pk}"' in html


def test_the_suggestion_is_a_button_while_typing_too(as_ben: Client, world: World) -> None:
    html = live(as_ben, draft(world.ben, world.body), "O52031000077")
    assert 'type="submit" name="do" value="take"' in " ".join(html.split())
    assert "052031000077" in html


def test_text_in_brackets_is_dropped_and_the_page_says_so(as_ben: Client, world: World) -> None:
    row = draft(world.ben, world.body)
    html = live(as_ben, row, "0520 3100 0077 (M)")
    assert "Anything in brackets" in html
    assert "Looks right for this product" in html
    assert hand_in(as_ben, row, "0520 3100 0077 (M)") == row.get_absolute_url()
    row.refresh_from_db()
    assert (row.serial, row.serial_key) == ("0520 3100 0077 (M)", "52031000077")  # kept as typed (R28)


def test_the_number_of_the_members_other_product_is_reported(as_ben: Client, world: World) -> None:
    submitted(world.ben, world.pro_body, "052031000077")
    row = draft(world.ben, world.body)
    for html in (live(as_ben, row, "0520-3100-0077"), hand_in(as_ben, row, "0520-3100-0077")):
        assert "That’s the serial number of your EOS R1 Test" in html
        assert BOX in html  # the numbers of two models may be alike (R31)
    twin = draft(world.ben, world.pro_body)
    assert "You’ve already added this one" in live(as_ben, twin, "52031000077")


def test_an_own_duplicate_is_told_at_once_and_leads_to_the_other_one(as_ben: Client, world: World) -> None:
    """While typing, when saved and in the Kitbag, not only when it is submitted (R31)."""
    first = submitted(world.ben, world.body, "052031000077")
    row = draft(world.ben, world.body)
    link = f'href="{first.get_absolute_url()}"'
    for html in (live(as_ben, row, "0520-3100-0077"), hand_in(as_ben, row, "52031000077")):
        assert "You’ve already added this one" in html
        assert link in html
    assert hand_in(as_ben, row, "052031000077", do="later") == reverse("kitbag:list")
    for page in ("/dashboard/", reverse("kitbag:list"), reverse("kitbag:finish", args=[row.pk])):
        html = as_ben.get(page).content.decode()
        assert "already" in html
        assert "Submit it" not in html
    html = as_ben.get(reverse("kitbag:list")).content.decode()
    assert link in html and "You’ve added this one already." in html
    assert build_card(row, None, first.pk).url == f"{reverse('kitbag:finish', args=[row.pk])}#id_serial"


def test_once_the_other_one_is_gone_it_is_no_duplicate_any_more(as_ben: Client, world: World) -> None:
    first = submitted(world.ben, world.body, "052031000077")
    row = draft(world.ben, world.body)
    hand_in(as_ben, row, "052031000077", do="later")
    assert "already" in as_ben.get(reverse("kitbag:list")).content.decode()
    removals.remove_registration(registration=first, reason=RemovalReason.MISTAKE, by=None, at=timezone.now())
    assert "already" not in as_ben.get(reverse("kitbag:list")).content.decode()
    assert hand_in(as_ben, row, "052031000077") == row.get_absolute_url()


def test_the_model_name_is_named_while_typing_however_short(as_ben: Client, world: World) -> None:
    ProductName.objects.create(product=world.body, name="R5")
    row = draft(world.ben, world.body)
    for html in (live(as_ben, row, "R5"), hand_in(as_ben, row, "R5")):
        assert "That’s the model name. Look for the serial number" in html
    assert "field__error" not in live(as_ben, row, "042")


def test_a_date_in_arabic_digits_is_read(as_ben: Client, world: World) -> None:
    row = draft(world.ben, world.body)
    day = {"purchased_on_day": "١", "purchased_on_month": "٢", "purchased_on_year": "٢٠٢٥"}
    assert hand_in(as_ben, row, "٠٥٢٠٣١٠٠٠٠٧٧", **day) == row.get_absolute_url()
    row.refresh_from_db()
    assert (row.serial_key, row.purchased_on) == ("52031000077", date(2025, 2, 1))


def test_typing_does_not_reveal_that_another_member_has_the_number(as_ben: Client, world: World) -> None:
    html = live(as_ben, draft(world.ben, world.body), "100000000002")  # Ana's
    assert "Looks right for this product" in html


def test_after_a_warning_the_draft_keeps_the_number_and_the_warning(as_ben: Client, world: World) -> None:
    row = draft(world.ben, world.body)
    hand_in(as_ben, row, "84716")
    row.refresh_from_db()
    assert (row.state, row.serial, row.warning) == (RegistrationState.DRAFT, "84716", "shape")
    page = as_ben.get(reverse("kitbag:finish", args=[row.pk])).content.decode()
    assert "doesn’t look like a serial number of this product" in page
    assert BOX in page


HOSTILE = [
    "\x00" * 20,
    "8471\x0062",
    "x" * 10_000,
    "9" * 10_000,
    "(" * 10_000,
    "\u202e8471\u202c62",
    "🙂" * 30,
    "٨٤٧١٦٢",
    "%00",
    "<b>847162</b>",
    "'; drop table x; --",
    "ﷺ" * 40,
    "\ud7ff\ufffe" * 9,
]


def test_hostile_input_gets_a_normal_response(as_ben: Client, world: World) -> None:
    row = draft(world.ben, world.body)
    for n, serial in enumerate(HOSTILE):
        do = ("submit", "take", "later")[n % 3]
        html = live(as_ben, row, serial) if n % 2 else hand_in(as_ben, row, serial, do=do)
        assert "<b>847162</b>" not in html
    row.refresh_from_db()
    assert row.state == RegistrationState.DRAFT


def test_every_place_has_its_drawing_and_its_sentence_on_the_pages(as_ben: Client, world: World) -> None:
    row = draft(world.ben, world.body)
    addresses = [reverse("kitbag:finish", args=[row.pk]), row.get_absolute_url()]
    for n, place in enumerate(SerialPlace):
        Product.objects.filter(pk=world.body.pk).update(serial_place=place)
        html = as_ben.get(addresses[n % 2]).content.decode()
        assert f"img/serial/{place.lower()}.svg" in html
        assert str(place.label) in html
        assert finders.find(f"img/serial/{place.lower()}.svg")


def test_no_serial_is_offered_only_where_it_is_possible(as_ben: Client, world: World) -> None:
    """And whoever insists without the box on the page is refused (R33)."""
    without, always = draft(world.ben, world.grip), draft(world.ben, world.body)
    offered = "There’s no serial number on this item"
    assert offered in as_ben.get(reverse("kitbag:finish", args=[without.pk])).content.decode()
    assert offered not in as_ben.get(reverse("kitbag:finish", args=[always.pk])).content.decode()
    assert hand_in(as_ben, without, "", no_serial="on") == without.get_absolute_url()
    assert "Type the serial number." in hand_in(as_ben, always, "", no_serial="on")


def test_the_live_check_costs_the_same_with_many_shapes_and_numbers(as_ben: Client, world: World) -> None:
    row = draft(world.ben, world.body)
    counts = []
    live(as_ben, row, "84716")
    for more in (12, 0):
        with CaptureQueriesContext(connection) as queries:
            live(as_ben, row, "84716")
        counts.append(len(queries))
        for n in range(more):
            SerialShape.objects.create(categories=[f"kind-{n}"], period="all", pattern=r"\d{9}")
            submitted(world.ben, world.pro_body, f"3000000000{n:02}")
    assert counts[0] == counts[1]


def test_the_points_of_an_own_duplicate_are_not_waiting_anywhere(world: World) -> None:  # R31
    """It says so itself; the totals, the forecast and "what closes the gap" do not count on it, either."""
    other = Registration.objects.get(member=world.ana, product=world.body)
    row = registrations.add_product(member=world.ana, product=world.body, at=timezone.now())
    details = registrations.Details(other.serial, "ZA", date(2024, 1, 2), "Rosebank Camera Co.")
    before = totals_of(world.ana)
    registrations.save_details(registration=row, details=details, at=timezone.now())
    totals = totals_of(world.ana)
    assert before.waiting_points == before.needing_points == world.body.points
    assert totals.waiting_points == totals.needing_points == 0
    assert totals.needing == 1  # it still is their turn
    assert waiting_registrations(world.ana) == []
    removals.remove_registration(registration=other, reason=RemovalReason.MISTAKE, by=world.ana.user, at=timezone.now())
    assert totals_of(world.ana).waiting_points == world.body.points
