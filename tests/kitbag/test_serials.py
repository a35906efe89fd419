"""The serial doctor as tables: every named mistake and every shape, and how rarely it is wrong (R28 to R31)."""

import csv
import random
import re
from collections.abc import Callable
from string import ascii_uppercase, digits

from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from kitbag import rules
from kitbag.catalogue.reader import PRODUCTS, read_shapes
from kitbag.enums import SerialPlace
from kitbag.rules import Shape
from tests.rows import each_row

DIGITS_12 = [Shape(r"\d{12}", year_from=2012, example="042031001847")]
OLD_AND_NEW = [Shape(r"\d{5,8}", None, 2010), Shape(r"\d{10}(\d{2})?", 2010, None)]
LETTERS_FIRST = [Shape(r"[A-Z]{4}\d{5}")]
NAMES = ["EOS R5", "R5"]


@each_row(
    ("typed", "normal", "key"),
    [
        ("0420 3100 1847", "042031001847", "42031001847"),
        ("0420-3100-1847", "042031001847", "42031001847"),
        ("S/N 0420 3100 1847", "042031001847", "42031001847"),
        ("s/n: 123456", "123456", "123456"),
        ("No. 123456 (M)", "123456", "123456"),
        ("[A] 00123", "00123", "123"),
        ("abcd12345", "ABCD12345", "ABCD12345"),
        ("１２３４５６", "123456", "123456"),
        ("٠٤٢٠٢١٠٠٥٤٣٢", "042021005432", "42021005432"),
        ("۰۴۲۰۲۱۰۰۵۴۳۲", "042021005432", "42021005432"),
        ("\u200e042021005432\u200f", "042021005432", "42021005432"),
        ("04202\u200b1005432", "042021005432", "42021005432"),
        ("\ufeff0420\u00ad21005432", "042021005432", "42021005432"),
        ("SERIAL NO 042021005432", "042021005432", "42021005432"),
        ("Serial number: 042021005432", "042021005432", "42021005432"),
        ("*042021005432*", "042021005432", "42021005432"),
        ("'042021005432", "042021005432", "42021005432"),
        ("042021005432\t", "042021005432", "42021005432"),
        ("mıni123", "MINI123", "MINI123"),
        ("०४२०२१००५४३२", "042021005432", "42021005432"),
        ("০৪২০২১০০৫৪৩২", "042021005432", "42021005432"),
        ("𝟎𝟒𝟐𝟎𝟐𝟏𝟎𝟎𝟓𝟒𝟑𝟐", "042021005432", "42021005432"),
        ("SN: 042021005432", "042021005432", "42021005432"),
        ("№ 042021005432", "042021005432", "42021005432"),
        ("042021005432.", "042021005432", "42021005432"),
        ("0420\u00a02100\u00a05432", "042021005432", "42021005432"),
        ("(042021005432)", "042021005432", "42021005432"),
        ("[ 0420 2100 5432 ]", "042021005432", "42021005432"),
        ("0000", "0000", "0"),
        ("NORA12345", "NORA12345", "NORA12345"),
        ("", "", ""),
        ("(only this)", "", ""),
    ],
)
def test_serials_are_compared_normalised(typed: str, normal: str, key: str) -> None:
    assert (rules.normalise_serial(typed), rules.serial_key(typed)) == (normal, key)


@each_row("typed", ["O42O21OO5432", "О42О21ОО5432", "o4202ioo5432", "04202l005432", "SN O42O21OO5432"])
def test_look_alikes_are_found_and_never_stored(typed: str) -> None:
    assert "42021005432" in rules.look_up_keys(typed)
    assert rules.serial_key(typed) != "42021005432"


@given(st.text(max_size=60))
def test_any_text_can_be_checked_and_normalising_twice_changes_nothing_more(text: str) -> None:
    plain = rules.normalise_serial(text)
    assert rules.normalise_serial(plain) == plain or not plain.isascii()
    rules.check_serial(text, DIGITS_12, 2020, [text])


