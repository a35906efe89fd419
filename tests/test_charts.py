"""Charts are drawn to scale, with the same in words (R54)."""

from datetime import date
from itertools import pairwise

import pytest

from cps_portal.core.lib import charts

MONTHS = [date(2026, 10, 1), date(2026, 11, 1)]


def test_stacked_columns_stand_on_each_other_and_are_said_in_words() -> None:
    series = [charts.Series("Red", "a", [10, 30]), charts.Series("Gold", "b", [0, 10])]
    chart = charts.columns(MONTHS, series, stacked=True)
    assert [tick.label for tick in chart.ticks] == ["0", "20", "40"]
    assert [[rect.style for rect in column.rects] for column in chart.columns] == [["a"], ["a", "b"]]
    below, above = chart.columns[1].rects
    assert float(above.y) == charts.TOP
    assert float(below.y) == float(above.y) + float(above.height)
    assert float(below.y) + float(below.height) == charts.BASE
    assert chart.text == "November 2026: Red 30, Gold 10"


def test_columns_beside_each_other_do_not_overlap_or_leave_the_frame() -> None:
    series = [charts.Series(name, "a", [7, 3]) for name in "xyz"]
    chart = charts.columns(MONTHS, series, stacked=False)
    sides = [(float(rect.x), float(rect.x) + float(rect.width)) for column in chart.columns for rect in column.rects]
    assert sides == sorted(sides)
    assert all(end <= start for (_left, end), (start, _right) in pairwise(sides))
    assert sides[0][0] >= charts.LEFT
    assert sides[-1][1] <= charts.RIGHT


@pytest.mark.parametrize(
    ("highest", "top"),
    [(0, 2), (1, 2), (2, 2), (3, 4), (5, 6), (10, 10), (11, 20), (45, 50), (51, 60), (51280, 60000)],
)
def test_the_scale_ends_at_a_round_number(highest: int, top: int) -> None:
    chart = charts.columns(MONTHS, [charts.Series("x", "a", [0, highest])], stacked=True)
    assert int(chart.ticks[-1].label.replace(",", "")) == top


def test_months_without_anything_have_no_point() -> None:
    line = charts.line_of_shares({MONTHS[0]: (0, 0), MONTHS[1]: (3, 4)}, "In time: %(list)s")
    assert (line.text, len(line.points)) == ("In time: Nov 75 %", 1)
    assert charts.line_of_shares(dict.fromkeys(MONTHS, (0, 0)), "In time: %(list)s").text == "In time: –"


def test_the_longest_bar_fills_the_row() -> None:
    first, second = charts.bars([("A", 4, "4", True), ("B", 1, "1", False)])
    assert float(first.width) == charts.BAR_WIDTH == 4 * float(second.width)
    assert charts.in_words([first, second]) == "A 4, B 1"
    assert charts.bars([]) == []
