"""How many targets were met: by centre, month and level (R44), counted by the database."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import Count, F, Q
from django.db.models.functions import TruncMonth
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from members.enums import Level
from servicing.models import TicketQuerySet

LEFT, RIGHT, TOP, BASE = 4.0, 100.0, 12.0, 86.0  # of a drawing of 100 by 100, in percent
GAP = 0.28  # of a month's room


@dataclass(frozen=True)
class Row:
    """The jobs of a centre, a month and a level whose clock stopped, and how many of them in time."""

    centre: str
    month: date
    level: str | Promise
    jobs: int
    met: int

    @property
    def percent(self) -> int:
        return round(100 * self.met / self.jobs)


@dataclass(frozen=True)
class Bar:
    """A month: all its jobs, and those in time from the base up. Text, so that no locale puts a comma into it."""

    x: str
    width: str
    middle: str
    y: str
    height: str
    met_y: str
    met_height: str
    label: str
    told: str
    percent: str


def months_back(today: date, count: int = 12) -> list[date]:
    """The first days of the last months, this one included."""
    last = today.year * 12 + today.month - 1
    return [date(month // 12, month % 12 + 1, 1) for month in range(last - count + 1, last + 1)]


def targets(tickets: TicketQuerySet, since: date) -> list[Row]:
    """One query, whatever there is."""
    stopped = tickets.filter(ready_at__date__gte=since, due_at__isnull=False)
    rows = (
        stopped.annotate(month=TruncMonth("ready_at"))
        .values("centre__name", "month", "level")
        .annotate(jobs=Count("pk"), met=Count("pk", filter=Q(ready_at__lte=F("due_at"))))
    )
    names = dict(Level.choices)
    order = {level: place for place, level in enumerate(Level.values)}
    found = sorted(rows, key=lambda row: (row["centre__name"], row["month"], order.get(row["level"], -1)))
    return [
        Row(row["centre__name"], row["month"].date(), names.get(row["level"], _("Visiting")), row["jobs"], row["met"])
        for row in found
    ]


def bars(rows: Iterable[Row], months: list[date]) -> list[Bar]:
    """The same by month, drawn: a bar for each month with jobs."""
    jobs = dict.fromkeys(months, 0)
    met = dict.fromkeys(months, 0)
    for row in rows:
        if row.month in jobs:
            jobs[row.month] += row.jobs
            met[row.month] += row.met
    most = max([*jobs.values(), 1])
    room = (RIGHT - LEFT) / len(months)
    return [
        _bar(LEFT + place * room, room, (BASE - TOP) / most, month, jobs[month], met[month])
        for place, month in enumerate(months)
    ]


def _bar(x: float, room: float, scale: float, month: date, jobs: int, met: int) -> Bar:  # noqa: PLR0917
    share = f"{round(100 * met / jobs)} %" if jobs else ""
    return Bar(
        x=_n(x + room * GAP / 2),
        width=_n(room * (1 - GAP)),
        middle=_n(x + room / 2),
        y=_n(BASE - jobs * scale),
        height=_n(jobs * scale),
        met_y=_n(BASE - met * scale),
        met_height=_n(met * scale),
        label=date_format(month, "M"),
        told=f"{date_format(month, 'F Y')}: {met} / {jobs}",
        percent=share,
    )


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") + "%"