@each_row(
    ("typed", "code", "blocks"),
    [
        ("042031001847", "", False),
        ("0420 3100 1847", "", False),
        ("0420 3100 1847 (A)", "", False),
        ("", "empty", True),
        ("()", "empty", True),
        ("4549292000009", "ean", False),
        ("4 549292-037692", "ean", False),
        ("4549292037690", "ean", False),  # a box of ours, though a digit was mistyped
        ("14549292037690", "ean", False),
        ("1234567890128", "ean", False),
        ("1234567890123", "shape", False),  # thirteen digits alone are no bar code
        ("5014C002", "item_code", False),
        ("1234C005AA", "item_code", False),
        ("1234D005", "shape", False),
        ("UR0902", "date_code", False),
        ("ur 0902", "date_code", False),
        ("FA1", "date_code", True),
        ("U1140F", "date_code", False),
        ("R0902U", "date_code", False),
        ("UR1302", "shape", False),  # no thirteenth month
        ("DS126611", "model", False),
        ("PC2152", "model", False),
        ("EOS R5", "model", False),
        ("Canon EOS-R5", "model", False),
        ("EOS R6", "shape", False),
        ("356938035643809", "imei", True),
        ("+27 82 123 4567", "phone", True),
        ("000000", "made_up", False),
        ("111111111111", "made_up", False),
        ("123456", "made_up", False),
        ("0123456789", "made_up", False),
        ("987654321", "made_up", False),
        ("123465", "shape", False),
        ("O42O31OO1847", "letters", False),
        ("0420310O1B47", "letters", False),
        ("0420310X1847", "shape", False),
        ("84716", "shape", False),
        ("847", "short", True),
        ("04203100184722", "shape", False),
        ("0420310018472233", "long", True),
        ("84*716", "signs", True),
        ("О42О31ОО1847", "letters", True),  # Cyrillic O
        ("АВ12345", "alphabet", True),  # Cyrillic A and B
        ("Ж12345", "signs", True),
        ("８４７１", "shape", False),
        ("🙂🙂🙂🙂", "signs", True),
    ],
)
def test_known_mistakes_are_named(typed: str, code: str, blocks: bool) -> None:
    finding = rules.check_serial(typed, DIGITS_12, 2020, NAMES)
    assert (finding.code, finding.blocks) == (code, blocks)


@each_row(
    ("typed", "shapes", "meant"),
    [
        ("O42O31OO1847", DIGITS_12, "042031001847"),
        ("I42Q3l00SB47", DIGITS_12, "142031005847"),
        ("KCOA1234O", LETTERS_FIRST, "KCOA12340"),  # a letter where a letter stands
        ("KC0A12345", LETTERS_FIRST, "KCOA12345"),
        ("KC7A12345", LETTERS_FIRST, ""),
    ],
)
def test_letters_typed_for_digits_come_with_what_was_meant(typed: str, shapes: list[Shape], meant: str) -> None:
    finding = rules.check_serial(typed, shapes, 2020)
    assert finding.suggestion == meant
    assert not meant or rules.check_serial(meant, shapes, 2020).code in ("", "made_up")


LENS_NAMES = ["RF 70-200mm F2.8L IS USM", "RF70-200mm F2.8 L IS USM"]


@each_row(
    ("typed", "names", "is_model"),
    [
        ("EOS R5", NAMES, True),
        ("R5", NAMES, True),
        ("r5", NAMES, True),
        ("eosr5", NAMES, True),
        ("Canon EOS R5", NAMES, True),
        ("CANONEOSR5", NAMES, True),
        ("EOS R5 body", NAMES, True),
        ("eos-r 5", NAMES, True),
        ("EOS", NAMES, True),
        ("\u200eEOS R5", NAMES, True),
        ("ＥＯＳ　Ｒ５", NAMES, True),
        ("EOS R6", NAMES, False),
        ("EOS R5 Mark II", NAMES, False),
        ("RF 70-200", LENS_NAMES, True),
        ("rf70200", LENS_NAMES, True),
        ("70-200", LENS_NAMES, True),
        ("70-200mm", LENS_NAMES, True),
        ("RF 70-200mm F2.8L IS USM", LENS_NAMES, True),
        ("70200", LENS_NAMES, False),  # can be a serial number
        ("7020028", LENS_NAMES, False),
        ("1DX Mark III", ["EOS-1D X Mark III", "1DX Mark III"], True),
        ("KCOA12345", ["PIXMA PRO-1000"], False),
        ("052031000077", NAMES, False),
        ("5", NAMES, False),
    ],
)
def test_the_products_own_name_is_named_and_no_serial_number_is(
    typed: str, names: list[str], *, is_model: bool
) -> None:
    """R29. Every part of a name that has a letter is a name; digits alone are one only as they are written in it."""
    assert (rules.check_serial(typed, DIGITS_12, 2020, names).code == "model") is is_model


