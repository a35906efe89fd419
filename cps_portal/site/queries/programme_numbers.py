"""Numbers of the programme by month: aggregates only, ten queries however many rows there are (R54).

A month begins at its midnight in the portal's zone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce, TruncMonth
from django.utils import timezone

from kitbag.models import PointsEntry, Registration
from members.enums import Level
from members.models import LevelChange, Member, User
from members.offers.enums import PackStep
from members.offers.models import PackEvent
from members.support.models import Case
from servicing.models import Ticket
from servicing.queries.targets import Row, beginning_of, months_back, targets

Totals = dict[date, dict[str, int]]  # by month, and by level or country
Counts = dict[date, tuple[int, ...]]
PACK_STEPS = (PackStep.ASKED, PackStep.DISPATCHED, PackStep.RETURNED)


@dataclass(frozen=True)
class Members:
    """Open accounts at the end of each month, and of the running one until now.

    By the level they had then. By the country where they live now: a move takes a member along through all months.
    """

    by_level: Totals
    by_country: Totals
    joined: Totals  # by country
    closed: dict[date, int]


@dataclass(frozen=True)
class Numbers:
    """What happened in each month, the earliest first.

    `registrations`: submitted, accepted, refused. `points`: given, taken. `packs`: requested, sent, returned.
    `cases`: opened, those of them with a time for the first answer that is over or was kept, and those that kept it.
    """

    months: Sequence[date]
    members: Members
    registrations: Counts
    points: Counts
    targets: Sequence[Row]
    packs: Counts
    cases: Counts


def read_numbers(user: User, at: datetime) -> Numbers:
    """The last twelve months, the running one included."""
    months = months_back(timezone.localdate(at))
    since = beginning_of(months[0])
    return Numbers(
        months,
        read_members(months, since),
        read_registrations(months, since),
        read_points(months, since),
        targets(Ticket.objects.seen_by(user), months[0]),
        read_packs(months, since),
        read_cases(months, since, at),
    )


def read_members(months: Sequence[date], since: datetime) -> Members:
    """From today's members back through what happened since, in four queries.

    An account that was closed and opened again counts as open all the time.
    """
    now = Member.objects.open().order_by().values_list("country", "level").annotate(n=Count("pk"))
    joined = _by_month(Member.objects.filter(joined_at__gte=since), "joined_at", "country")
    left = LevelChange.objects.filter(member=OuterRef("pk"), at__gte=OuterRef("closed_at")).order_by("at", "pk")
    level_then = Coalesce(Subquery(left.values("from_level")[:1]), F("level"))
    closed_rows = Member.objects.filter(closed_at__gte=since).annotate(level_then=level_then)
    closed = _by_month(closed_rows, "closed_at", "country", "level_then")
    while_open = Q(member__closed_at=None) | Q(at__lt=F("member__closed_at"))
    changes = LevelChange.objects.filter(while_open, at__gte=since)
    changed = _by_month(changes, "at", "from_level", "to_level")
    levels, countries = dict.fromkeys(Level.values, 0), dict[str, int]()
    for country, level, n in now:
        levels[level] += n
        countries[country] = countries.get(country, 0) + n
    by_country: Totals = {}
    by_level: Totals = {}
    joined_by_country: Totals = {month: {} for month in months}
    for month in reversed(months):
        by_level[month], by_country[month] = dict(levels), dict(countries)
        for (country,), n in joined.get(month, ()):
            joined_by_country[month][country] = n
            levels[Level.RED] -= n  # where every member begins
            countries[country] = countries.get(country, 0) - n
        for (country, level), n in closed.get(month, ()):
            levels[level] += n
            countries[country] = countries.get(country, 0) + n
        for (before, after), n in changed.get(month, ()):
            levels[before] += n
            levels[after] -= n
    ended = {month: sum(n for _keys, n in closed.get(month, ())) for month in months}
    return Members(by_level, by_country, joined_by_country, ended)


def read_registrations(months: Sequence[date], since: datetime) -> Counts:
    """Submitted in a month; and accepted and refused in it, whatever became of them since. In two queries."""
    submitted = _rows(Registration.objects.filter(submitted_at__gte=since), "submitted_at", n=Count("pk"))
    refused = ~Q(refusal_reason="")
    decided = _rows(
        Registration.objects.filter(decided_at__gte=since),
        "decided_at",
        accepted=Count("pk", filter=~refused),
        refused=Count("pk", filter=refused),
    )
    return {month: (*submitted.get(month, (0,)), *decided.get(month, (0, 0))) for month in months}


def read_points(months: Sequence[date], since: datetime) -> Counts:
    """Given, and taken as a number below zero."""
    rows = _rows(
        PointsEntry.objects.filter(at__gte=since),
        "at",
        given=Coalesce(Sum("amount", filter=Q(amount__gt=0)), 0),
        taken=Coalesce(Sum("amount", filter=Q(amount__lt=0)), 0),
    )
    return {month: rows.get(month, (0, 0)) for month in months}


def read_packs(months: Sequence[date], since: datetime) -> Counts:
    """Requested, sent and returned. A pack that is sent again counts again."""
    events = PackEvent.objects.filter(occurred_at__gte=since, step__in=PACK_STEPS)
    rows = _rows(events, "occurred_at", **{step.value: Count("pk", filter=Q(step=step)) for step in PACK_STEPS})
    return {month: rows.get(month, (0, 0, 0)) for month in months}


def read_cases(months: Sequence[date], since: datetime, at: datetime) -> Counts:
    """By the month in which they were opened. A case whose time for the first answer still runs is not judged yet."""
    kept = Q(first_answered_at__lte=F("first_answer_due_at"))
    rows = _rows(
        Case.objects.filter(opened_at__gte=since),
        "opened_at",
        opened=Count("pk"),
        judged=Count("pk", filter=kept | Q(first_answer_due_at__lte=at)),
        kept=Count("pk", filter=kept),
    )
    return {month: rows.get(month, (0, 0, 0)) for month in months}


def _rows(rows: QuerySet[Any], moment: str, **aggregates: Any) -> Counts:
    found = rows.order_by().annotate(month=TruncMonth(moment)).values_list("month").annotate(**aggregates)
    return {month.date(): tuple(values) for month, *values in found}


def _by_month(rows: QuerySet[Any], moment: str, *keys: str) -> Mapping[date, Iterable[tuple[tuple[str, ...], int]]]:
    """By month: the values of `keys`, and how many rows have them."""
    found: dict[date, list[tuple[tuple[str, ...], int]]] = {}
    counted = rows.order_by().annotate(month=TruncMonth(moment)).values_list("month", *keys).annotate(n=Count("pk"))
    for month, *values, n in counted:
        found.setdefault(month.date(), []).append((tuple(values), n))
    return found
