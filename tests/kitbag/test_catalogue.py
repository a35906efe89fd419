"""The catalogue loads again and again, changes only what changed, and never what members hold (R15, R20, R22)."""

import csv
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kitbag.actions.catalogue import CatalogueReport, load_catalogue
from kitbag.catalogue import reader
from kitbag.enums import ProposalState, Stage
from kitbag.models import CatalogueProposal, Product, ProductName, SerialShape
from kitbag.queries.search import search_products
from tests.factories import draft
from tests.rows import each_row
from tests.world import World

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db

ROW: dict[str, object] = {
    "slug": "eos-x",
    "name": "EOS X",
    "aliases": "EOS Rebel X",
    "category": "camera-mirrorless",
    "mount": "RF",
    "release_year": 2024,
    "release_month": 5,
    "discontinued_year": "",
    "status": "current",
    "superseded_by": "",
    "service_end_year": "",
    "pro": "no",
    "video_class": "",
    "serial_hint": "BODY-BASE",
    "points": 300,
    "points_superseded": 120,
    "points_unserviceable": 60,
}
Load = Callable[..., CatalogueReport]


def row(**changes: object) -> dict[str, object]:
    return {**ROW, **changes}


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write(*rows: dict[str, object]) -> Path:
        path = tmp_path / "products.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=[*ROW, "points_certainty"])
            writer.writeheader()
            writer.writerows({"points_certainty": "assumed", **each} for each in rows)
        return path

    return write


@pytest.fixture
def load(write: Callable[..., Path]) -> Load:
    def load(*rows: dict[str, object], at: datetime = NOW) -> CatalogueReport:
        products, bad = reader.read_products(write(*rows))
        assert not bad
        return load_catalogue(products=products, shapes=[], at=at)

    return load


def held(world: World) -> Product:
    """EOS X, which Ben has in his Kitbag without having finished it."""
    product = Product.objects.get(slug="eos-x")
    draft(world.ben, product, at=NOW)
    return product


# --- The catalogue that ships --------------------------------------------------------------------


@time_machine.travel(NOW, tick=False)  # the service of some products ends with a year
def test_the_shipped_catalogue_loads_whole_in_few_statements_and_a_second_load_changes_nothing() -> None:
    with CaptureQueriesContext(connection) as queries:
        call_command("load_catalogue", "--strict", verbosity=0)
    assert len(queries) < 100
    assert Product.objects.count() == 3216
    assert Product.objects.filter(fast_track_model=True).count() == 120
    assert Product.objects.filter(sample=False).count() == 2
    assert Product.objects.filter(registrable=False).count() == 213
    assert Product.objects.filter(successor__isnull=False).count() == 1488
    mark_iii = Product.objects.get(name="EOS 5D Mark III")
    assert (mark_iii.points_current, mark_iii.stage, mark_iii.points) == (235, Stage.UNSERVICEABLE, 45)
    with CaptureQueriesContext(connection) as queries:
        products, bad = reader.read_products(reader.PRODUCTS)
        report = load_catalogue(products=products, shapes=reader.read_shapes(), at=NOW)
    assert (bad, report.added, report.changed, report.left_alone) == ([], [], {}, 3216)
    assert not [query for query in queries if query["sql"].lower().startswith(("insert", "update", "delete"))]
    assert len(queries) < 20


def test_every_shipped_shape_fits_its_own_example_and_some_category() -> None:
    products, _ = reader.read_products(reader.PRODUCTS)
    categories = {facts.fields["category"] for facts in products}
    for facts in reader.read_shapes():
        shape = SerialShape(categories=list(facts.categories), pattern=facts.pattern)
        assert re.fullmatch(facts.pattern, facts.example)
        assert any(shape.covers(category) for category in categories) or facts.categories == ("printer-office",)


# --- What a load does ----------------------------------------------------------------------------