@each_row(
    ("typed", "problem"),
    [
        ("042021005432", ""),
        ("84716", ""),
        ("UR0902", ""),
        ("KCOA12345", ""),
        ("О42О21ОО5432", ""),
        ("(042021005432)", ""),
        ("", "empty"),
        ("\u200b\u200e", "empty"),
        ("---", "empty"),
        ("4549292199055", "ean"),
        ("14549292037690", "ean"),
        ("٤٥٤٩٢٩٢١٩٩٠٥٥", "ean"),
        ("3.3216E+11", "shortened"),
        ("3,3216E+11", "shortened"),
        ("3.3216e+11", "shortened"),
        ("33216E+11", "shortened"),
        ("33216E11", ""),
        ("5014C002", "item_code"),
        ("356938035643809", "imei"),
        ("+27 82 123 4567", "phone"),
        ("8471*62", "signs"),
        ("🙂🙂🙂", "signs"),
        ("٤٢ دينار", "signs"),
        ("Johannesburg", "no_digits"),
        ("0420310018472233", "long"),
    ],
)
def test_a_look_up_knows_what_it_cannot_read(typed: str, problem: str) -> None:
    assert rules.look_up_problem(typed) == problem


def test_an_unusual_number_gets_an_example_of_a_usual_one() -> None:
    assert rules.check_serial("84716", DIGITS_12, 2020).example == "042031001847"


@each_row(
    ("serial", "year", "fits"),
    [("284719", 2000, True), ("284719", 2020, False), ("4120038157", 2020, True), ("284719", None, True)],
)
def test_the_shape_is_the_one_of_the_products_time(serial: str, year: int | None, fits: bool) -> None:
    assert (rules.check_serial(serial, OLD_AND_NEW, year).code == "") is fits


def test_a_product_without_known_shapes_takes_any_form() -> None:
    assert rules.check_serial("AB12", [], 2020).code == ""


def test_the_short_numbers_of_the_first_cameras_are_not_too_short() -> None:
    assert rules.check_serial("847", [Shape(r"\d{3,7}")], 1935).code == ""


# --- Patterns -------------------------------------------------------------------------------------


@each_row(
    ("pattern", "problem"),
    [
        (r"^(\d{5,8}|\d{10}|\d{12})$", ""),
        (r"[A-Z]{0,3}\d{4,12}", ""),
        (r"(?:KC|KD)?[0-9A-F]+", ""),
        ("([", "unreadable"),
        (r"A{2}{3}", "unreadable"),
        (r"\d{99999999999}", "unreadable"),
        (r"\w+", "form"),
        (r"(?=\d)\d+", "form"),
        (r".*", "form"),
        (r"(\d)\1", "form"),
        (r"abc", "form"),
        (r"(\d+)+A", "nested"),
        (r"(\d?){14}", "nested"),
        (r"\d*" * 10 + "A", "choices"),
    ],
)
def test_a_pattern_is_simple_enough_to_be_quick_on_any_number(pattern: str, problem: str) -> None:
    assert rules.pattern_problem(pattern) == problem


# --- The shapes that ship -------------------------------------------------------------------------

