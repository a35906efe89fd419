"""A pasted list of serial numbers finds its products (R17, R30)."""

from kitbag.rules.matching import match_lines, split_line

BODY, LENS, OTHER_LENS, SAME_LENS = 1, 2, 3, 4
NAMES = {BODY: "EOS R5", LENS: "RF 50mm F1.2L USM", OTHER_LENS: "RF 35mm F1.8", SAME_LENS: "RF 50mm F1.2L USM"}
FITTING = {"0420": {BODY}, "1111": {LENS, OTHER_LENS}, "2222": {LENS, OTHER_LENS}, "9": {LENS, BODY}}


def names(*keys: int) -> dict[int, str]:
    return {key: NAMES[key] for key in keys}


def test_what_fits_one_product_only_is_given_first() -> None:
    match = match_lines(["9", "0420"], names(BODY, LENS), FITTING)
    assert (match.numbers, match.left, match.guessed) == ({BODY: "0420", LENS: "9"}, [], set())


def test_what_fits_several_goes_to_the_first_without_one_and_says_so() -> None:
    match = match_lines(["1111", "2222"], names(LENS, OTHER_LENS), FITTING)
    assert match.numbers == {LENS: "1111", OTHER_LENS: "2222"}
    assert match.guessed == {LENS}


def test_copies_of_one_product_are_no_guess() -> None:
    fitting = {"1111": {LENS, SAME_LENS}, "2222": {LENS, SAME_LENS}}
    match = match_lines(["1111", "2222"], names(LENS, SAME_LENS), fitting)
    assert match.numbers == {LENS: "1111", SAME_LENS: "2222"} and match.guessed == set()


def test_a_line_that_names_its_product_is_for_that_one() -> None:
    match = match_lines(["1\tRF  35MM F1.8\t1111", "2222;RF 50mm F1.2L USM"], names(LENS, OTHER_LENS), FITTING)
    assert match.numbers == {LENS: "2222", OTHER_LENS: "1111"} and match.guessed == set()


def test_lines_that_fit_nothing_or_are_too_many_stay() -> None:
    match = match_lines(["", "4549292208931", "1111", "2222", "1111"], names(LENS, OTHER_LENS), FITTING)
    assert match.left == ["4549292208931", "1111"]
    assert match_lines(["1111"], {}, FITTING).left == ["1111"]
    assert match_lines([], names(LENS), {}).numbers == {}


def test_a_line_has_cells() -> None:
    assert split_line(" 1 ;EOS R5,\t0420 |") == ["1", "EOS R5", "0420"]
