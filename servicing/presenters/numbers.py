"""The numbers of a centre as charts, with the same in words for those who do not see them (R44, R54)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.utils.formats import date_format, number_format
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from members.enums import Level
from servicing.presenters.board import LANE_NAMES
from servicing.queries.numbers import LevelRow
from servicing.rules.lanes import Lane

Text = str | Promise
HOUR = timedelta(hours=1)
# Geometry of the charts, in units of their view boxes.
LEFT, RIGHT, TOP, BASE = 36.0, 500.0, 20.0, 150.0
ROW_HEIGHT, FIRST_ROW, BAR_LEFT, BAR_WIDTH = 46, 6, 90.0, 360.0
WAIT_ROW, THIN_ROW, THIN_WIDTH = 34, 42, 480.0


@dataclass(frozen=True)
class Point:
    x: str
    y: str
    label: str
    percent: int


@dataclass(frozen=True)
class Line:
    """Targets met by month, in percent. Months without jobs have no point."""

    points: list[Point]
    text: str

    @property
    def path(self) -> str:
        return " ".join(f"{point.x},{point.y}" for point in self.points)


@dataclass(frozen=True)
class Bar:
    """A row of a chart: a name, and lengths as text, so that no locale writes a comma."""

    name: Text
    y: int
    text_y: int
    width: str
    rest_x: str = "0"
    rest_width: str = "0"
    value_x: str = "0"
    value: str = ""
    is_longest: bool = False


def percent(met: int, jobs: int) -> int:
    return round(100 * met / jobs) if jobs else 0


def line_by_month(rows: Iterable[Any], months: Sequence[date]) -> Line:
    """From rows of `servicing.queries.targets.targets`."""
    jobs, met = dict.fromkeys(months, 0), dict.fromkeys(months, 0)
    for row in rows:
        if row.month in jobs:
            jobs[row.month] += row.jobs
            met[row.month] += row.met
    step = (RIGHT - LEFT) / len(months)
    points = [
        Point(
            x=_unit(LEFT + (place + 0.5) * step),
            y=_unit(BASE - (BASE - TOP) * met[month] / jobs[month]),
            label=date_format(month, "M"),
            percent=percent(met[month], jobs[month]),
        )
        for place, month in enumerate(months)
        if jobs[month]
    ]
    shown = ", ".join(f"{point.label} {point.percent} %" for point in points)
    return Line(points, gettext("Targets met by month: %(list)s") % {"list": shown or "–"})


def level_bars(rows: Iterable[LevelRow]) -> list[Bar]:
    """By level, the highest first; visiting members last. The longest bar has the most jobs."""
    by_level = {row.level: row for row in rows}
    names: list[tuple[str, Text]] = [(level.value, level.label) for level in reversed(Level)]
    shown = [(by_level[key], name) for key, name in [*names, ("", _("Visiting"))] if key in by_level]
    most = max((row.jobs for row, _name in shown), default=1)
    return [_level_bar(place, row, name, BAR_WIDTH / most) for place, (row, name) in enumerate(shown)]


def _level_bar(place: int, row: LevelRow, name: Text, scale: float) -> Bar:
    y, met, late = FIRST_ROW + place * ROW_HEIGHT, row.met * scale, (row.jobs - row.met) * scale
    return Bar(
        name=name,
        y=y,
        text_y=y + 13,
        width=_unit(met),
        rest_x=_unit(BAR_LEFT + met + 1),
        rest_width=_unit(max(late - 1, 0)),
        value_x=_unit(BAR_LEFT + met + late + 8),
        value=ngettext("%(percent)s %%, %(jobs)s job", "%(percent)s %%, %(jobs)s jobs", row.jobs)
        % {"percent": percent(row.met, row.jobs), "jobs": row.jobs},
    )


def wait_bars(days: Mapping[Lane, float]) -> list[Bar]:
    """Where a job waits, in working days."""
    shown = [lane for lane in Lane if lane in days and lane != Lane.ARRIVING]
    most = max((days[lane] for lane in shown), default=0) or 1.0
    return [
        Bar(
            name=LANE_NAMES[lane],
            y=FIRST_ROW + place * WAIT_ROW,
            text_y=FIRST_ROW + place * WAIT_ROW + 13,
            width=_unit(BAR_WIDTH * days[lane] / most),
            value=gettext("%(days)s d") % {"days": number_format(days[lane], 1)},
            is_longest=days[lane] == most,
        )
        for place, lane in enumerate(shown)
    ]


def repeat_bars(rows: Iterable[tuple[str, int]]) -> list[Bar]:
    """Products whose fault came back."""
    pairs = list(rows)
    most = max((count for _name, count in pairs), default=1)
    return [
        Bar(
            name=name,
            y=20 + place * THIN_ROW,
            text_y=12 + place * THIN_ROW,
            width=_unit(THIN_WIDTH * count / most),
            value=str(count),
        )
        for place, (name, count) in enumerate(pairs)
    ]


def in_words(bars: Iterable[Bar]) -> str:
    """The text alternative of a chart."""
    return ", ".join(f"{bar.name} {bar.value}" for bar in bars)


def days_text(length: timedelta | None) -> str:
    if length is None:
        return "–"
    return gettext("%(days)s d") % {"days": number_format(length / timedelta(days=1), 1)}


def hours_text(length: timedelta | None) -> str:
    if length is None:
        return "–"
    hours, rest = divmod(length, HOUR)
    return gettext("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": rest // timedelta(minutes=1)}


def _unit(value: float) -> str:
    return f"{value:.1f}"
