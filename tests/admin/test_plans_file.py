"""A CSV of changes is planned as a whole, or every wrong row is reported and none is planned (R20, R22)."""

import csv
from datetime import date, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from kitbag.actions.planning import earliest_day
from kitbag.catalogue.plans_reader import MAX_ROWS
from kitbag.catalogue.reader import BadRow
from kitbag.enums import Stage
from kitbag.models import StageChange
from tests.admin.conftest import SignIn
from tests.factories import ProductFactory
from tests.rows import each_row
from tests.world import World

LOAD = "/admin/kitbag/stagechange/load/"
CONFIRM = "/admin/kitbag/stagechange/confirm/"
HEAD = "product,stage,successor,effective_on,points"
DAY = earliest_day(timezone.now()).isoformat()
SOON = (timezone.localdate() + timedelta(days=5)).isoformat()


@pytest.fixture
def desk(staff: SignIn, world: World) -> Client:
    return staff("Programme")


def load(client: Client, content: bytes | str | None) -> tuple[list[BadRow], str]:
    """The bad rows, and what is wrong with the file as a whole."""
    data = content.encode() if isinstance(content, str) else content
    answer = client.post(LOAD, {} if data is None else {"file": SimpleUploadedFile("x.csv", data)})
    assert answer.status_code == 200
    assert not StageChange.objects.exists()
    return answer.context.get("bad") or [], " ".join(answer.context["form"].errors.get("file", []))


GOOD = f"{HEAD}\neos-r1-test,superseded,eos-r-test,{DAY},\nrf-70-200-test,unserviceable,,{DAY},35\n"
ARABIC, PERSIAN = (str.maketrans("0123456789", digits) for digits in ("٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹"))
SEMICOLONS, TABS = GOOD.replace(",", ";"), GOOD.replace(",", "\t")
DIALECTS = {
    "commas": GOOD.encode(),
    "UTF-8 with a mark, Windows lines, capitals": GOOD.replace("\n", "\r\n").replace("sup", "SUP").encode("utf-8-sig"),
    "semicolons": SEMICOLONS.encode(),
    "semicolons, blank lines": SEMICOLONS.replace("\n", "\n;;;;\n\n").encode(),
    "tabs": TABS.encode(),
    "tabs in UTF-16": TABS.encode("utf-16"),
    "sep=;": b"sep=;\n" + SEMICOLONS.encode(),
    "sep=TAB": b"sep=\t\n" + TABS.encode(),
    "blank first lines": b"\n,,,,\n" + GOOD.encode(),
    "empty columns at the end": GOOD.replace("\n", ",,\n").encode(),
    "empty cells left out": GOOD.replace(",\n", "\n").encode(),
    "quoted": "\n".join(",".join(f'"{cell}"' for cell in line.split(",")) for line in GOOD.split("\n")).encode(),
    "names with blanks and capitals": GOOD.replace("effective_on", "Effective on").encode(),
    "a time of day behind the day": GOOD.replace(DAY, f"{DAY} 00:00:00").encode(),
    "days with slashes": GOOD.replace(DAY, DAY.replace("-", "/")).encode(),
    "points with a decimal comma": SEMICOLONS.replace(";35\n", ";35,00\n").encode(),
    "Arabic digits": GOOD.replace(DAY, DAY.translate(ARABIC)).replace(",35", ",35".translate(ARABIC)).encode(),
    "Persian digits": GOOD.replace(DAY, DAY.translate(PERSIAN)).replace(",35", ",35".translate(PERSIAN)).encode(),
    "lines of the first Macs": GOOD.replace("\n", "\r").encode(),
    "UTF-16 without a mark": TABS.encode("utf-16-le"),
    "no-break spaces of Windows-1252": SEMICOLONS.replace(";", "\xa0;").encode("cp1252"),
}


@each_row("content", DIALECTS.values(), ids=DIALECTS)
def test_a_valid_file_is_previewed_and_planned_as_a_whole(desk: Client, world: World, content: bytes) -> None:
    preview = desk.post(LOAD, {"file": SimpleUploadedFile("x.csv", content)})
    assert preview.context["effects"].lost == 300 + 165
    assert not StageChange.objects.exists()
    for _press in range(2):
        desk.post(CONFIRM, {"plan_request": preview.context["signed"]})
    assert set(StageChange.objects.values_list("product", "to_stage", "after")) == {
        (world.pro_body.pk, "superseded", 200),
        (world.lens.pk, "unserviceable", 35),
    }


def test_points_may_be_left_out_and_short_notice_is_asked_for_once_for_all(desk: Client, world: World) -> None:
    content = f"product,stage,successor,effective_on\neos-r1-test,superseded,eos-r-test,{SOON}\n"
    preview = desk.post(LOAD, {"file": SimpleUploadedFile("x.csv", content.encode())})
    asked = desk.post(CONFIRM, {"plan_request": preview.context["signed"], "short_notice_reason": " "})
    assert asked.context["reason"].errors
    desk.post(CONFIRM, {"plan_request": asked.context["signed"], "short_notice_reason": "Recalled"})
    assert StageChange.objects.get().short_notice_reason == "Recalled"


