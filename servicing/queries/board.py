"""The open jobs of a centre by queue, for its board: counted in one query, and read in another (R54)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.db.models import Case, CharField, Count, Exists, F, OuterRef, Q, Subquery, Value, When, Window
from django.db.models.functions import Coalesce, RowNumber
from django.utils import timezone

from members.enums import Level
from members.models import User
from servicing.enums import IN_WORKSHOP, EstimateState, LineKind, LoanState, Track
from servicing.models import EstimateLine, Loan, LoanQuerySet, Part, ServiceCentre, Ticket, TicketEvent, TicketQuerySet
from servicing.queries.clock import get_clock
from servicing.rules.lanes import STATES_OF_LANES, Lane

MAX_CARDS = 5  # in a lane; the rest is a link away
SOONEST_FIRST = [F("same_fault").desc(), F("due_at").asc(nulls_last=True), F("opened_at").asc(), F("pk").asc()]
ALL = "all"
LANE = Case(
    When(paused=True, state__in=IN_WORKSHOP, then=Value(Lane.CUSTOMER)),
    *(When(state__in=states, then=Value(lane)) for lane, states in STATES_OF_LANES.items()),
    output_field=CharField(),
)


@dataclass(frozen=True)
class Board:
    """How many jobs there are: by filter, for each lane."""

    counts: Mapping[str, Mapping[str, int]]

    def in_lane(self, lane: str, chosen: str) -> int:
        return self.counts.get(lane, {}).get(chosen, 0)

    def total(self, chosen: str) -> int:
        return sum(counts.get(chosen, 0) for counts in self.counts.values())


def filters(user: User, now: datetime) -> dict[str, Q]:
    """The filters of the board by name; the day ends at midnight of the time zone in force."""
    local = timezone.localtime(now)
    midnight = datetime.combine(local.date() + timedelta(days=1), time(), local.tzinfo).astimezone(UTC)
    running = Q(ready_at=None, paused=False)
    return {
        ALL: Q(),
        "mine": Q(technician=user),
        "late": running & Q(due_at__lt=now),
        "today": running & Q(due_at__gte=now, due_at__lt=midnight),
        "wrote": Q(unread_since__isnull=False),
        "fast": Q(track=Track.FAST),
        "nobody": Q(technician=None, state__in=IN_WORKSHOP),
        **{level.value: Q(level_now=level) for level in Level},
    }


def board_rows(user: User, centre: ServiceCentre | None) -> TicketQuerySet:
    """The jobs on the board, with their lane and level: those on the way to the centre, and those that are there."""
    tickets = Ticket.objects.seen_by(user)
    shown = tickets.filter(centre=centre) if centre else tickets
    states = [state for states in STATES_OF_LANES.values() for state in states]
    level = Case(When(level="", then=F("member__level")), default=F("level"))
    rows: TicketQuerySet = shown.filter(ended_at=None, state__in=states).annotate(
        lane=LANE, level_now=Coalesce(level, Value(""))
    )
    return rows.order_by()


def count_board(rows: TicketQuerySet, conditions: Mapping[str, Q]) -> Board:
    """One query."""
    counts = {f"n_{name}": Count("pk", filter=condition) for name, condition in conditions.items() if name != ALL}
    lanes: Any = rows.values(queue=F("lane")).annotate(n_all=Count("pk"), **counts)
    return Board({row["queue"]: {name: row[f"n_{name}"] for name in conditions} for row in lanes})


def read_cards(rows: TicketQuerySet, condition: Q) -> list[Ticket]:
    """The first jobs of each lane, in one query."""
    position = Window(RowNumber(), partition_by=[F("lane")], order_by=SOONEST_FIRST)
    placed: Any = rows.filter(condition).annotate(position=position)
    return list(with_facts(placed.filter(position__lte=MAX_CARDS)).order_by(F("position")))


def with_facts(rows: TicketQuerySet) -> TicketQuerySet:
    """The jobs with all that a card shows, and what the proposed step depends on."""
    related = ("product", "member", "visitor", "centre", "parcel", "technician")
    missing = Part.objects.filter(ticket=OuterRef("pk"), arrived_at=None).order_by()
    priced = EstimateLine.objects.filter(
        estimate__ticket=OuterRef("pk"), estimate__state=EstimateState.APPROVED, kind=LineKind.PART
    )
    return rows.select_related(*related).annotate(
        parts_missing=Coalesce(Subquery(missing.values("ticket").annotate(n=Count("pk")).values("n")), 0),
        needs_part=Exists(priced) & ~Exists(Part.objects.filter(ticket=OuterRef("pk"))),
    )


def due_while_paused(tickets: Iterable[Ticket], now: datetime) -> dict[int, datetime]:
    """When paused jobs are due if their clock ran on now, by key: what is stored is as of the pause."""
    paused = {ticket.pk: ticket for ticket in tickets if ticket.paused}
    events: dict[int, list[TicketEvent]] = {}
    for event in TicketEvent.objects.filter(ticket__in=paused).order_by("pk") if paused else ():
        events.setdefault(event.ticket_id, []).append(event)
    clocks = {key: get_clock(paused[key], now, rows) for key, rows in events.items()}
    return {key: clock.due_at for key, clock in clocks.items() if clock.due_at}


def list_rows(rows: TicketQuerySet, condition: Q, lane: str) -> TicketQuerySet:
    """The same jobs as a list, the soonest due first; of one lane if it is named."""
    chosen = rows.filter(condition, Q(lane=lane)) if lane in STATES_OF_LANES else rows.filter(condition)
    return with_facts(chosen).order_by(*SOONEST_FIRST)


def board_loans(user: User, centre: ServiceCentre | None, chosen: str, now: datetime) -> LoanQuerySet:
    """Loans that are reserved or out, as the filter has it; those that are due first come first."""
    loans = Loan.objects.seen_by(user).open()
    today = timezone.localdate(now)
    conditions: dict[str, Q] = {
        ALL: Q(),
        "late": Q(state=LoanState.OUT, due_back__lt=today),
        "today": Q(state=LoanState.OUT, due_back=today),
        **{level.value: Q(member__level=level) for level in Level},
    }
    shown = loans.filter(unit__centre=centre) if centre else loans
    rows: LoanQuerySet = shown.filter(conditions.get(chosen, Q(pk=None))).select_related(
        "unit__product", "unit__centre", "member", "ticket__parcel"
    )
    return rows.order_by(F("due_back").asc(nulls_last=True), "reserved_at", "pk")


def centres_of(user: User) -> list[ServiceCentre]:
    return list(ServiceCentre.objects.seen_by(user).order_by("name"))
