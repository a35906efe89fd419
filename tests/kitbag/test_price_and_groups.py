"""The price that a member paid and their groups: kept, shown to them alone, summed on the lists (R18, R25)."""

import csv
import io
import re
import zipfile
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from pytest_django import Settings

from cps_portal.core.files.actions import Uploads
from cps_portal.core.lib.forms import AmountField
from cps_portal.core.lib.languages import LOCALES
from cps_portal.core.lib.money import currency_choices, currency_of, format_amount, read_amount
from kitbag.actions.evidence import add_evidence
from kitbag.actions.kit_groups import add_group, change_group
from kitbag.actions.owner_details import delete_details_of, move_details, set_group, set_price
from kitbag.enums import EvidenceKind
from kitbag.models import Evidence, KitGroup, OwnerDetails, Registration
from tests.factories import draft, validated
from tests.files import samples
from tests.paper import text_of
from tests.rows import each_row
from tests.world import World


@pytest.fixture
def row(world: World) -> Registration:
    return draft(world.ana, world.body)


def paid(row: Registration, price: str, currency: str = "ZAR", proof: Evidence | None = None) -> OwnerDetails:
    return set_price(registration=row, price=Decimal(price), currency=currency, proof=proof, by=row.member.user)


def evidence_of(row: Registration, kind: EvidenceKind = EvidenceKind.RECEIPT) -> Evidence:
    uploads = Uploads(fresh=[samples.upload(samples.jpeg())])
    added = add_evidence(registration=row, uploads=uploads, by=row.member.user, at=timezone.now(), kind=kind)
    return added.rows[0]


# --- Amounts as people type them -------------------------------------------------------------------


@each_row(
    ("text", "amount"),
    [
        ("1234", "1234"),
        ("1,234.50", "1234.50"),
        ("1.234,50", "1234.50"),
        ("1 234,50", "1234.50"),
        ("1\u202f234,50", "1234.50"),
        ("1'234.50", "1234.50"),
        ("1’234.50", "1234.50"),
        ("1,23,456.00", "123456"),
        ("12.345.678,9", "12345678.9"),
        ("1,234", "1234"),
        ("1.234", "1234"),
        ("0,5", "0.5"),
        ("12.34", "12.34"),
        ("١٬٢٣٤٫٥٠", "1234.50"),
        ("１２３４", "1234"),
        (" 84995 ", "84995"),
    ],
)
def test_an_amount_is_read_in_the_separators_of_every_language(text: str, amount: str) -> None:
    assert read_amount(text) == Decimal(amount)


