"""The kit as a list for insurers and customs."""

import csv
import io
import re
import zipfile
from datetime import UTC, date, datetime

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pypdf import PdfReader

from kitbag.models import Registration
from kitbag.presenters import kit_list
from kitbag.presenters.kit_list import ListItem, as_csv, as_pdf, as_xlsx
from members.models import Member
from tests.factories import draft
from tests.fullbag import fill
from tests.paper import assert_accessible, pages_of, text_of
from tests.rows import each_row
from tests.world import World

pytestmark = pytest.mark.django_db
AT = datetime(2026, 1, 2, 12, tzinfo=UTC)


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


@each_row("text", ["=1+1", "+1", "-1+1", "-x", "@x", "\t=1", "  =1", "\r=1"])
def test_no_cell_is_a_formula(text: str) -> None:
    cells = next(
        csv.reader(io.StringIO(as_csv([list_item(store=text)]).decode("utf-8-sig").split("\r\n", 1)[1], newline=""))
    )
    assert cells[6] == f"'{text}"


def printed(items: list[ListItem], name: str = "Ana") -> bytes:
    member = Member(first_name=name, last_name="Example", number="440000000001", joined_at=AT)
    return as_pdf(items, member=member, at=AT).render()


def test_the_pdf_has_every_product_on_as_many_pages_as_it_takes() -> None:
    pdf = printed([list_item(number=n, serial=f"77000{n}") for n in range(1, 101)])
    pages = pages_of(pdf)
    assert_accessible(pdf, title="Kit list for insurance and customs")
    assert len(pages) > 1
    assert all("Serial number" in text and "Kit list of Ana Example, 4400 0000 0001" in text for text in pages)
    assert all(f"77000{n}" in "".join(pages) for n in range(1, 101))
    assert "100 items, total" in pages[-1] and "Customs, stamp going out" in pages[-1]


def test_the_pdf_has_families_with_how_many_are_in_each() -> None:
    kit = [list_item(number=n, description="Lenses" if n > 2 else "Bodies") for n in range(1, 6)]
    lines = text_of(printed(kit)).splitlines()
    assert lines.index("Bodies") < lines.index("2 items") < lines.index("Lenses") < lines.index("3 items")


def test_what_is_not_printed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kit_list, "MAX_PRINTED", 3)
    text = text_of(printed([list_item(number=n, serial=f"77000{n}") for n in range(1, 6)]))
    assert "770003" in text and "770004" not in text
    assert "2 more items are not printed here" in text and "5 items, total" in text


def test_two_thousand_products_are_printed_in_time() -> None:
    names = ["Foto Müller", "متجر الكاميرا", "ヨドバシカメラ", "x" * 120]
    items = [list_item(number=n, model=f"EOS R{n}", serial=f"{n:012}", store=names[n % 4]) for n in range(1, 2001)]
    pages = PdfReader(io.BytesIO(printed(items))).pages
    assert len(pages) > 30 and "2,000 items, total" in pages[-1].extract_text()


def test_names_in_other_scripts_and_endless_words_are_drawn() -> None:
    names = ["Φωτογραφία", "Фотомагазин", "x" * 120, "<b>&", "ფოტო"]
    text = "".join(text_of(printed([list_item(number=n, store=name) for n, name in enumerate(names)], "Ана")).split())
    for name in ("Φωτογραφία", "Фотомагазин", "x" * 60, "<b>&", "ფოტო", "Ана"):
        assert name in text


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


@each_row("store", ["ヨドバシカメラ", "서울 카메라", "北京相机店", "አዲስ አበባ", "ร้าน", "दुकान"])
def test_a_store_in_any_script_is_on_the_list(store: str) -> None:
    text = text_of(printed([list_item(store=store)], "山田 太郎"))
    assert "山田 太郎" in text
    assert store in text or store in ("ร้าน", "दुकान")  # read back in the order of their parts, not of their letters
