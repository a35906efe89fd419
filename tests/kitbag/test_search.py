"""Every query that a person might type finds what they mean, first (R16)."""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import connection, transaction

from kitbag import rules
from kitbag.actions.catalogue import load_catalogue
from kitbag.catalogue import reader
from kitbag.models import Product
from kitbag.presenters.families import FAMILIES, Family
from kitbag.queries.catalogue_counts import count_categories
from kitbag.queries.search import MAIN_SHELVES, product_matches, search_products, search_statement
from kitbag.queries.search_terms import read_search
from tests.rows import each_row

pytestmark = pytest.mark.django_db  # or no test database is made when this file runs alone
TABLE = Path(__file__).parent / "search_queries.csv"
with TABLE.open(encoding="utf-8", newline="") as file:
    QUERIES = [(row["query"], row["first"]) for row in csv.DictReader(file)]
TYPING = [("reb", "EOS"), ("70-200 2.", "70-200mm"), ("50mm f", "50mm"), ("mg57", "PIXMA MG57"), ("r", "EOS R")]
KINDS = {
    "teleconverter": "extender",
    "tele converters": "extender",
    "telconverter": "extender",
    "multiplicateur": "extender",
    "телеконвертер": "extender",
    "tilt shift": "lens-ts-e",
    "tilt-shift lens": "lens-ts-e",
    "camcorder": "camcorder",
    "camcordr": "camcorder",
    "caméscope": "camcorder",
    "видеокамера": "camcorder",
    "كاميرا فيديو": "camcorder",
    "filmadora": "camcorder",
    "battery grip": "accessory-battery-grip",
    "Batteriegriff": "accessory-battery-grip",
    "poignée d’alimentation": "accessory-battery-grip",
    "flash": "flash",
    "blitz": "flash",
    "flaş": "flash",
    "ВСПЫШКА": "flash",
    "الفلاش": "flash",
    "lens": "lens-",
    "objectif": "lens-",
    "OBJEKTIV": "lens-",
    "objetiva": "lens-",
    "объектив": "lens-",
    "عدسة": "lens-",
    "camera": "cam",
    "appareil photo": "cam",
    "fotoğraf makinesi": "cam",
    "mirrorless": "camera-mirrorless",
    "dslr": "camera-dslr",
    "rangefinder": "camera-rangefinder",
    "cinema camera": "camera-cinema",
    "ptz camera": "camera-ptz",
    "binoculars": "binocular",
    "dürbün": "binocular",
    "printer": "printer-",
    "imprimante laser": "printer-laser",
    "طابعة": "printer-",
    "scanner": "scanner-",
    "film scanner": "scanner-film",
    "mount adapter": "accessory-mount-adapter",
    "extension tube": "accessory-extension-tube",
    "beamer": "projector",
    "lens 50": "lens-",
    "camera r5": "cam",
    "flash 430": "flash",
    "printer pro": "printer-",
    "battery grip r5": "accessory-battery-grip",
    "camcorder g70": "camcorder",
    "macro lens": "lens-",
    "cinema lens 50": "lens-cinema",
}
NOTHING = ["", " ", "canon", "sigma", "nikon d850", "кэнон", "📷", "%", "_", "\\", "'; drop table kitbag_product; --"]
ANYTHING = [
    "r" * 500,
    "r5 " * 200,
    "%r5%",
    "r_5\\",
    "r5\x00",
    "\ud800 r5",
    "r5' or '1'='1",
    'r5"',
    "٥ r",
    "é" * 90,
    "1 2 3 4 5 6 7 8 9" * 9,
    "%(limit)s",
    "{score}",
    "ﷺ" * 100,
    "f",
    "-",
    "1.",
    "..5..",
    "\n\t r5 \n",
]


NOW = datetime(2026, 11, 22, tzinfo=UTC)  # the service of some products ends with a year; they are found later then