WRONG = {  # what no serial number of a category looks like, for every shape that ships
    "camera-dslr": ["12", "ABCDE12345", "12345678901234"],
    "camera-mirrorless": ["847162", "04203100184716"],
    "camera-cinema": ["847162", "AB84716203"],
    "camera-film-slr": ["847162035561", "AB1234"],
    "camera-cine-film": ["84716203556", "AB1234"],
    "camera-still-video": ["84716203556", "AB1234"],
    "camera-rangefinder": ["84716203", "A8471"],
    "camera-compact": ["84716", "84716203556"],
    "camera-film-compact": ["84716", "84716203556"],
    "lens-ef": ["8471", "847162035", "84716203556"],
    "lens-rf": ["847162", "84716203556"],
    "lens-fd": ["847", "8471620355"],
    "lens-ex": ["847", "8471620355"],
    "lens-cinema": ["ABCD8471", "847"],
    "extender": ["847", "84716203556"],
    "flash": ["8471", "AB84716"],
    "camcorder": ["84716", "ABC8471620"],
    "camera-ptz": ["847162035", "AB8471620"],
    "printer-inkjet": ["ABCDE8471", "84716203"],
    "printer-photo": ["ABC84716", "84716203"],
    "printer-large-format": ["ABC84716", "84716203"],
    "printer-laser": ["AB84716", "84716203"],
    "printer-compact": ["8471620", "ABC84716"],
    "scanner-flatbed": ["A84716", "84716203"],
    "scanner-document": ["A84716", "84716203"],
    "binocular": ["8471", "A84716"],
    "projector": ["A8471"],
    "accessory-battery-grip": ["847"],
}


def shapes_of(category: str) -> list[Shape]:
    return [
        Shape(facts.pattern, facts.year_from, facts.year_to, facts.example)
        for facts in read_shapes()
        if any(category == name or (name[-1] == "*" and category.startswith(name[:-1])) for name in facts.categories)
    ]


def test_every_category_of_the_catalogue_has_a_shape_and_every_shape_a_wrong_number() -> None:
    with PRODUCTS.open(encoding="utf-8", newline="") as file:
        categories = {row["category"] for row in csv.DictReader(file)}
    assert [name for name in sorted(categories) if not shapes_of(name)] == []
    tested = {shape for category in WRONG for shape in shapes_of(category)}
    assert [facts.pattern for facts in read_shapes() if facts.pattern not in {shape.pattern for shape in tested}] == []


def test_every_shape_that_ships_is_simple_and_its_example_fits() -> None:
    for facts in read_shapes():
        assert rules.pattern_problem(facts.pattern) == ""
        shape = Shape(facts.pattern, facts.year_from, facts.year_to)
        assert rules.check_serial(facts.example, [shape], facts.year_from or facts.year_to).code == "", facts


@each_row(("category", "wrong"), WRONG.items())
def test_a_number_of_another_shape_is_noticed(category: str, wrong: list[str]) -> None:
    shapes = shapes_of(category)
    assert [number for number in wrong if rules.check_serial(number, shapes).code not in ("shape", "short")] == []


# What the sources say of the numbers of each kind, written down apart from our patterns: (category, years, form),
# where a form is letters and digits by count.

Make = Callable[[random.Random], str]


def number(*lengths: int, letters: int = 0) -> Make:
    def make(dice: random.Random) -> str:
        head = "".join(dice.choice(ascii_uppercase) for _ in range(letters))
        return head + "".join(dice.choice(digits) for _ in range(dice.choice(lengths)))

    return make


def month_coded(dice: random.Random) -> str:
    """Ten digits since 2008: a code of the month, one of the batch, seven running."""
    return f"{dice.randint(1, 97):02}{dice.randint(0, 9)}{dice.randint(1, 9_999_999):07}"


