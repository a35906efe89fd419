"""Charts as SVG for the desk: positions and lengths as text, so that no locale writes a comma, and the same in words.

The templates are templates/admin/desk/_line_chart.html, _bar_chart.html and _column_chart.html; the classes are in
static/css/desk/numbers.css.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.formats import number_format
from django.utils.functional import Promise

from cps_portal.core.lib.lists import with_commas
from cps_portal.core.lib.written_dates import date_format

Text = str | Promise
# Geometry of charts by month, in units of their view box of 520 by 190.
LEFT, RIGHT, TOP, BASE = 36.0, 500.0, 20.0, 150.0
COLUMN_SHARE = 0.72  # of the width of a month
STEPS = (1, 2, 3, 4, 5, 6, 8, 10)  # of which the top of a scale is a multiple
# Geometry of bars that lie under each other, in units of a view box 580 wide.
BAR_LEFT, BAR_WIDTH, BAR_ROW, FIRST_BAR = 150.0, 360.0, 34, 6


@dataclass(frozen=True)
class Point:
    x: str
    y: str
    label: str
    percent: int


@dataclass(frozen=True)
class Line:
    """Shares by month, in percent. Months without anything have no point."""

    points: list[Point]
    text: str

    @property
    def path(self) -> str:
        return " ".join(f"{point.x},{point.y}" for point in self.points)


@dataclass(frozen=True)
class Bar:
    """A bar that lies, with its name and value. `rest_...` is a second part of it."""

    name: Text
    y: int
    text_y: int
    width: str
    rest_x: str = "0"
    rest_width: str = "0"
    value_x: str = "0"
    value: str = ""
    is_marked: bool = False


@dataclass(frozen=True)
class Series:
    """Numbers by month in the order of the months. `style` is the class of its columns."""

    name: Text
    style: str
    values: Sequence[int]


@dataclass(frozen=True)
class Rect:
    x: str
    y: str
    width: str
    height: str
    style: str


@dataclass(frozen=True)
class Column:
    """What stands above one month."""

    x: str
    label: str
    rects: list[Rect]


@dataclass(frozen=True)
class Tick:
    y: str
    label: str


@dataclass(frozen=True)
class ColumnChart:
    """Columns by month, of each series on the other or beside it. `text` says the last month in words."""

    columns: list[Column]
    ticks: list[Tick]
    series: Sequence[Series]
    text: str


def percent(part: int, whole: int) -> int:
    return round(100 * part / whole) if whole else 0


def in_words(bars: Iterable[Bar]) -> str:
    """The text alternative of bars."""
    return with_commas(f"{bar.name} {bar.value}" for bar in bars)


def unit(value: float) -> str:
    """A length or position in units of a view box."""
    return f"{value:.1f}"


def grouped(number: int) -> str:
    return str(number_format(number, use_l10n=True, force_grouping=True))


def line_of_shares(shares: Mapping[date, tuple[int, int]], text: str) -> Line:
    """By month (part, whole) in percent. `text` has "%(list)s" for the points in words."""
    step = (RIGHT - LEFT) / len(shares)
    points = [
        Point(
            x=unit(LEFT + (place + 0.5) * step),
            y=unit(BASE - (BASE - TOP) * part / whole),
            label=date_format(month, "M"),
            percent=percent(part, whole),
        )
        for place, (month, (part, whole)) in enumerate(shares.items())
        if whole
    ]
    shown = with_commas(f"{point.label} {point.percent} %" for point in points)
    return Line(points, text % {"list": shown or "–"})


def bars(values: Iterable[tuple[Text, float, str, bool]], most: float = 0) -> list[Bar]:
    """Bars from (name, length, value in words, whether it is marked). The longest, or one of `most`, fills the row."""
    rows = list(values)
    longest = most or max((length for _name, length, _value, _marked in rows), default=0) or 1.0
    return [
        Bar(
            name=name,
            y=FIRST_BAR + place * BAR_ROW,
            text_y=FIRST_BAR + place * BAR_ROW + 13,
            width=unit(BAR_WIDTH * length / longest),
            value=value,
            is_marked=is_marked,
        )
        for place, (name, length, value, is_marked) in enumerate(rows)
    ]


def bars_height(rows: Sequence[Bar]) -> int:
    """Of the view box of `bars`."""
    return FIRST_BAR + BAR_ROW * max(len(rows), 1)


def columns(months: Sequence[date], series: Sequence[Series], *, stacked: bool) -> ColumnChart:
    """A column for each month, up to a round number above the highest."""
    heights = [[row.values[place] for row in series] for place in range(len(months))]
    highest = max((sum(values) if stacked else max(values) for values in heights), default=0)
    top = _round_top(highest)
    step = (RIGHT - LEFT) / len(months)
    shown = [
        Column(
            x=unit(left + step * COLUMN_SHARE / 2),
            label=date_format(month, "M"),
            rects=list(_rects(heights[place], series, left=left, width=step * COLUMN_SHARE, top=top, stacked=stacked)),
        )
        for place, month in enumerate(months)
        for left in [LEFT + (place + (1 - COLUMN_SHARE) / 2) * step]
    ]
    ticks = [Tick(unit(BASE - (BASE - TOP) * share / 2), grouped(top * share // 2)) for share in range(3)]
    last = with_commas(f"{row.name} {grouped(row.values[-1])}" for row in series)
    return ColumnChart(shown, ticks, series, f"{date_format(months[-1], 'F Y')}: {last}")


def _rects(
    values: Sequence[int], series: Sequence[Series], *, left: float, width: float, top: int, stacked: bool
) -> Iterable[Rect]:
    scale = (BASE - TOP) / top
    below = 0
    each = width if stacked else width / len(series)
    for place, (value, row) in enumerate(zip(values, series, strict=True)):
        if value <= 0:
            continue
        height = value * scale
        x = left + (0 if stacked else place * each)
        yield Rect(unit(x), unit(BASE - below * scale - height), unit(max(each - 1, 1)), unit(height), row.style)
        below += value if stacked else 0


def _round_top(highest: int) -> int:
    """The smallest even round number that is not below."""
    power = 1
    while highest > 10 * power:
        power *= 10
    return next((step * power for step in STEPS if step * power >= highest and step * power % 2 == 0), 10 * power)
