"""How many turnaround targets were met, by centre, month and level (R44), as a bar chart too; repeat rates (R63)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Exists, F, OuterRef, Q
from django.db.models.functions import TruncMonth
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from members.enums import Level
from servicing.models import Ticket, TicketQuerySet

# Geometry of the chart, in percent of its width and height.
LEFT, RIGHT, TOP, BASE = 4.0, 100.0, 12.0, 86.0
GAP = 0.28  # share of a month's width


@dataclass(frozen=True)
class Row:
    """The jobs of one centre, month and level whose clock stopped, and how many of them met the target."""

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
    """One month: all jobs, and from the base up those that met the target.

    Lengths are text, because a template would print a number with the decimal comma of the locale.
    """

    x: str
    width: str
    middle: str
    y: str
    height: str
    met_y: str
    met_height: str
    label: str
    title: str
    percent: str


def months_back(today: date, count: int = 12) -> list[date]:
    """The first day of each of the last `count` months, this one included."""
    last = today.year * 12 + today.month - 1
    return [date(month // 12, month % 12 + 1, 1) for month in range(last - count + 1, last + 1)]


def targets(tickets: TicketQuerySet, since: date) -> list[Row]:
    """One query, however many tickets there are."""
    stopped = tickets.filter(ready_at__date__gte=since, due_at__isnull=False)
    rows = (
        stopped.annotate(month=TruncMonth("ready_at"))
        .values("centre__name", "month", "level")
        .annotate(jobs=Count("pk"), met=Count("pk", filter=Q(ready_at__lte=F("due_at"))))
    )
    names = dict(Level.choices)
    order = {level: position for position, level in enumerate(Level.values)}
    ordered = sorted(rows, key=lambda row: (row["centre__name"], row["month"], order.get(row["level"], -1)))
    return [
        Row(row["centre__name"], row["month"].date(), names.get(row["level"], _("Visiting")), row["jobs"], row["met"])
        for row in ordered
    ]


@dataclass(frozen=True)
class RepeatRate:
    """The jobs of one centre that were finished, and after how many of them the same fault came back (R63)."""

    centre: str
    jobs: int
    repeats: int

    @property
    def percent(self) -> int:
        return round(100 * self.repeats / self.jobs)


def repeat_rates(tickets: TicketQuerySet, since: date) -> list[RepeatRate]:
    """One query. Jobs that turned out to have another fault, or never arrived, are no repeats."""
    again = Ticket.objects.filter(same_fault=True, follows=OuterRef("pk"), booked_in_at__isnull=False)
    rows = (
        tickets.filter(ready_at__date__gte=since)
        .annotate(came_back=Exists(again))
        .values("centre__name")
        .annotate(jobs=Count("pk"), repeats=Count("pk", filter=Q(came_back=True)))
        .order_by("centre__name")
    )
    return [RepeatRate(row["centre__name"], row["jobs"], row["repeats"]) for row in rows]


def bars(rows: Iterable[Row], months: list[date]) -> list[Bar]:
    """The chart: one bar for each month."""
    jobs = dict.fromkeys(months, 0)
    met = dict.fromkeys(months, 0)
    for row in rows:
        if row.month in jobs:
            jobs[row.month] += row.jobs
            met[row.month] += row.met
    max_jobs = max([*jobs.values(), 1])
    month_width = (RIGHT - LEFT) / len(months)
    return [
        _bar(LEFT + position * month_width, month_width, (BASE - TOP) / max_jobs, month, jobs[month], met[month])
        for position, month in enumerate(months)
    ]


def _bar(x: float, month_width: float, scale: float, month: date, jobs: int, met: int) -> Bar:  # noqa: PLR0917
    share = f"{round(100 * met / jobs)} %" if jobs else ""
    return Bar(
        x=_percent(x + month_width * GAP / 2),
        width=_percent(month_width * (1 - GAP)),
        middle=_percent(x + month_width / 2),
        y=_percent(BASE - jobs * scale),
        height=_percent(jobs * scale),
        met_y=_percent(BASE - met * scale),
        met_height=_percent(met * scale),
        label=date_format(month, "M"),
        title=f"{date_format(month, 'F Y')}: {met} / {jobs}",
        percent=share,
    )


def _percent(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") + "%"