BAD = [
    ("nobody-knows,superseded,eos-r-test,{day},", "product", "no product “nobody-knows”"),
    ("eos-r-test,superseded,nobody-knows,{day},", "successor", "no product “nobody-knows”"),
    ("EOS R,superseded,eos-r-test,{day},", "product", "not a slug"),
    (",superseded,eos-r-test,{day},", "product", "Enter the product’s slug"),
    ("eos-r-test,gone,,{day},", "stage", "not a stage"),
    ("eos-r-test,superseded,,{day},", "successor", "Name the product that succeeds"),
    ("eos-r-test,superseded,eos-r-test,{day},", "successor", "succeeded by this product"),
    ("eos-r-test,current,,{day},", "stage", "already"),
    ("eos-r-test,unserviceable,,2020-01-01,", "effective_on", "not in the future"),
    ("eos-r-test,unserviceable,,2999-01-01,", "effective_on", "too far away"),
    ("eos-r-test,unserviceable,,31/13/2027,", "effective_on", "not a day"),
    ("eos-r-test,unserviceable,,2027-02-30,", "effective_on", "not a day"),
    ("eos-r-test,unserviceable,,2027-W01-1,", "effective_on", "not a day"),
    ("eos-r-test,unserviceable,,{day},900", "points", "Points may only fall"),
    ("eos-r-test,unserviceable,,{day},0", "points", "never fall to 0"),
    ("eos-r-test,unserviceable,,{day},-5", "points", "whole number"),
    ("eos-r-test,unserviceable,,{day},three", "points", "whole number"),
    ("eos-r-test,unserviceable,,{day},9999999999999", "points", "whole number"),
    ("eos-r-test,unserviceable,{day}", "effective_on", "not a day"),
    ("eos-r-test,unserviceable,,{day},,x", "", "6 cells"),
    ('"eos-r-test,unserviceable,,{day},', "", "quotation mark"),
    ("eos-r-test\x00,unserviceable,,{day},", "product", "can’t be read"),
]


def test_a_wrong_row_is_reported(desk: Client) -> None:
    for row, column, why in BAD:
        bad, _whole = load(desk, f"{HEAD}\n{row.format(day=DAY)}\n")
        assert [(each.line, each.column) for each in bad] == [(2, column)], row
        assert why in bad[0].reason


def test_all_wrong_rows_are_reported_at_once_and_none_is_planned(desk: Client, world: World) -> None:
    a, b, c = (ProductFactory(slug=f"loop-{n}") for n in "abc")
    rows = [
        f"eos-r1-test,superseded,eos-r-test,{DAY},",  # 2, good
        f"{a.slug},superseded,{b.slug},{DAY},",
        f"{b.slug},superseded,{c.slug},{DAY},",
        f"{c.slug},superseded,{a.slug},{DAY},",  # 5 closes a loop
        f"eos-r1-test,unserviceable,,{DAY},",  # 6, twice
        "no-such,gone,,never,",  # 7
        f"no-such,superseded,{a.slug},{DAY},",  # 8
    ]
    bad, _whole = load(desk, "\n".join([HEAD, *rows]))
    assert [(row.line, row.column) for row in bad] == [(5, "successor"), (6, "product"), (7, "stage"), (8, "product")]


BAD_FILES = [
    (b"", "columns are missing"),
    (b"\n\n", "columns are missing"),
    (b"product,stage\nx,y", "successor, effective_on"),
    (b"product,stage,successor,effective_on,point\n", "unknown columns: point"),
    (b"product,stage,successor,effective_on,stage\n", "twice"),
    (HEAD.encode(), "no row"),
    (bytes(range(256)) * 40, "not a CSV"),
    (HEAD.encode("utf-16"), "no row"),
    (b"PK\x03\x04\x00\x00", "not a CSV"),
    ((HEAD + "\n" + "a,b,c,d,e\n" * (MAX_ROWS + 1)).encode(), "at most 5000"),
    (b"x" * (1024 * 1024 + 1), "larger than 1 MB"),
    (None, "Choose a file"),
]


def test_an_unreadable_file_is_refused_as_a_whole(desk: Client) -> None:
    for content, why in BAD_FILES:
        assert why in load(desk, content)[1]


def test_very_many_rows_are_read_previewed_and_planned(desk: Client, world: World) -> None:
    products = ProductFactory._meta.model.objects.bulk_create(
        ProductFactory.build(slug=f"many-{n}", name=f"Many {n}", named=None) for n in range(1_000)
    )
    day = date.fromisoformat(DAY)
    lines = [
        f"{row.slug},unserviceable,,{(day + timedelta(days=n % 300)).isoformat()}," for n, row in enumerate(products)
    ]
    content = "\n".join(["product,stage,successor,effective_on,points", *lines]).encode()
    preview = desk.post(LOAD, {"file": SimpleUploadedFile("x.csv", content)})
    assert preview.context["more"] == 1_000 - 200
    desk.post(CONFIRM, {"plan_request": preview.context["signed"]})
    assert StageChange.objects.count() == 1_000


def test_the_sample_can_be_loaded(desk: Client, world: World) -> None:
    sample = desk.get(f"{LOAD}sample.csv").content
    rows = list(csv.DictReader(sample.decode().splitlines()))
    assert [row["stage"] for row in rows] == [Stage.SUPERSEDED, Stage.UNSERVICEABLE]
    assert "signed" in desk.post(LOAD, {"file": SimpleUploadedFile("x.csv", sample)}).context