def test_a_row_becomes_a_product_with_all_its_names(load: Load) -> None:
    report = load(row(points_certainty="published", pro="yes"))
    product = Product.objects.get()
    assert report.added == ["eos-x"]
    assert (product.shelf, product.stage, product.points) == ("bodies", Stage.CURRENT, 300)
    assert (product.fast_track_model, product.sample, product.serial_optional) == (True, False, False)
    assert set(product.names.values_list("name", flat=True)) == {"EOS X", "EOS Rebel X"}
    assert search_products("rebel x") == [product]


def test_only_what_changed_is_changed(load: Load) -> None:
    load(row(), row(slug="eos-y", name="EOS Y", aliases=""))
    report = load(row(points=310, aliases="EOS Kiss X"), row(slug="eos-y", name="EOS Y", aliases=""))
    assert report.changed == {"eos-x": ["points_current", "names"]}
    assert report.left_alone == 1
    assert set(ProductName.objects.values_list("name", flat=True)) == {"EOS X", "EOS Kiss X", "EOS Y"}


def test_search_keys_made_by_older_rules_are_renewed(load: Load) -> None:
    load(row())
    ProductName.objects.update(search_key=" stale ")
    load(row())
    assert search_products("rebel x")


def test_what_is_missing_from_the_file_is_left_alone_and_reported(load: Load) -> None:
    load(row(), row(slug="eos-y", name="EOS Y"))
    report = load(row())
    assert report.not_in_file == ["eos-y"]
    assert Product.objects.count() == 2


@each_row(
    ("facts", "stage"),
    [
        ({"status": "current"}, Stage.CURRENT),
        ({"status": "discontinued"}, Stage.CURRENT),
        ({"status": "superseded"}, Stage.SUPERSEDED),
        ({"status": "current", "service_end_year": 2025}, Stage.UNSERVICEABLE),
        ({"status": "superseded", "service_end_year": 2025}, Stage.UNSERVICEABLE),
        ({"status": "superseded", "service_end_year": 2026}, Stage.SUPERSEDED),
    ],
)
def test_the_stage_follows_the_facts_of_the_day(facts: dict[str, object], stage: str, load: Load) -> None:
    load(row(**facts))
    assert Product.objects.get().stage == stage


def test_service_ends_at_midnight_at_home_not_in_greenwich(load: Load) -> None:
    load(row(service_end_year=2026), at=datetime(2026, 12, 31, 21, 59, tzinfo=UTC))
    assert Product.objects.get().stage == Stage.CURRENT
    load(row(service_end_year=2026), at=datetime(2026, 12, 31, 22, 1, tzinfo=UTC))
    assert Product.objects.get().stage == Stage.UNSERVICEABLE


def test_a_successor_may_follow_later_in_the_file(load: Load) -> None:
    load(row(status="superseded", superseded_by="eos-y"), row(slug="eos-y", name="EOS Y"))
    assert Product.objects.get(slug="eos-x").successor == Product.objects.get(slug="eos-y")


@pytest.mark.parametrize("successor", ["no-such", "eos-x"])
def test_a_successor_that_cannot_be_is_named_and_the_rest_of_the_row_loads(successor: str, load: Load) -> None:
    report = load(row(superseded_by=successor))
    assert Product.objects.get().successor is None
    assert [(bad.line, bad.column) for bad in report.bad] == [(2, "superseded_by")]


@each_row(
    ("category", "points", "registrable"),
    [
        ("accessory-battery", 0, False),
        ("accessory-charger", 0, False),
        ("accessory-battery", 15, True),
        ("flash", 0, True),
    ],
)
def test_consumables_without_points_cannot_be_registered(
    category: str, points: int, registrable: bool, load: Load
) -> None:
    load(row(category=category, points=points, points_superseded=points, points_unserviceable=points))
    assert Product.objects.get().registrable is registrable


# --- What members hold ---------------------------------------------------------------------------


