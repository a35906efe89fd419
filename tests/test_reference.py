"""References on the phone (R58)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cps_portal.core.lib import reference
from tests.rows import each_row

BODIES = st.text(alphabet=reference.ALPHABET, min_size=reference.BODY_LENGTH, max_size=reference.BODY_LENGTH)


@given(BODIES, st.integers(0, reference.BODY_LENGTH), st.sampled_from(reference.ALPHABET))
def test_one_wrong_sign_is_noticed(body: str, place: int, sign: str) -> None:
    good = reference.reference(body)
    assert reference.parse_reference(good) == good
    wrong = good[:place] + sign + good[place + 1 :]
    assert (reference.parse_reference(wrong) == wrong) == (wrong == good)


@given(BODIES, st.integers(0, reference.BODY_LENGTH - 1))
def test_two_signs_that_changed_places_are_noticed(body: str, place: int) -> None:
    good = reference.reference(body)
    wrong = good[:place] + good[place + 1] + good[place] + good[place + 2 :]
    assert (reference.parse_reference(wrong) == wrong) == (wrong == good)


def test_a_reference_is_read_as_people_write_it() -> None:
    good = reference.reference("K70MQ2X")
    for typed in (reference.format_reference(good), good.lower(), f" {good[:4]} {good[4:]}\n", good.replace("0", "o")):
        assert reference.parse_reference(typed) == good


@each_row("typed", ["", "K7", "K70MQ2X\x00", "ＫＫＫＫＫＫＫＫ", "1" * 8, "É" * 8, "K" * 500])
def test_anything_else_is_none(typed: str) -> None:
    assert reference.parse_reference(typed) == ""


def test_no_such_body() -> None:
    with pytest.raises(ValueError, match="body"):
        reference.reference("AEIOU")
