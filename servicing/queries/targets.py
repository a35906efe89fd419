"""How many turnaround targets were met, by centre, month and level (R44); repeat rates (R63)."""

from dataclasses import dataclass
from datetime import date, datetime, time

from django.db.models import Count, Exists, F, OuterRef, Q
from django.db.models.functions import TruncMonth
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from members.enums import Level
from servicing.models import Ticket, TicketQuerySet


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


def months_back(today: date, count: int = 12) -> list[date]:
    """The first day of each of the last `count` months, this one included."""
    last = today.year * 12 + today.month - 1
    return [date(month // 12, month % 12 + 1, 1) for month in range(last - count + 1, last + 1)]


def beginning_of(day: date) -> datetime:
    """Its midnight in the portal's zone. Compared with a moment it can use an index; a cast to a date could not."""
    return timezone.make_aware(datetime.combine(day, time()))


def targets(tickets: TicketQuerySet, since: date) -> list[Row]:
    """One query, however many tickets there are."""
    stopped = tickets.filter(ready_at__gte=beginning_of(since), due_at__isnull=False)
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
        tickets.filter(ready_at__gte=beginning_of(since))
        .annotate(came_back=Exists(again))
        .values("centre__name")
        .annotate(jobs=Count("pk"), repeats=Count("pk", filter=Q(came_back=True)))
        .order_by("centre__name")
    )
    return [RepeatRate(row["centre__name"], row["jobs"], row["repeats"]) for row in rows]
