"""The kit as a list for insurers and customs."""

import csv
import io
import re
import zipfile
from datetime import date

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pypdf import PdfReader

from kitbag.models import Registration
from kitbag.presenters.kit_list import ListItem, as_csv, as_pdf, as_xlsx
from tests.factories import draft
from tests.fullbag import fill
from tests.rows import each_row
from tests.world import World

pytestmark = pytest.mark.django_db


def list_item(**changes: object) -> ListItem:
    facts = {"number": 1, "description": "Bodies", "model": "EOS R1", "serial": "0123", "country": "Kenya"}
    return ListItem(**{**facts, "purchased_on": date(2024, 5, 1), "store": "Shop", **changes})  # type: ignore[arg-type]


def test_the_csv_opens_in_a_spreadsheet_with_the_members_own_kit(world: World, as_ana: Client) -> None:
    draft(world.ben, world.lens)
    answer = as_ana.get("/kitbag/list.csv")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert "attachment" in answer["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["Serial number"] for row in rows] == ["100000000002", "100000000001", "1000003"]
    assert rows[1]["Make"] + rows[1]["Model"] + rows[1]["Date of purchase"] == "CanonEOS R1 Test2023-09-12"
    assert (rows[1]["Quantity"], rows[1]["Value"], rows[1]["Country of origin"]) == ("1", "", "")


@each_row("text", ["=1+1", "+1", "-1", "@x", "\t=1", "  =1", "\r=1"])
def test_no_cell_is_a_formula(text: str) -> None:
    cells = next(
        csv.reader(io.StringIO(as_csv([list_item(store=text)]).decode("utf-8-sig").split("\r\n", 1)[1], newline=""))
    )
    assert cells[6] == f"'{text}"


def test_the_pdf_has_every_product_on_as_many_pages_as_it_takes() -> None:
    items = [list_item(number=n, serial=f"77000{n}") for n in range(1, 61)]
    reader = PdfReader(io.BytesIO(as_pdf(items, owner="Ana Example", on=date(2026, 1, 2))))
    texts = [page.extract_text() for page in reader.pages]
    assert len(texts) > 1
    assert all("Serial number" in text for text in texts)
    assert all(f"77000{n}" in "".join(texts) for n in range(1, 61))


def test_names_in_other_scripts_and_endless_words_are_drawn() -> None:
    names = ["Φωτογραφία", "Фотомагазин", "x" * 120, "<b>&", "ფოტო"]
    pdf = as_pdf([list_item(number=n, store=name) for n, name in enumerate(names)], owner="Ана", on=date(2026, 1, 2))
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)
    for name in ("Φωτογραφία", "Фотомагазин", "<b>&", "ფოტო", "Ана"):
        assert name in text
    arabic = as_pdf([list_item(store="متجر الكاميرا")], owner="علي", on=date(2026, 1, 2))
    assert "\ufe8e" in "".join(page.extract_text() for page in PdfReader(io.BytesIO(arabic)).pages)  # a joined alef


@pytest.mark.parametrize("ending", ["csv", "pdf"])
def test_a_thousand_products_take_as_many_queries_as_none(
    world: World, as_ben: Client, client: Client, ending: str
) -> None:
    address = f"/kitbag/list.{ending}"
    assert client.get(address).status_code == 302
    as_ben.get(address)
    with CaptureQueriesContext(connection) as few:
        assert as_ben.get(address).status_code == 200
    fill(world.ben, [world.body, world.lens], validated=300)
    with CaptureQueriesContext(connection) as many:
        assert as_ben.get(address).status_code == 200
    assert len(many) == len(few)
    assert Registration.objects.of(world.ben).count() == 300


def test_the_workbook_keeps_leading_zeros_and_runs_nothing() -> None:
    items = [
        list_item(serial=serial, store=store) for serial, store in [("042021000123", "=1+1"), ("3.3E+11", "http://x")]
    ]
    book = zipfile.ZipFile(io.BytesIO(as_xlsx(items)))
    sheet = book.read("xl/worksheets/sheet1.xml").decode()
    texts = re.findall(r"<t[^>]*>([^<]*)</t>", book.read("xl/sharedStrings.xml").decode())
    assert {"042021000123", "=1+1", "3.3E+11", "http://x", "Serial number"} <= set(texts)
    assert "<f>" not in sheet
    assert "hyperlink" not in sheet
    assert set(re.findall(r'<c r="\w+"(?: s="\d+")?( t="\w+")?', sheet)) == {' t="s"'}


@pytest.mark.parametrize("format", ["csv", "xlsx", "pdf"])
def test_every_format_is_linked_and_downloaded(as_ana: Client, format: str) -> None:  # noqa: A002
    assert f'href="/kitbag/list.{format}"' in as_ana.get("/kitbag/").content.decode()
    answer = as_ana.get(f"/kitbag/list.{format}")
    assert answer.status_code == 200
    assert answer["Content-Disposition"].endswith(f'.{format}"')


@each_row("store", ["ヨドバシカメラ", "서울 카메라", "北京相机店", "አዲስ አበባ"])
def test_a_store_in_any_script_is_on_the_list(store: str) -> None:
    pdf = as_pdf([list_item(store=store)], owner="山田 太郎", on=date(2026, 1, 2))
    text = PdfReader(io.BytesIO(pdf)).pages[0].extract_text()
    assert store in text
    assert "山田 太郎" in text