@pytest.fixture(scope="module", autouse=True)
def catalogue(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    """The shipped catalogue, once for all of these tests; they only read."""
    with django_db_blocker.unblock(), transaction.atomic():  # type: ignore[attr-defined]
        products, _ = reader.read_products(reader.PRODUCTS)
        load_catalogue(products=products, shapes=[], at=NOW)
        connection.check_constraints()  # once, or every test would check the whole catalogue again
        yield
        transaction.set_rollback(True)


@each_row(("text", "name"), QUERIES)
def test_the_product_that_a_photographer_means_comes_first(text: str, name: str) -> None:
    found = [product.name for product in search_products(text)]
    assert found[:1] == [name], found[:5]


@each_row(("text", "name"), TYPING)
def test_something_like_it_comes_first_while_it_is_being_typed(text: str, name: str) -> None:
    found = [product.name for product in search_products(text)]
    assert found
    assert found[0].startswith(name) or name in found[0], found[:5]


@each_row(("text", "category"), KINDS.items())
def test_another_kind_of_product_is_never_above_the_one_that_is_named(text: str, category: str) -> None:
    kinds = [product.category for product in search_products(text)]
    right = [kind.startswith(category) for kind in kinds]
    assert right[:1] == [True], kinds
    assert right == sorted(right, reverse=True), kinds


def test_accessories_are_never_between_bodies_and_lenses() -> None:
    mixed = {}
    for text, _name in QUERIES:
        shelves = [product.shelf for product in search_products(text)]
        is_main = [shelf in MAIN_SHELVES for shelf in shelves]
        if is_main[0] and is_main != sorted(is_main, reverse=True):
            mixed[text] = shelves
    assert mixed == {}


def test_a_display_is_no_answer_to_a_body() -> None:
    assert {product.category for product in search_products("r5 ii")} <= {"camera-mirrorless", "accessory-battery-grip"}


def test_the_table_has_every_query_once_and_only_products_that_exist() -> None:
    assert len({text for text, _name in QUERIES}) == len(QUERIES) >= 300
    names = {name for _text, name in QUERIES}
    assert set(Product.objects.filter(name__in=names, registrable=True).values_list("name", flat=True)) == names


@each_row("text", NOTHING)
def test_what_is_not_in_the_catalogue_finds_nothing(text: str) -> None:
    assert search_products(text) == []


@each_row("text", ANYTHING, ids=range(len(ANYTHING)))
def test_any_text_is_safe(text: str) -> None:
    assert len(search_products(text)) <= 20


def test_twenty_at_most_and_each_once() -> None:
    found = search_products("eos")
    assert len(found) == 20
    assert len({product.pk for product in found}) == 20
    assert [product.pk for product in search_products("eos", limit=3)] == [product.pk for product in found[:3]]


def test_what_cannot_be_registered_is_not_offered() -> None:
    assert Product.objects.filter(name="Battery Pack BP-110", registrable=False).exists()
    assert "Battery Pack BP-110" not in [product.name for product in search_products("battery pack bp-110")]


def test_one_query_as_a_rule_and_three_at_most(django_assert_num_queries: pytest.FixtureRequest) -> None:
    for text in ("70-200 2.8", "speedlight 600", "teleconverter"):
        with django_assert_num_queries(1):  # type: ignore[operator]
            search_products(text)
    with django_assert_num_queries(2):  # type: ignore[operator]
        search_products("legira hf g50")
    with django_assert_num_queries(3):  # type: ignore[operator]
        search_products("legira qwertz")


@pytest.mark.parametrize(("text", "fuzzy"), [("r5 ii", False), ("70-200 2.8", False), ("speeedliite 600", True)])
def test_the_search_goes_through_the_trigram_index(text: str, fuzzy: bool) -> None:
    sql, params = search_statement(read_search(text), limit=20, fuzzy=fuzzy)
    with connection.cursor() as cursor:
        cursor.execute(f"explain {sql}", params)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "product_name_search" in plan, plan


@each_row(
    ("name", "tokens"),
    [
        ("EOS 5D Mark III", ["eos", "5", "d", "3"]),
        ("EF 70-200mm f/2.8L IS III USM", ["ef", "70", "200", "2.8", "l", "is", "3", "usm"]),
        ("RF 24-105mm F4L IS USM", ["rf", "24", "105", "4", "l", "is", "usm"]),
        ("F-1", ["f", "1"]),
        ("CanoScan 9000F Mark II", ["canoscan", "9000", "f", "2"]),
        ("10×42 L", ["10", "x", "42", "l"]),
        ("téléobjectif ٧٠", ["teleobjectif", "70"]),
        ("ЕОS R5m2", ["eos", "r", "5", "2"]),
        ("1DXmkIII", ["1", "d", "x", "3"]),
        ("EOS M2", ["eos", "m", "2"]),
        ("RF50mmF1.2LUSM", ["rf", "50", "1.2", "l", "usm"]),
        ("1:2,8 f/4.0 f28", ["2.8", "4", "2.8"]),
        ("RF 600mm F11", ["rf", "600", "11"]),
    ],
)
def test_a_name_is_cut_into_words_and_numbers(name: str, tokens: list[str]) -> None:
    assert rules.name_tokens(name) == tokens


IN_LISTS = {  # what the search of a member's kit and of the desk finds
    "r5 ii": {"EOS R5 Mark II", "BG-R20", "BG-R20EP"},
    "ЕОS R5m2": {"EOS R5 Mark II", "BG-R20", "BG-R20EP"},
    "camera r5 ii": {"EOS R5 Mark II"},
    "battery grip r5 ii": {"BG-R20", "BG-R20EP"},
    "rebel sl3": {"EOS 250D"},
    "16-35 f2.8 iii": {"EF 16-35mm f/2.8L III USM"},
    "canon": set[str](),
}


@each_row("text", IN_LISTS)
def test_lists_are_narrowed_by_the_same_words(text: str) -> None:
    assert (
        set(Product.objects.filter(product_matches(text, product="")).values_list("name", flat=True)) == IN_LISTS[text]
    )


@each_row("text", ANYTHING, ids=range(len(ANYTHING)))
def test_any_text_is_safe_in_lists(text: str) -> None:
    list(Product.objects.filter(product_matches(text.replace("\0", ""), product=""))[:1])


@each_row("family", FAMILIES)
def test_a_family_lists_products_of_its_own(family: Family) -> None:
    products = search_products(family.query)
    assert len(products) >= 15
    assert len(products) <= family.count(count_categories())
    assert [product.name for product in products if not product.category.startswith(family.categories)] == []
