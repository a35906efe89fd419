"""The chart of points over time, and the needle of the level scale (R12, R21)."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import translation

from kitbag.presenters.chart import MAX_STEPS, Chart, points_chart
from members.rules import scale_position
from tests.rows import each_row

THRESHOLDS = {"red": 0, "silver": 500, "gold": 1000, "platinum": 1600}
JOINED_AT = datetime(2023, 3, 1, 9, tzinfo=UTC)
NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)


def chart(entries: list[tuple[int, int]], waiting: int = 0, joined_at: datetime = JOINED_AT) -> Chart:
    """Entries are (days after joining, running total)."""
    steps = [(joined_at + timedelta(days=day), total) for day, total in entries]
    return points_chart(entries=steps, thresholds=THRESHOLDS, waiting=waiting, joined_at=joined_at, now=NOW)


def numbers(path: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", path)]


def test_every_coordinate_is_inside_the_drawing() -> None:
    drawn = chart([(0, 300), (100, 900), (400, 700), (1000, 4000)], waiting=9000)
    assert all(0 <= number <= 100 for number in numbers(drawn.line + drawn.area + drawn.waiting))


def test_a_fall_is_marked_where_the_line_falls() -> None:
    drawn = chart([(0, 300), (100, 900), (400, 700)])
    assert len(drawn.falls) == 1
    assert drawn.falls[0].x.rstrip("%") in drawn.line
    assert "It fell once, by 200 on 4 April 2024." in drawn.description


def test_waiting_points_are_dashed_and_described() -> None:
    drawn = chart([(0, 900)], waiting=200)
    assert drawn.waiting
    assert drawn.total_with_waiting == 1100
    assert "With the waiting points it would be 1,100: Gold." in drawn.description
    assert not chart([(0, 900)]).waiting


def test_the_bands_fill_the_height_without_gaps() -> None:
    bands = chart([(0, 300)]).bands
    assert [band.level for band in bands] == ["red", "silver", "gold", "platinum"]
    assert sum(float(band.height.rstrip("%")) for band in bands) == pytest.approx(100, abs=0.1)
    assert bands[-1].y == "0%"


def test_a_member_who_has_just_joined_has_a_chart() -> None:
    drawn = points_chart(entries=[(NOW, 300)], thresholds=THRESHOLDS, waiting=0, joined_at=NOW, now=NOW)
    assert drawn.line.startswith("M")
    assert drawn.ticks == []
    empty = points_chart(entries=[], thresholds=THRESHOLDS, waiting=0, joined_at=NOW, now=NOW)
    assert "to 0 today" in empty.description


def test_thousands_of_entries_draw_one_small_path() -> None:
    drawn = chart([(day % 1000, 100 + day) for day in sorted(range(5000), key=lambda day: day % 1000)])
    assert drawn.line.count("L") <= 2 * MAX_STEPS + 10
    assert len(drawn.ticks) <= 8


@each_row("days", [20, 45, 200, 700, 1500, 6000])
def test_the_time_axis_has_few_ticks(days: int) -> None:
    ticks = chart([(0, 300)], joined_at=NOW - timedelta(days=days)).ticks
    assert 1 <= len(ticks) <= 8
    assert all(0 <= float(tick.x.rstrip("%")) <= 100 for tick in ticks)


def test_coordinates_have_no_decimal_comma_in_any_language() -> None:
    with translation.override("fr"):
        assert "," not in chart([(0, 333), (10, 777)], waiting=11).line


@each_row(
    ("points", "percent"), [(0, 0), (250, 16.67), (500, 33.33), (1000, 66.67), (1300, 83.33), (1600, 100), (99999, 100)]
)
def test_the_needle_gives_every_level_the_same_length(points: int, percent: float) -> None:
    assert scale_position(points, THRESHOLDS) == pytest.approx(percent, abs=0.01)