def test_points_and_stage_of_a_held_product_are_only_proposed(world: World, load: Load) -> None:
    load(row())
    product = held(world)
    report = load(row(points=250, status="superseded", superseded_by="eos-y"), row(slug="eos-y", name="EOS Y"))
    product.refresh_from_db()
    assert (product.points_current, product.stage, product.successor) == (300, Stage.CURRENT, None)
    changes = {"points_current": [300, 250], "stage": ["current", "superseded"], "successor": [None, "eos-y"]}
    assert report.proposed == {"eos-x": changes}
    assert report.changed == {}
    assert CatalogueProposal.objects.get().changes == changes


def test_whether_a_held_product_can_be_registered_is_only_proposed(world: World, load: Load) -> None:
    grip = {"category": "accessory-battery", "serial_hint": "ACC-LABEL"}
    load(row(**grip))
    product = held(world)
    load(row(**grip, points=0, points_superseded=0, points_unserviceable=0))
    product.refresh_from_db()
    assert product.registrable
    assert CatalogueProposal.objects.get().changes["registrable"] == [True, False]


def test_names_and_dates_of_a_held_product_change_at_once(world: World, load: Load) -> None:
    load(row())
    product = held(world)
    report = load(row(name="EOS X Mark I", service_end_year=2031, points=250))
    product.refresh_from_db()
    assert (product.name, product.service_end_year, product.points_current) == ("EOS X Mark I", 2031, 300)
    assert report.changed == {"eos-x": ["name", "service_end_year", "names"]}


def test_a_proposal_is_made_once_corrected_and_withdrawn(world: World, load: Load) -> None:
    load(row())
    held(world)
    load(row(points=250))
    assert (report := load(row(points=250))).still_proposed == 1
    assert report.proposed == {}
    assert load(row(points=240)).proposed == {"eos-x": {"points_current": [300, 240]}}
    assert CatalogueProposal.objects.get().changes == {"points_current": [300, 240]}
    assert load(row()).withdrawn == ["eos-x"]
    proposal = CatalogueProposal.objects.get()
    assert (proposal.state, proposal.closed_at) == (ProposalState.WITHDRAWN, NOW)
    load(row(points=230))
    assert CatalogueProposal.objects.count() == 2


def test_a_proposal_stays_while_its_product_is_not_in_the_file(world: World, load: Load) -> None:
    load(row())
    held(world)
    load(row(points=250))
    assert load(row(slug="eos-y", name="EOS Y")).withdrawn == []
    assert CatalogueProposal.objects.get().state == ProposalState.OPEN


def test_points_of_a_product_without_holders_change_at_once(load: Load) -> None:
    load(row())
    assert load(row(points=250)).proposed == {}
    assert Product.objects.get().points_current == 250


# --- Bad rows ------------------------------------------------------------------------------------


@each_row(
    ("changes", "column", "reason"),
    [
        ({"slug": "EOS X"}, "slug", "not made of small letters"),
        ({"slug": ""}, "slug", "not made of small letters"),
        ({"name": ""}, "name", "no word or number"),
        ({"name": "x" * 121}, "name", "longer than 120"),
        ({"aliases": "EOS; " + "x" * 121}, "aliases", "longer than 120"),
        ({"category": "teapot"}, "category", "not a known category"),
        ({"status": "lost"}, "status", "not one of"),
        ({"serial_hint": "NOWHERE"}, "serial_hint", "not one of"),
        ({"video_class": "8k"}, "video_class", "not one of"),
        ({"pro": "perhaps"}, "pro", "not one of"),
        ({"points": "many"}, "points", "not a whole number"),
        ({"points": "-5"}, "points", "not a whole number"),
        ({"points": ""}, "points", "is empty"),
        ({"points": "٣٠٠"}, "points", "not a whole number"),
        ({"points_superseded": 400}, "points", "only fall"),
        ({"points_unserviceable": 0}, "points", "never to nothing"),
        ({"release_year": "20x4"}, "release_year", "not a whole number"),
        ({"release_month": 13}, "release_month", "from 1 to 12"),
        ({"points_certainty": "guess"}, "points_certainty", "not one of"),
        ({"mount": "nul\x00"}, "mount", "not UTF-8"),
    ],
)
def test_a_bad_row_is_named_with_its_line_and_reason(
    changes: dict[str, Any], column: str, reason: str, write: Callable[..., Path]
) -> None:
    good, bad = reader.read_products(write(row(slug="first", name="First 1"), row(**changes), row(slug="last")))
    assert [facts.slug for facts in good] == ["first", "last"]
    assert [(each.line, each.column) for each in bad] == [(3, column)]
    assert reason in bad[0].reason