@each_row(
    "text",
    [
        "",
        "abc",
        "1e5",
        "-5",
        "1.23.4",
        "1,,2",
        "1.234.5",
        ".",
        "5.",
        ".5",
        "1.2345",
        "1,234.5.6",
        "12345,678.00",
        "٣²",
        "½",
    ],
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        read_amount(text)


@each_row("language", LOCALES)
def test_what_the_portal_writes_it_reads_again(language: str) -> None:
    with translation.override(language):
        assert read_amount(format_amount(Decimal("1234567.50"))) == Decimal("1234567.50")


def test_an_amount_has_a_limit_and_may_be_empty() -> None:
    field = AmountField(max_digits=12, required=False)
    assert field.clean("  ") is None and field.clean(None) is None
    assert field.clean("9999999999.99") == Decimal("9999999999.99")
    for text in ("10000000000", "x" * 5000, "9" * 5000, "\x00"):
        if text == "\x00":
            assert field.clean(text) is None
            continue
        with pytest.raises(ValidationError):
            field.clean(text)


def test_the_currencies_are_those_of_all_countries_and_of_the_purchase_first() -> None:
    codes = [code for code, _name in currency_choices("en")]
    assert {"ZAR", "EUR", "KWD", "BGN"} <= set(codes) and codes == sorted(codes)
    assert dict(currency_choices("fr"))["ZAR"] == "ZAR – rand sud-africain"
    assert (currency_of("ZA"), currency_of("XK"), currency_of("")) == ("ZAR", "EUR", "")


# --- The price -------------------------------------------------------------------------------------


def test_the_price_is_saved_shown_and_forgotten_on_the_page(row: Registration, as_ana: Client) -> None:
    proof = evidence_of(row)
    address = f"/kitbag/{row.pk}/price/"
    for headers in ({}, {"HTTP_HX_REQUEST": "true"}):  # the page, and what the page of the product loads when opened
        page = as_ana.get(address, **headers)
        assert page.context["form"]["currency"].value() == "ZAR", "of the country"
        assert ("<html" in page.content.decode()) != bool(headers)
        assert f'action="{address}"' in page.content.decode()
    assert f'href="{address}"' in as_ana.get(row.get_absolute_url()).content.decode()
    answer = as_ana.post(address, {"price": "84.995,50", "currency": "ZAR", "proof": proof.pk}, follow=True)
    assert re.search(r"ZAR\s84,995.50", answer.content.decode())
    details = OwnerDetails.objects.get()
    assert (details.price, details.currency, details.proof) == (Decimal("84995.50"), "ZAR", proof)
    as_ana.post(address, {"price": "", "currency": "ZAR", "proof": proof.pk})
    details.refresh_from_db()
    assert (details.price, details.currency, details.proof) == (None, "", None)


@each_row(
    ("field", "typed"),
    [("price", "twelve"), ("price", "-3"), ("currency", "XXY"), ("currency", ""), ("proof", "999999"), ("proof", "x")],
)
def test_an_error_stands_beside_its_field_and_what_was_typed_stays(
    row: Registration, as_ana: Client, field: str, typed: str
) -> None:
    data = {"price": "12", "currency": "ZAR", "proof": "", field: typed}
    page = as_ana.post(f"/kitbag/{row.pk}/price/", data)
    form = page.context["price_form"]
    assert page.status_code == 422 and list(form.errors) == [field]
    assert form["price"].value() == data["price"]
    assert not OwnerDetails.objects.filter(price__isnull=False).exists()


def test_only_evidence_of_this_product_proves_it_and_no_photo_of_the_serial_number(
    world: World, row: Registration, as_ana: Client
) -> None:
    other, serial = evidence_of(draft(world.ana, world.lens)), evidence_of(row, EvidenceKind.SERIAL)
    for piece in (other, serial):
        page = as_ana.post(f"/kitbag/{row.pk}/price/", {"price": "1", "currency": "ZAR", "proof": piece.pk})
        assert page.context["price_form"].errors["proof"]


def test_nobody_else_sets_or_sees_the_price(world: World, row: Registration, as_ben: Client) -> None:
    paid(row, "84995")
    for address in ("price", "group"):
        assert as_ben.post(f"/kitbag/{row.pk}/{address}/", {"price": "1", "currency": "ZAR"}).status_code == 404
        assert as_ben.get(f"/kitbag/{row.pk}/{address}/").status_code == {"price": 404, "group": 405}[address]


# --- The lists -------------------------------------------------------------------------------------


def test_the_lists_have_the_prices_and_a_total_for_each_currency(
    world: World, row: Registration, as_ana: Client
) -> None:
    paid(row, "84995")
    paid(draft(world.ana, world.lens), "1200.5", "EUR")
    paid(draft(world.ana, world.lens), "5", "ZAR")
    lines = list(csv.DictReader(io.StringIO(as_ana.get("/kitbag/list.csv").content.decode("utf-8-sig"))))
    assert sorted((line["Value"], line["Currency"]) for line in lines if line["Value"]) == [
        ("1200.50", "EUR"),
        ("5.00", "ZAR"),
        ("84995.00", "ZAR"),
    ]
    book = zipfile.ZipFile(io.BytesIO(as_ana.get("/kitbag/list.xlsx").content))
    texts = re.findall(r"<t[^>]*>([^<]*)</t>", book.read("xl/sharedStrings.xml").decode())
    assert {"85000.00", "1200.50", "Total"} <= set(texts)
    paper = " ".join(text_of(b"".join(as_ana.get("/kitbag/list.pdf"))).split())
    for words in ("EUR 1,200.50", "ZAR 85,000.00", "ZAR 84,995.00", "3 without a price"):
        assert words in paper, words


# --- Groups ----------------------------------------------------------------------------------------


def test_a_group_is_named_filled_shown_exported_renamed_and_deleted(
    world: World, row: Registration, as_ana: Client
) -> None:
    answer = as_ana.post("/kitbag/groups/", {"name": "Safari bag"})
    group = KitGroup.objects.get()
    assert answer["Location"] == f"/kitbag/groups/{group.pk}/"
    answer = as_ana.post(answer["Location"], {"name": "Safari bag", "product": [row.pk]})
    assert answer["Location"] == f"/kitbag/?group={group.pk}"
    page = as_ana.get(answer["Location"])
    shown = [card.registration.pk for section in page.context["groups"] for card in section.cards]
    assert shown == [row.pk]
    html = page.content.decode()
    assert f'href="/kitbag/list.pdf?group={group.pk}"' in html
    assert f'<input type="hidden" name="group" value="{group.pk}">' in html, "a search stays in the group"
    lines = list(
        csv.DictReader(io.StringIO(as_ana.get(f"/kitbag/list.csv?group={group.pk}").content.decode("utf-8-sig")))
    )
    assert [line["Model"] for line in lines] == [row.product.name]
    assert "Safari bag" in text_of(b"".join(as_ana.get(f"/kitbag/list.pdf?group={group.pk}")))
    as_ana.post(f"/kitbag/groups/{group.pk}/", {"name": "Van", "product": []})
    group.refresh_from_db()
    assert group.name == "Van" and not OwnerDetails.objects.filter(group=group).exists()
    set_group(registration=row, group=group, by=world.ana.user)
    assert as_ana.post(f"/kitbag/groups/{group.pk}/delete/")["Location"] == "/kitbag/groups/"
    assert OwnerDetails.objects.get().group is None and Registration.objects.filter(pk=row.pk).exists()


def test_a_product_moves_from_one_group_to_the_other(world: World, row: Registration, as_ana: Client) -> None:
    studio, van = (add_group(member=world.ana, name=name) for name in ("Studio", "Van"))
    as_ana.post(f"/kitbag/{row.pk}/group/", {"group": studio.pk})
    assert "now in" in as_ana.get(f"/kitbag/groups/{van.pk}/").content.decode()
    change_group(group=van, name="Van", products=[row.pk])
    assert OwnerDetails.objects.get().group == van
    as_ana.post(f"/kitbag/{row.pk}/group/", {"group": ""})
    assert OwnerDetails.objects.get().group is None


@each_row("name", ["", "studio", "x" * 41, "\x07", "\u200b"])
def test_a_wrong_name_is_said_beside_it(world: World, as_ana: Client, name: str) -> None:
    add_group(member=world.ana, name="Studio")
    page = as_ana.post("/kitbag/groups/", {"name": name})
    assert page.status_code == 422 and page.context["form"].errors["name"]
    assert KitGroup.objects.count() == 1


def test_groups_are_as_many_as_the_settings_say(world: World, as_ana: Client, settings: Settings) -> None:
    settings.KIT_GROUPS_MAX = 1
    add_group(member=world.ana, name="Studio")
    assert "up to 1 groups" in str(as_ana.post("/kitbag/groups/", {"name": "Van"}).context["form"].errors["name"])


def test_a_group_is_its_member_s_alone(world: World, row: Registration, as_ben: Client, as_ana: Client) -> None:
    group = add_group(member=world.ana, name="Studio")
    for address in (f"/kitbag/groups/{group.pk}/", f"/kitbag/list.csv?group={group.pk}"):
        assert as_ben.get(address).status_code == 404
    assert as_ben.post(f"/kitbag/groups/{group.pk}/delete/").status_code == 404
    theirs = draft(world.ben, world.body)
    as_ana.post(f"/kitbag/groups/{group.pk}/", {"name": "Studio", "product": [theirs.pk, "x", "9" * 30]})
    assert not OwnerDetails.objects.filter(registration=theirs).exists()
    page = as_ben.post(f"/kitbag/{theirs.pk}/group/", {"group": group.pk})
    assert page.context["group_form"].errors["group"]
    assert "Studio" not in as_ben.get(f"/kitbag/?group={group.pk}").content.decode()


def test_groups_and_photos_add_one_query_to_the_kitbag(world: World, as_ana: Client) -> None:
    as_ana.get("/kitbag/")
    counts = []
    for number in (0, 1, 5):
        for name in range(KitGroup.objects.count(), number):
            group = add_group(member=world.ana, name=f"Group {name}")
            set_group(registration=draft(world.ana, world.lens), group=group, by=world.ana.user)
        with CaptureQueriesContext(connection) as queries:
            as_ana.get("/kitbag/")
        counts.append(sum("kitbag_kitgroup" in query["sql"] for query in queries))
    assert counts == [1, 1, 1]


def test_an_account_that_ends_takes_its_groups_along_and_one_that_goes_on_keeps_them(
    world: World, row: Registration
) -> None:
    group = add_group(member=world.ana, name="Studio")
    set_group(registration=row, group=group, by=world.ana.user)
    paid(row, "5")
    theirs = validated(world.ben, world.lens, "200000000009")
    move_details(registration=row, to=theirs)
    details = OwnerDetails.objects.get()
    assert details.group and (details.group.member, details.group.name) == (world.ben, "Studio")
    assert details.price == 5
    delete_details_of(member=world.ben, at=timezone.now())
    assert not OwnerDetails.objects.exists() and KitGroup.objects.get().member == world.ana
