"""The arithmetic of the Kitbag as tables: R17, R20, R28, R29, R30."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitbag import rules
from kitbag.rules import Shape

DIGITS_12 = [Shape(r"\d{12}", year_from=2012)]
OLD_AND_NEW = [Shape(r"\d{5,8}", None, 2010), Shape(r"\d{10}(\d{2})?", 2010, None)]


@pytest.mark.parametrize(
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
        ("0000", "0000", "0"),
        ("NORA12345", "NORA12345", "NORA12345"),
        ("", "", ""),
        ("(only this)", "", ""),
    ],
)
def test_serials_are_compared_normalised(typed: str, normal: str, key: str) -> None:
    assert (rules.normalise_serial(typed), rules.serial_key(typed)) == (normal, key)


@given(st.text(max_size=60))
def test_any_text_can_be_checked_and_normalising_twice_changes_nothing_more(text: str) -> None:
    plain = rules.normalise_serial(text)
    if plain.isascii():
        assert rules.normalise_serial(plain) == plain
    rules.check_serial(text, DIGITS_12, 2020)


@pytest.mark.parametrize(
    ("typed", "code", "blocks"),
    [
        ("042031001847", "", False),
        ("0420 3100 1847", "", False),
        ("", "empty", True),
        ("4549292000009", "ean", False),
        ("1234C005AA", "item_code", False),
        ("UR0902", "date_code", False),
        ("U1140F", "date_code", False),
        ("O42O31OO1847", "letters", False),
        ("12345", "shape", False),
        ("123", "short", True),
        ("123456789012345", "long", True),
        ("12*456", "signs", True),
        ("１２３４", "shape", False),
    ],
)
def test_known_mistakes_are_named(typed: str, code: str, blocks: bool) -> None:
    finding = rules.check_serial(typed, DIGITS_12, 2020)
    assert (finding.code, finding.blocks) == (code, blocks)


def test_letters_typed_for_digits_come_with_what_was_meant() -> None:
    assert rules.check_serial("O42O31OO1847", DIGITS_12, 2020).suggestion == "042031001847"


@pytest.mark.parametrize(
    ("serial", "year", "fits"),
    [("123456", 2000, True), ("123456", 2020, False), ("1234567890", 2020, True), ("123456", None, True)],
)
def test_the_shape_is_the_one_of_the_products_time(serial: str, year: int | None, fits: bool) -> None:
    assert (rules.check_serial(serial, OLD_AND_NEW, year).code == "") is fits


def test_a_product_without_known_shapes_takes_any_form() -> None:
    assert rules.check_serial("AB12", [], 2020).code == ""


@pytest.mark.parametrize(
    ("points", "falls"),
    [
        ((300, 120, 60), True),
        ((300, 300, 300), True),
        ((0, 0, 0), True),
        ((300, 120, 0), False),
        ((100, 120, 60), False),
        ((300, 60, 120), False),
        ((0, 5, 5), False),
    ],
)
def test_points_only_fall_and_never_to_nothing(points: tuple[int, int, int], falls: bool) -> None:
    assert rules.points_fall(points) is falls


@pytest.mark.parametrize(
    ("superseded", "service_end", "stage"),
    [
        (False, None, "current"),
        (True, None, "superseded"),
        (False, 2026, "current"),
        (True, 2026, "superseded"),
        (False, 2025, "unserviceable"),
        (True, 2025, "unserviceable"),
    ],
)
def test_service_ends_on_the_first_of_january_after_its_last_year(
    superseded: bool, service_end: int | None, stage: str
) -> None:
    assert rules.stage_today(superseded=superseded, service_end_year=service_end, on=date(2026, 11, 22)) == stage


def test_the_four_details_are_named_when_missing() -> None:
    nothing = {"serial": " ", "no_serial": False, "country": "", "purchased_on": None, "store": ""}
    assert rules.missing_details(**nothing) == ["serial", "country", "purchased_on", "store"]
    assert rules.missing_details(**{**nothing, "no_serial": True}) == ["country", "purchased_on", "store"]
