"""Numbers of the programme by month as charts, as tables for those who do not see them, and as CSV (R54)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.text import Truncator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_countries.fields import Country

from cps_portal.core.lib.charts import (
    ColumnChart,
    Line,
    Series,
    Text,
    bars,
    bars_height,
    columns,
    grouped,
    line_of_shares,
    percent,
)
from cps_portal.core.lib.written_dates import date_format
from cps_portal.site.presenters.programme import LEVEL_STYLES
from cps_portal.site.queries.programme_numbers import Counts, Members, Numbers
from members.enums import Level
from servicing.queries.targets import Row

MAX_COUNTRIES = 8
MAX_NAME = 24  # of a country beside its bar; its table has the whole name
Cells = Sequence[object]

TITLES: dict[str, Text] = {
    "members": _("Members by level"),
    "countries": _("Members by country"),
    "registrations": _("Registrations"),
    "points": _("Points given and taken"),
    "targets": _("Service targets met"),
    "packs": _("Welcome Packs"),
    "cases": _("Cases"),
}


@dataclass(frozen=True)
class Part:
    """A chart with its table. Only one of `columns`, `line` and `bars` is drawn.

    A cell is a month, a number or a text. The file has `csv_rows` if it says more than the table.
    """

    key: str
    note: str
    heads: Sequence[Text]
    rows: Sequence[Cells]
    csv_heads: Sequence[str]
    csv_rows: Sequence[Cells] | None = None
    columns: ColumnChart | None = None
    line: Line | None = None
    bars: Sequence[Any] = ()
    words: str = ""
    height: int = 0

    @property
    def title(self) -> Text:
        return TITLES[self.key]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw: no number but 0."""
        return not any(cell for row in self.rows for cell in row if isinstance(cell, int))

    @property
    def shown_rows(self) -> list[list[str]]:
        """The latest month first."""
        return [[shown(cell) for cell in row] for row in reversed(self.rows)]

    @property
    def file_rows(self) -> list[list[object]]:
        rows = self.rows if self.csv_rows is None else self.csv_rows
        return [[f"{cell:%Y-%m}" if isinstance(cell, date) else cell for cell in row] for row in rows]


def shown(cell: object) -> str:
    """A cell as people read it."""
    if isinstance(cell, date):
        return date_format(cell, "F Y")
    return grouped(cell) if isinstance(cell, int) else str(cell)


def parts(numbers: Numbers) -> list[Part]:
    """In the order of TITLES."""
    months = numbers.months
    return [
        members_part(months, numbers.members),
        countries_part(months, numbers.members),
        registrations_part(months, numbers.registrations),
        points_part(months, numbers.points),
        targets_part(months, numbers.targets),
        packs_part(months, numbers.packs),
        cases_part(months, numbers.cases),
    ]


def _values(counts: Mapping[date, Sequence[int]], months: Sequence[date], place: int) -> list[int]:
    return [counts[month][place] for month in months]


def members_part(months: Sequence[date], members: Members) -> Part:
    series = [
        Series(level.label, LEVEL_STYLES[level], [members.by_level[month][level] for month in months])
        for level in Level
    ]
    rows = [
        [month, *by_level, sum(by_level), sum(members.joined[month].values()), members.closed[month]]
        for month in months
        for by_level in [[members.by_level[month][level] for level in Level]]
    ]
    return Part(
        "members",
        gettext("open accounts at the end of each month"),
        [_("Month"), *(level.label for level in Level), _("All"), _("Joined"), _("Closed")],
        rows,
        ["month", *Level.values, "all", "joined", "closed"],
        columns=columns(months, series, stacked=True),
    )


def countries_part(months: Sequence[date], members: Members) -> Part:
    """The table has the countries; the file each month of each."""
    now = members.by_country[months[-1]]
    codes = sorted((code for code, n in now.items() if n), key=lambda code: (-now[code], code))
    names = {code: Country(code).name or code for code in codes}
    joined = {code: sum(members.joined[month].get(code, 0) for month in months) for code in codes}
    most = codes[:MAX_COUNTRIES]
    lying = bars((Truncator(names[code]).chars(MAX_NAME), now[code], grouped(now[code]), False) for code in most)
    rows = [[names[code], members.by_country[months[0]].get(code, 0), joined[code], now[code]] for code in codes]
    file_rows = [
        [month, code, names[code], members.joined[month].get(code, 0), members.by_country[month].get(code, 0)]
        for month in months
        for code in codes
    ]
    return Part(
        "countries",
        gettext("where members live now"),
        [
            _("Country"),
            date_format(months[0], "F Y"),
            _("Joined in %(months)s months") % {"months": len(months)},
            _("Now"),
        ],
        rows[::-1],
        ["month", "country", "name", "joined", "members"],
        csv_rows=file_rows,
        bars=lying,
        words=", ".join(f"{names[code]} {grouped(now[code])}" for code in most) or "–",
        height=bars_height(lying),
    )


