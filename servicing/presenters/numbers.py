"""The numbers of a centre as charts, with the same in words for those who do not see them (R44, R54)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.charts import BAR_WIDTH, Bar, Line, Text, bars, line_of_shares, percent, unit
from members.enums import Level
from servicing.presenters.board import LANE_NAMES
from servicing.queries.numbers import LevelRow
from servicing.rules.lanes import Lane

HOUR = timedelta(hours=1)
# Geometry of the charts, in units of their view boxes.
ROW_HEIGHT, FIRST_ROW, BAR_LEFT = 46, 6, 90.0
THIN_ROW, THIN_WIDTH = 42, 480.0


def line_by_month(rows: Iterable[Any], months: Sequence[date]) -> Line:
    """From rows of `servicing.queries.targets.targets`."""
    jobs, met = dict.fromkeys(months, 0), dict.fromkeys(months, 0)
    for row in rows:
        if row.month in jobs:
            jobs[row.month] += row.jobs
            met[row.month] += row.met
    return line_of_shares(
        {month: (met[month], jobs[month]) for month in months}, gettext("Targets met by month: %(list)s")
    )


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
        width=unit(met),
        rest_x=unit(BAR_LEFT + met + 1),
        rest_width=unit(max(late - 1, 0)),
        value_x=unit(BAR_LEFT + met + late + 8),
        value=ngettext("%(percent)s %%, %(jobs)s job", "%(percent)s %%, %(jobs)s jobs", row.jobs)
        % {"percent": percent(row.met, row.jobs), "jobs": row.jobs},
    )


def wait_bars(days: Mapping[Lane, float]) -> list[Bar]:
    """Where a job waits, in working days."""
    shown = [lane for lane in Lane if lane in days and lane != Lane.ARRIVING]
    most = max((days[lane] for lane in shown), default=0) or 1.0
    in_days = gettext("%(days)s d")
    return bars(
        (LANE_NAMES[lane], days[lane], in_days % {"days": number_format(days[lane], 1)}, days[lane] == most)
        for lane in shown
    )


def repeat_bars(rows: Iterable[tuple[str, int]]) -> list[Bar]:
    """Products whose fault came back."""
    pairs = list(rows)
    most = max((count for _name, count in pairs), default=1)
    return [
        Bar(
            name=name,
            y=20 + place * THIN_ROW,
            text_y=12 + place * THIN_ROW,
            width=unit(THIN_WIDTH * count / most),
            value=str(count),
        )
        for place, (name, count) in enumerate(pairs)
    ]


def days_text(length: timedelta | None) -> str:
    if length is None:
        return "–"
    return gettext("%(days)s d") % {"days": number_format(length / timedelta(days=1), 1)}


def hours_text(length: timedelta | None) -> str:
    if length is None:
        return "–"
    hours, rest = divmod(length, HOUR)
    return gettext("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": rest // timedelta(minutes=1)}
