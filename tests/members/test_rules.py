"""Member numbers, levels and points (R8, R10, R11, R12)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from members import rules
from tests.rows import each_row

THRESHOLDS = {"red": 0, "silver": 500, "gold": 1000, "platinum": 1600}


@each_row(
    ("points", "level", "ahead"),
    [
        (-125, "red", ("silver", 625)),
        (0, "red", ("silver", 500)),
        (499, "red", ("silver", 1)),
        (500, "silver", ("gold", 500)),
        (999, "silver", ("gold", 1)),
        (1000, "gold", ("platinum", 600)),
        (1599, "gold", ("platinum", 1)),
        (1600, "platinum", None),
        (9000, "platinum", None),
    ],
)
def test_the_level_follows_from_the_points(points: int, level: str, ahead: tuple[str, int] | None) -> None:
    assert rules.level_for(points, THRESHOLDS) == level
    assert rules.next_level(points, THRESHOLDS) == ahead


def test_without_thresholds_there_is_no_level() -> None:
    with pytest.raises(ValueError, match="no level"):
        rules.level_for(10, {})


@given(st.integers(min_value=0, max_value=999_999_999))
def test_every_member_number_is_well_formed(serial: int) -> None:
    number = rules.member_number(serial)
    assert len(number) == 12
    assert rules.is_member_number(number)


@given(st.integers(min_value=0, max_value=999_999_999), st.integers(0, 11), st.integers(1, 9))
def test_one_wrong_digit_is_always_noticed(serial: int, place: int, shift: int) -> None:
    number = rules.member_number(serial)
    wrong = number[:place] + str((int(number[place]) + shift) % 10) + number[place + 1 :]
    assert not rules.is_member_number(wrong)


@each_row("text", ["", "4400 0000 001", "44000000001x", "٤٤٠٠٠٠٠٠٠٠١٨", "4400000000188"])
def test_invalid_member_numbers_are_refused(text: str) -> None:
    assert not rules.is_member_number(text)


def test_a_serial_that_does_not_fit_into_a_member_number_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        rules.member_number(10**9)


@each_row(
    ("gap", "offers", "chosen"),
    [
        (100, [(1, 300), (2, 120)], [1]),
        (400, [(1, 300), (2, 120)], [1, 2]),
        (500, [(1, 300), (2, 120)], []),
        (0, [(1, 300)], []),
    ],
)
def test_the_fewest_products_that_close_the_gap(gap: int, offers: list[tuple[int, int]], chosen: list[int]) -> None:
    assert rules.fewest_to_close(gap, offers) == chosen