def registrations_part(months: Sequence[date], counts: Counts) -> Part:
    series = [
        Series(gettext("Submitted"), "sc-b3", _values(counts, months, 0)),
        Series(gettext("Accepted"), "sc-b1", _values(counts, months, 1)),
        Series(gettext("Refused"), "sc-bwarn", _values(counts, months, 2)),
    ]
    return Part(
        "registrations",
        gettext("by the month in which it happened"),
        [_("Month"), *(row.name for row in series)],
        [[month, *counts[month]] for month in months],
        ["month", "submitted", "accepted", "refused"],
        columns=columns(months, series, stacked=False),
    )


def points_part(months: Sequence[date], counts: Counts) -> Part:
    series = [
        Series(gettext("Given"), "sc-b1", _values(counts, months, 0)),
        Series(gettext("Taken"), "sc-bwarn", [-taken for taken in _values(counts, months, 1)]),
    ]
    return Part(
        "points",
        gettext("entries of the ledger"),
        [_("Month"), _("Given"), _("Taken"), _("Together")],
        [[month, *counts[month], sum(counts[month])] for month in months],
        ["month", "given", "taken", "together"],
        columns=columns(months, series, stacked=False),
    )


def targets_part(months: Sequence[date], rows: Sequence[Row]) -> Part:
    jobs, met = dict.fromkeys(months, 0), dict.fromkeys(months, 0)
    for row in rows:
        jobs[row.month] += row.jobs
        met[row.month] += row.met
    return Part(
        "targets",
        gettext("percent of the jobs that were ready in a month"),
        [_("Month"), _("Jobs"), _("On time"), _("Share")],
        [[month, jobs[month], met[month], _share(met[month], jobs[month])] for month in months],
        ["month", "centre", "level", "jobs", "on_time", "percent"],
        csv_rows=[[row.month, row.centre, str(row.level), row.jobs, row.met, row.percent] for row in rows],
        line=line_of_shares(
            {month: (met[month], jobs[month]) for month in months}, gettext("Targets met by month: %(list)s")
        ),
    )


def packs_part(months: Sequence[date], counts: Counts) -> Part:
    series = [
        Series(gettext("Requested"), "sc-b3", _values(counts, months, 0)),
        Series(gettext("Sent"), "sc-b1", _values(counts, months, 1)),
        Series(gettext("Returned"), "sc-bwarn", _values(counts, months, 2)),
    ]
    return Part(
        "packs",
        gettext("steps of packs; one that is sent again counts again"),
        [_("Month"), *(row.name for row in series)],
        [[month, *counts[month]] for month in months],
        ["month", "requested", "sent", "returned"],
        columns=columns(months, series, stacked=False),
    )


def cases_part(months: Sequence[date], counts: Counts) -> Part:
    """The rest of a column are cases that need no first answer, or whose time for it still runs."""
    kept = _values(counts, months, 2)
    late = [counts[month][1] - counts[month][2] for month in months]
    rest = [counts[month][0] - counts[month][1] for month in months]
    series = [
        Series(gettext("Answered in time"), "sc-b1", kept),
        Series(gettext("Late"), "sc-blate", late),
        Series(gettext("Not due, or no answer needed"), "sc-b3", rest),
    ]
    return Part(
        "cases",
        gettext("by the month in which they were opened"),
        [_("Month"), _("Opened"), _("Answered in time"), _("Late"), _("Share in time")],
        [
            [month, opened, in_time, judged - in_time, _share(in_time, judged)]
            for month in months
            for opened, judged, in_time in [counts[month]]
        ],
        ["month", "opened", "in_time", "late", "percent"],
        csv_rows=[
            [month, opened, in_time, judged - in_time, percent(in_time, judged) if judged else ""]
            for month in months
            for opened, judged, in_time in [counts[month]]
        ],
        columns=columns(months, series, stacked=True),
    )


def _share(part: int, whole: int) -> str:
    return f"{percent(part, whole)} %" if whole else "–"