def test_a_slug_counts_once(write: Callable[..., Path]) -> None:
    good, bad = reader.read_products(write(row(), row(name="EOS Z")))
    assert [facts.names[0] for facts in good] == ["EOS X"]
    assert str(bad[0]) == "line 3, slug: “eos-x” is on line 2 already"


@each_row(
    ("spoilt", "column"),
    [
        (b'"eos-q,never closed', ""),
        (b"eos-q,too,few", ""),
        (b"eos-q,EOS \xff" + b"," * 16, "name"),
        (b",".join([b"x"] * 40), ""),
    ],
)
def test_a_spoilt_line_spoils_no_other(spoilt: bytes, column: str, write: Callable[..., Path]) -> None:
    path = write(row(), row(slug="last"))
    lines = path.read_bytes().split(b"\r\n")
    path.write_bytes(b"\r\n".join([*lines[:2], spoilt, *lines[2:]]))
    good, bad = reader.read_products(path)
    assert [facts.slug for facts in good] == ["eos-x", "last"]
    assert [(each.line, each.column) for each in bad] == [(3, column)]


def test_columns_may_be_in_any_order_after_a_byte_order_mark(write: Callable[..., Path]) -> None:
    path = write(row())
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=sorted(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    good, bad = reader.read_products(path)
    assert ([facts.slug for facts in good], bad) == (["eos-x"], [])


# --- The command ---------------------------------------------------------------------------------


@time_machine.travel(NOW, tick=False)
def test_the_command_reports_what_it_did_and_continues_after_bad_rows(
    write: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("load_catalogue", "--file", str(write(row(), row(slug="eos-y", points="x"))), verbosity=2)
    said = capsys.readouterr()
    assert "1 added, 0 changed, 0 left alone" in said.out
    assert "added eos-x" in said.out
    assert "line 3, points: “x” is not a whole number" in said.err
    assert Product.objects.count() == 1


def test_strict_ends_with_one_after_loading_the_rest(write: Callable[..., Path]) -> None:
    with pytest.raises(SystemExit) as ended:
        call_command("load_catalogue", "--strict", "--file", str(write(row(), row(points="x"))), verbosity=0)
    assert ended.value.code == 1
    assert Product.objects.count() == 1


@each_row(
    ("content", "words"),
    [
        (b"", "lacks these columns"),
        (b"slug,name\r\neos-x,EOS X\r\n", "aliases, category"),
        (b"\x89PNG\x00\x01\x02", "lacks these columns"),
        (b'"never closed', "does not begin with a line of column names"),
    ],
)
def test_a_file_that_is_no_catalogue_is_refused_in_a_sentence(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_bytes(content)
    with pytest.raises(CommandError, match=words):
        call_command("load_catalogue", "--file", str(path))


def test_a_file_that_is_not_there_is_refused_in_a_sentence(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(CommandError, match="cannot be read"):
            call_command("load_catalogue", "--file", str(path))


def test_shapes_that_staff_changed_stay_until_they_ask_for_the_shipped_ones(
    write: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    file = ["--file", str(write(row()))]
    call_command("load_catalogue", *file, verbosity=0)
    shape = SerialShape.objects.get(categories=["binocular"])
    SerialShape.objects.filter(pk=shape.pk).update(pattern="[0-9]+")
    call_command("load_catalogue", *file)
    assert "1 serial number shapes differ" in capsys.readouterr().out
    call_command("load_catalogue", "--reset-shapes", *file, verbosity=0)
    assert SerialShape.objects.get(pk=shape.pk).pattern == shape.pattern
