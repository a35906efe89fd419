"""Every query a person might type finds what they mean, first."""

from collections.abc import Iterator

import pytest
from django.db import connection, transaction
from django.utils import timezone

from kitbag import rules
from kitbag.actions.catalogue import load_catalogue
from kitbag.catalogue import reader
from kitbag.models import Product
from kitbag.queries.search import search_products, search_statement

FIRST = [
    # fragments in any order
    ("70-200 2.8", "70-200mm F2.8"),
    ("70 200 f/2.8 is", "70-200mm F2.8"),
    ("2.8 70-200 ef", "EF 70-200mm f/2.8"),
    ("ef 70-200 f4", "EF 70-200mm f/4L"),
    ("rf 70-200 4", "RF 70-200mm F4L IS USM"),
    ("24-70 2.8 ii", "EF 24-70mm f/2.8L II USM"),
    ("24-70 2,8", "24-70mm F2.8L"),
    ("50mmf1.8 stm", "RF 50mm F1.8 STM"),
    ("ef 50 1.2", "EF 50mm f/1.2L USM"),
    ("85 1.2 ii", "EF 85mm f/1.2L II USM"),
    ("28-70 f2", "RF 28-70mm F2L USM"),
    ("100 macro l", "100mm F2.8L Macro"),
    ("100-400 ii", "EF 100-400mm f/4.5-5.6L IS II USM"),
    ("rf 100-500", "RF 100-500mm F4.5-7.1L IS USM"),
    ("35 1.4 l ii", "EF 35mm f/1.4L II USM"),
    ("1.4x rf", "Extender RF 1.4x"),
    ("extender 2x iii", "Extender EF 2x III"),
    ("Canon RF 24-105mm F4 L IS USM Lens", "RF 24-105mm F4L IS USM"),
    ("canon eos r5 mark ii body", "EOS R5 Mark II"),
    ("binocular 10x42", "10x42L IS WP"),
    # letters run together, or apart
    ("tse 17", "TS-E 17mm f/4L"),
    ("mpe65", "MP-E 65mm f/2.8 1-5x Macro Photo"),
    ("efs 10-18", "EF-S 10-18mm f/4.5-5.6 IS STM"),
    ("rfs 18-45", "RF-S 18-45mm F4.5-6.3 IS STM"),
    ("powershot g7x", "PowerShot G7 X"),
    ("600ex", "Speedlite 600EX"),
    ("9000f", "CanoScan 9000F"),
    ("mg5750", "PIXMA MG5750"),
    ("pro-1000", "imagePROGRAF PRO-1000"),
    # Roman or Arabic
    ("r5 ii", "EOS R5 Mark II"),
    ("r5 mark 2", "EOS R5 Mark II"),
    ("r6 mark iii", "EOS R6 Mark III"),
    ("5dmk3", "EOS 5D Mark III"),
    ("5d3", "EOS 5D Mark III"),
    ("5diii", "EOS 5D Mark III"),
    ("7dii", "EOS 7D Mark II"),
    ("1dxiii", "EOS-1D X Mark III"),
    ("1ds 3", "EOS-1Ds Mark III"),
    ("eos c500 mark 2", "EOS C500 Mark II"),
    ("eos-1v", "EOS-1V"),
    # regional names
    ("Rebel T8i", "EOS 850D"),
    ("kiss x9i", "EOS 800D"),
    ("vixia hf g40", "LEGRIA HF G40"),
    # the plain model before its relatives
    ("r5", "EOS R5"),
    ("r6", "EOS R6"),
    ("r8", "EOS R8"),
    ("eos r", "EOS R"),
    ("1d x", "EOS-1D X"),
    ("1dx", "EOS-1D X"),
    ("eos 5", "EOS 5"),
    ("20d", "EOS 20D"),
    ("m50", "EOS M50"),
    ("ae-1", "AE-1"),
    ("f-1", "F-1"),
    ("new f-1", "New F-1"),
    ("canonet", "Canonet"),
    # small mistakes
    ("speedlight 600", "Speedlite 600EX"),
    ("powershoot g7", "PowerShot G7"),
    ("rebl t7i", "EOS 800D"),
    ("image prograf pro 300", "imagePROGRAF PRO-300"),
    # as it is being typed
    ("reb", "EOS"),
    ("70-200 2.", "70-200mm"),
    ("50mm f", "50mm"),
    ("mg57", "PIXMA MG57"),
]
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


@pytest.fixture(scope="module", autouse=True)
def catalogue(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    """The shipped catalogue, once for all of these tests; they only read."""
    with django_db_blocker.unblock(), transaction.atomic():  # type: ignore[attr-defined]
        products, _ = reader.read_products(reader.PRODUCTS)
        load_catalogue(products=products, shapes=[], at=timezone.now())
        yield
        transaction.set_rollback(True)


def plain(name: str) -> str:
    return name.lower().replace("f/", "f")


@pytest.mark.parametrize(("text", "name"), FIRST)
def test_the_best_match_comes_first(text: str, name: str) -> None:
    found = search_products(text)
    assert found, "nothing found"
    exact = Product.objects.filter(name=name).exists()
    assert found[0].name == name if exact else plain(name) in plain(found[0].name), [p.name for p in found[:5]]


@pytest.mark.parametrize("text", NOTHING)
def test_what_is_not_in_the_catalogue_finds_nothing(text: str) -> None:
    assert search_products(text) == []


@pytest.mark.parametrize("text", ANYTHING, ids=range(len(ANYTHING)))
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


def test_two_queries_at_most(django_assert_num_queries: pytest.FixtureRequest) -> None:
    with django_assert_num_queries(1):  # type: ignore[operator]
        search_products("70-200 2.8")
    with django_assert_num_queries(2):  # type: ignore[operator]
        search_products("speedlight 600")


@pytest.mark.parametrize(("text", "fuzzy"), [("r5 ii", False), ("70-200 2.8", False), ("speedlight 600", True)])
def test_the_search_goes_through_the_trigram_index(text: str, fuzzy: bool) -> None:
    sql, params = search_statement(rules.name_tokens(text), limit=20, fuzzy=fuzzy)
    with connection.cursor() as cursor:
        cursor.execute(f"explain {sql}", params)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "product_name_search" in plan, plan


@pytest.mark.parametrize(
    ("name", "tokens"),
    [
        ("EOS 5D Mark III", ["eos", "5", "d", "3"]),
        ("EF 70-200mm f/2.8L IS III USM", ["ef", "70", "200", "2.8", "l", "is", "3", "usm"]),
        ("RF 24-105mm F4L IS USM", ["rf", "24", "105", "4", "l", "is", "usm"]),
        ("F-1", ["f", "1"]),
        ("CanoScan 9000F Mark II", ["canoscan", "9000", "f", "2"]),
        ("10×42 L", ["10", "x", "42", "l"]),
        ("téléobjectif ٧٠", ["teleobjectif", "70"]),
    ],
)
def test_a_name_is_cut_into_words_and_numbers(name: str, tokens: list[str]) -> None:
    assert rules.name_tokens(name) == tokens
