"""References on the phone (R58)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cps_portal.cases import rules

BODIES = st.text(alphabet=rules.ALPHABET, min_size=rules.BODY, max_size=rules.BODY)


@given(BODIES, st.integers(0, rules.BODY), st.sampled_from(rules.ALPHABET))
def test_one_wrong_sign_is_noticed(body: str, place: int, sign: str) -> None:
    good = rules.reference(body)
    assert rules.read_reference(good) == good
    wrong = good[:place] + sign + good[place + 1 :]
    assert (rules.read_reference(wrong) == wrong) == (wrong == good)


@given(BODIES, st.integers(0, rules.BODY - 1))
def test_two_signs_that_changed_places_are_noticed(body: str, place: int) -> None:
    good = rules.reference(body)
    wrong = good[:place] + good[place + 1] + good[place] + good[place + 2 :]
    assert (rules.read_reference(wrong) == wrong) == (wrong == good)


def test_a_reference_is_read_as_people_write_it() -> None:
    good = rules.reference("K70MQ2X")
    for typed in (rules.in_groups(good), good.lower(), f" {good[:4]} {good[4:]}\n", good.replace("0", "o")):
        assert rules.read_reference(typed) == good


@pytest.mark.parametrize("typed", ["", "K7", "K70MQ2X\x00", "ＫＫＫＫＫＫＫＫ", "1" * 8, "É" * 8, "K" * 500])
def test_anything_else_is_none(typed: str) -> None:
    assert rules.read_reference(typed) == ""


def test_no_such_body() -> None:
    with pytest.raises(ValueError, match="body"):
        rules.reference("AEIOU")
