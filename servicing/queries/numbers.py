"""The numbers of a centre over a period: targets met, how long things take, where jobs wait (R44, R63, R73)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from django.db.models import Aggregate, Count, DurationField, ExpressionWrapper, F, Q

from cps_portal.core.lib.clock import ZERO, Calendar, working_time_between
from servicing.models import Ticket, TicketEvent, TicketMessage, TicketQuerySet, load_calendars
from servicing.queries.clock import to_rule_event
from servicing.rules.lanes import STATES_OF_LANES, Lane
from servicing.rules.timeline import replay

MAX_SAMPLE = 100  # jobs whose waiting times are read: the last ones
MAX_REPEATS = 5


class Median(Aggregate):
    """The middle value of durations."""

    function = "PERCENTILE_CONT"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = DurationField()


@dataclass(frozen=True)
class LevelRow:
    """The jobs of one level whose clock stopped in the period. `level` is "" for visiting members."""

    level: str
    jobs: int
    met: int


@dataclass(frozen=True)
class Period:
    """From `since` until now."""

    since: datetime
    now: datetime

    @property
    def before(self) -> "Period":
        """The period of the same length before it."""
        return Period(self.since - (self.now - self.since), self.since)


def finished(tickets: TicketQuerySet, period: Period) -> TicketQuerySet:
    """The jobs that were ready in a period."""
    return tickets.filter(ready_at__gt=period.since, ready_at__lte=period.now, due_at__isnull=False)


def by_level(tickets: TicketQuerySet, period: Period) -> list[LevelRow]:
    met = Count("pk", filter=Q(ready_at__lte=F("due_at")))
    rows = finished(tickets, period).order_by().values_list("level").annotate(jobs=Count("pk"), met=met)
    return [LevelRow(*row) for row in rows]


def median_turnaround(tickets: TicketQuerySet, period: Period) -> timedelta | None:
    """From booking in until ready, nights, weekends and pauses included."""
    taken = ExpressionWrapper(F("ready_at") - F("booked_in_at"), output_field=DurationField())
    median: timedelta | None = finished(tickets, period).aggregate(median=Median(taken))["median"]
    return median


def median_first_answer(tickets: TicketQuerySet, period: Period) -> timedelta | None:
    """From a message of a customer until it is answered or marked as read."""
    messages = TicketMessage.objects.filter(
        ticket__in=tickets.order_by().values("pk"), from_member=True, answered_at__gt=period.since
    )
    taken = ExpressionWrapper(F("answered_at") - F("at"), output_field=DurationField())
    median: timedelta | None = messages.aggregate(median=Median(taken))["median"]
    return median


def repeats_by_product(tickets: TicketQuerySet, period: Period) -> list[tuple[str, int]]:
    """The products whose fault came back most often: their names, and after how many repairs."""
    again = tickets.filter(same_fault=True, booked_in_at__gt=period.since, booked_in_at__lte=period.now)
    rows = again.order_by().values_list("product__name").annotate(n=Count("pk")).order_by("-n", "product__name")
    return list(rows[:MAX_REPEATS])


def waiting_times(tickets: TicketQuerySet, period: Period) -> dict[Lane, float]:
    """How many working days a job spent in each lane on average: of the last jobs of the period, in two queries."""
    last = list(finished(tickets, period).select_related("centre").order_by("-ready_at")[:MAX_SAMPLE])
    load_calendars(ticket.centre for ticket in last)
    events: dict[int, list[TicketEvent]] = {}
    for event in TicketEvent.objects.filter(ticket__in=last).order_by("pk"):
        events.setdefault(event.ticket_id, []).append(event)
    totals = dict.fromkeys(Lane, 0.0)
    for ticket in last:
        for lane, days in _days_in_lanes(ticket, events.get(ticket.pk, [])).items():
            totals[lane] += days
    return {lane: days / len(last) for lane, days in totals.items()} if last else {}


def _days_in_lanes(ticket: Ticket, events: Iterable[TicketEvent]) -> Mapping[Lane, float]:
    """The working days of the centre that one job spent in each lane, from booking in on."""
    lanes = {state: lane for lane, states in STATES_OF_LANES.items() for state in states}
    steps = [step for step in replay(map(to_rule_event, events)) if step.applied]
    calendar = ticket.centre.calendar
    spent: dict[Lane, float] = {}
    for step, following in pairwise(steps):
        lane = lanes.get(step.state) if step.state else None
        if lane is None or lane == Lane.ARRIVING:
            continue
        worked = working_time_between(step.event.occurred_at, following.event.occurred_at, calendar)
        spent[lane] = spent.get(lane, 0.0) + worked / _length_of_day(calendar, ticket.opened_at)
    return spent


def _length_of_day(calendar: Calendar, at: datetime) -> timedelta:
    """The working time of the first working day since then."""
    begin, end = calendar.opening(next(iter(calendar.working_days(at.astimezone(calendar.zone).date()))))
    length = working_time_between(begin, end, calendar)
    return length if length > ZERO else timedelta(hours=8)