PLAUSIBLE: list[tuple[str, tuple[int, ...], Make]] = [
    ("camera-dslr", (2000,), number(6, 10)),
    ("camera-dslr", (2000,), lambda dice: f"{dice.randrange(65536):04X}{dice.randrange(100000):05}"),
    ("camera-dslr", (2001, 2005, 2009), lambda dice: f"{dice.randint(100_000, 4_294_967_295)}".zfill(9)),
    ("camera-dslr", (2003, 2007, 2010), lambda dice: f"{dice.randint(0, 4_294_967_295):010}"),
    ("camera-dslr", (2011, 2016, 2020), number(10, 12)),
    ("camera-mirrorless", (2012, 2018, 2025), number(10, 11, 12)),
    ("camera-cinema", (2012, 2023), number(10, 11, 12)),
    ("camera-film-slr", (1959, 1971, 1986), number(4, 5, 6, 7, 8)),
    ("camera-film-slr", (1987, 2000), number(6, 7, 8, 9, 10)),
    ("camera-rangefinder", (1946, 1965), number(3, 4, 5, 6, 7)),
    ("camera-compact", (1998, 2008), number(7, 8, 9, 10)),
    ("camera-compact", (2010, 2019), number(10, 12)),
    ("camera-film-compact", (1979, 1995), number(6, 7, 8, 9, 10)),
    *((kind, (1990, 2007), number(5, 6, 7, 8)) for kind in ("lens-ef", "lens-ef-s", "lens-ts-e", "lens-mp-e")),
    *((kind, (2008, 2018), month_coded) for kind in ("lens-ef", "lens-ef-s", "lens-ef-m", "lens-ts-e")),
    ("lens-ef", (2018,), number(10, 12)),
    *((kind, (2018, 2025), number(10, 12)) for kind in ("lens-rf", "lens-rf-s", "extender")),
    *((kind, (1965, 1985), number(4, 5, 6, 7, 8, 9)) for kind in ("lens-fd", "lens-fl", "lens-r", "lens-s")),
    *((kind, (1990, 2020), number(*range(4, 13))) for kind in ("lens-cinema", "lens-broadcast", "lens-xl")),
    ("lens-cinema", (2013,), number(*range(4, 13), letters=2)),
    ("extender", (1990, 2010), number(4, 5, 6, 7, 8)),
    ("flash", (1990, 2010), number(5, 6, 7, 8)),
    ("flash", (2012, 2022), number(*range(6, 13))),
    ("camcorder", (1995, 2002), number(*range(7, 13), letters=1)),
    ("camcorder", (2004, 2015), number(10, 12)),
    ("camera-ptz", (2021,), number(10, 11, 12)),
    ("camera-multipurpose", (2015,), number(10, 11, 12)),
    *((kind, (2001, 2020), number(5, letters=4)) for kind in ("printer-inkjet", "printer-photo")),
    ("printer-inkjet", (1995,), number(5, 6, letters=3)),
    ("printer-large-format", (2003, 2018), number(5, letters=4)),
    *((kind, (2000, 2015), number(5, 6, letters=3)) for kind in ("printer-laser", "fax")),
    ("printer-compact", (2005,), number(5, letters=4)),
    ("printer-compact", (2015,), number(*range(8, 13))),
    *((kind, (2000, 2015), number(5, 6, 7, letters=4)) for kind in ("scanner-flatbed", "scanner-film")),
    ("scanner-document", (2010,), number(5, 6, 7, letters=2)),
    ("binocular", (1998, 2018), number(*range(5, 13))),
    ("projector", (2008,), number(7, 8, 10, letters=1)),
    ("projector", (2016,), number(*range(6, 13))),
    ("accessory-battery-grip", (2010,), number(6, 7, 8, 9, 10)),
]


@each_row("category", sorted({category for category, _years, _make in PLAUSIBLE}))
def test_fewer_than_one_in_a_hundred_plausible_numbers_are_warned_of(category: str) -> None:
    dice = random.Random(category)  # noqa: S311
    shapes = shapes_of(category)
    made = [
        (make(dice), year)
        for kind, years, make in PLAUSIBLE
        if kind == category
        for year in years
        for _time in range(1000)
    ]
    alarms = [(serial, year) for serial, year in made if rules.check_serial(serial, shapes, year).code]
    assert len(alarms) < len(made) / 100, alarms[:10]


# --- Where it stands ------------------------------------------------------------------------------


@each_row("place", SerialPlace)
def test_every_place_has_a_sentence_and_a_drawing_with_a_ring(place: SerialPlace) -> None:
    assert len(place.label) > 10
    drawing = (settings.BASE_DIR / "static" / "img" / "serial" / f"{place.lower()}.svg").read_text()
    assert '#0a5bd8" stroke-width="3"' in drawing
    assert not re.search(r"<script|style=|\bon\w+=|http://(?!www\.w3\.org/2000/svg)", drawing)
