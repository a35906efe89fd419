"""What waits for staff, counted: two queries for Today and one for the rail, on the indexes of open rows (R54)."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, cast

from django.conf import settings
from django.core.cache import cache
from django.db.models import Case as Conditional
from django.db.models import Count, DateTimeField, F, Min, Q, QuerySet, Value, When
from django.db.models.functions import Cast
from django.utils import timezone

from cps_portal.core.lib.compiled_queries import CompiledQuery
from cps_portal.core.outbox.enums import State
from cps_portal.core.outbox.models import Message
from kitbag.enums import ProposalState, ReviewReason
from kitbag.models import CatalogueProposal, Claim, Registration, Sighting, StageChange
from kitbag.queries.deadlines import submitted_before
from members.enums import ChangeState
from members.models import User
from members.offers.models import WelcomePack
from members.offers.rules import CANCELLABLE_STATES, MISSING_AFTER
from members.support.models import Case
from servicing.enums import LoanState, TicketState
from servicing.models import Loan, Ticket
from servicing.queries.board import board_rows

SIGHTING_DAYS = 7
SHOWN = 6
NONE = Q(pk=None)


@dataclass(frozen=True)
class Waiting:
    """One queue: how many rows, since when the oldest waits, and how many are overdue, due today, or the reader's.

    `wrote`: of how many jobs the customer waits for an answer.
    """

    key: str
    total: int
    oldest: datetime | None
    late: int = 0
    today: int = 0
    mine: int = 0
    wrote: int = 0


@dataclass(frozen=True)
class Moment:
    """When the page is read, and the limits that follow from it: a compiled query takes each as a value of its own.

    `midnight`: the end of that day where staff are. `to_decide_since`, `to_decide_at_midnight`: what was submitted
    before is overdue, or will be by midnight.
    """

    at: datetime
    midnight: datetime
    today: date
    to_decide_since: datetime
    to_decide_at_midnight: datetime
    sightings_since: datetime
    packs_since: datetime

    def due(self, field: str) -> tuple[Q, Q]:
        """Overdue, and due later today."""
        return Q(**{f"{field}__lt": self.at}), Q(**{f"{field}__gte": self.at, f"{field}__lt": self.midnight})

    def due_on(self, field: str) -> tuple[Q, Q]:
        """The same for a date."""
        return Q(**{f"{field}__lt": self.today}), Q(**{field: self.today})


@dataclass(frozen=True)
class Reader:
    """Whose page it is. `user` is None while a query is compiled for all readers."""

    pk: int
    sees_every_centre: bool
    user: User | None = None


def _reader(user: User) -> Reader:
    return Reader(user.pk, user.has_perm("servicing.view_every_ticket"), user)


def read_queues(user: User, at: datetime) -> dict[str, Waiting]:
    """The queues that the user's rights open, by key, also empty ones."""
    keys = tuple(key for key, (right, _query) in QUEUES.items() if user.has_perm(right))
    if not keys:
        return {}
    reader = _reader(user)
    values = {"reader": user.pk, **asdict(_moment(at))}
    rows = _compiled(keys, reader.sees_every_centre).all(**{name: values[name] for name in _values_of(keys, reader)})
    return {row[0]: Waiting(*row) for row in rows}


def _values_of(keys: tuple[str, ...], reader: Reader) -> list[str]:
    """The names of the values in the query of these queues."""
    names = {name for key in keys for name in VALUES.get(key, ())}
    if "loans" in keys and not reader.sees_every_centre:
        names.add("reader")
    return sorted(names)


@lru_cache(maxsize=64)
def _compiled(keys: tuple[str, ...], sees_every_centre: bool) -> CompiledQuery[tuple[Any, ...]]:  # noqa: FBT001
    """The query of these queues: making its SQL takes longer than what the database does."""

    def make(**values: Any) -> QuerySet[Any, Any]:
        reader = Reader(values.pop("reader", 0), sees_every_centre)
        moment = Moment(**{field.name: values.get(field.name) for field in fields(Moment)})  # type: ignore[arg-type]
        queries = [QUEUES[key][1](key, reader, moment) for key in keys]
        return queries[0].union(*queries[1:], all=True) if len(queries) > 1 else queries[0]

    return CompiledQuery(make)


def queue_queries(user: User, at: datetime) -> Iterator[QuerySet[Any, Any]]:
    """One row each, with the columns of `Waiting`."""
    yield from _allowed(QUEUES, user, _moment(at))


def read_rail(user: User, at: datetime) -> dict[str, Waiting]:
    """What waits beside the parts of the rail, by the keys of RAIL and, for jobs, of `Lane`.

    At most DESK_RAIL_SECONDS old, because the rail is on every page of the desk: a page counts its own rows itself.
    """
    name = f"desk-rail:{user.pk}"
    counts: dict[str, Waiting] | None = cache.get(name)
    if counts is None:
        queries = list(rail_queries(user, at))
        rows = queries[0].union(*queries[1:], all=True) if queries else []
        counts = {row[0]: Waiting(*row) for row in rows}
        cache.set(name, counts, settings.DESK_RAIL_SECONDS)
    return counts


def rail_queries(user: User, at: datetime) -> Iterator[QuerySet[Any, Any]]:
    """A row for each queue, and one for each lane of the board."""
    yield from _allowed(RAIL, user, _moment(at))


def _allowed(queues: "Queues", user: User, moment: Moment) -> Iterator[QuerySet[Any, Any]]:
    reader = _reader(user)
    for key, (right, query) in queues.items():
        if user.has_perm(right):
            yield query(key, reader, moment)


def _moment(at: datetime) -> Moment:
    local = timezone.localtime(at)
    midnight = datetime.combine(local.date() + timedelta(days=1), time(), local.tzinfo).astimezone(UTC)
    return Moment(
        at=at,
        midnight=midnight,
        today=local.date(),
        to_decide_since=submitted_before(at),
        to_decide_at_midnight=submitted_before(midnight),
        sightings_since=at - timedelta(days=SIGHTING_DAYS),
        packs_since=at - MISSING_AFTER,
    )


def read_jobs(user: User, at: datetime) -> dict[str, Waiting]:
    """Open jobs of the user's centres by their state; `mine` are those the user works on as their technician."""
    if not user.has_perm("servicing.work_on_ticket"):
        return {}
    states = job_rows(user).order_by().values_list("state")
    counts = _counts("changed_at", _job_due(at), Q(technician=user))
    rows = states.annotate(**counts, wrote=Count("pk", filter=Q(unread_since__isnull=False)))
    return {row[0]: Waiting(*row) for row in rows}


def job_rows(user: User) -> QuerySet[Ticket]:
    return Ticket.objects.seen_by(user).filter(ended_at=None).exclude(state=TicketState.SHIPPED)


def cases_due(user: User) -> list[Case]:
    """Cases that wait for support, the ones due soonest first."""
    if not user.has_perm("cases.view_case"):
        return []
    return list(Case.objects.queue().select_related("member", "assigned_to")[:SHOWN])


def jobs_due(user: User) -> list[Ticket]:
    """Jobs in the workshop whose clock runs, the ones due soonest first."""
    if not user.has_perm("servicing.work_on_ticket"):
        return []
    rows = Ticket.objects.seen_by(user).filter(ended_at=None, ready_at=None, paused=False, due_at__isnull=False)
    return list(rows.select_related("product", "member", "visitor").order_by("due_at", "pk")[:SHOWN])


def _job_due(at: datetime) -> tuple[Q, Q]:
    running = Q(ready_at=None, paused=False)
    late, today = _moment(at).due("due_at")
    return running & late, running & today


def _count(
    key: str, rows: QuerySet[Any], oldest: Any, due: tuple[Q, Q] = (NONE, NONE), mine: Q = NONE
) -> QuerySet[Any, Any]:
    return _by_queue(rows, Value(key), _counts(oldest, due, mine))


def _by_queue(rows: QuerySet[Any], queue: Any, counts: dict[str, Any]) -> QuerySet[Any, Any]:
    counted = rows.order_by().values(queue=queue).annotate(**counts)
    totals: QuerySet[Any, Any] = counted.values_list("queue", "total", "oldest", "late", "today", "mine")
    return totals


def _counts(oldest: Any, due: tuple[Q, Q], mine: Q) -> dict[str, Any]:
    late, today = due
    return {
        "total": Count("pk"),
        "oldest": Min(oldest),
        "late": Count("pk", filter=late),
        "today": Count("pk", filter=today),
        "mine": Count("pk", filter=mine),
    }


def _reviews(key: str, reader: Reader, moment: Moment) -> QuerySet[Any, Any]:
    is_appeal = Q(review_reason=ReviewReason.APPEAL)
    rows = Registration.objects.queue().filter(is_appeal if key == "appeals" else ~is_appeal)
    return _count(key, rows, "submitted_at", _decision_due(moment), Q(taken_by=reader.pk))


def _checks(_key: str, reader: Reader, moment: Moment) -> QuerySet[Any, Any]:
    """Registrations and appeals in one scan of what waits; no row for what is empty."""
    queue = Conditional(When(review_reason=ReviewReason.APPEAL, then=Value("appeals")), default=Value("reviews"))
    counts = _counts("submitted_at", _decision_due(moment), Q(taken_by=reader.pk))
    return _by_queue(Registration.objects.queue(), queue, counts)


def _decision_due(moment: Moment) -> tuple[Q, Q]:
    late = Q(submitted_at__lt=moment.to_decide_since)
    return late, Q(submitted_at__lt=moment.to_decide_at_midnight) & ~late


def _claims(key: str, _reader: Reader, moment: Moment) -> QuerySet[Any, Any]:
    return _count(key, Claim.objects.waiting(), "opened_at", moment.due_on("respond_by"))


def _cases(key: str, reader: Reader, moment: Moment) -> QuerySet[Any, Any]:
    return _count(key, Case.objects.queue(), "opened_at", moment.due("due_at"), Q(assigned_to=reader.pk))


def _unassigned(key: str, _reader: Reader, moment: Moment) -> QuerySet[Any, Any]:
    return _count(key, Case.objects.queue().filter(assigned_to=None), "opened_at", moment.due("due_at"))


def _lanes(_key: str, reader: Reader, moment: Moment) -> QuerySet[Any, Any]:
    counts = _counts("changed_at", _job_due(moment.at), Q(technician=reader.pk))
    return _by_queue(board_rows(cast(User, reader.user), None), F("lane"), counts)


def _sightings(key: str, _reader: Reader, moment: Moment) -> QuerySet[Any, Any]:
    return _count(key, Sighting.objects.filter(at__gte=moment.sightings_since), "at")


def _packs(key: str, _reader: Reader, moment: Moment) -> QuerySet[Any, Any]:
    late = Q(sending_since__lt=moment.packs_since)
    rows = WelcomePack.objects.filter(late, state__in=sorted(CANCELLABLE_STATES))
    return _count(key, rows, "sending_since", (late, NONE))


def _loans(key: str, reader: Reader, moment: Moment) -> QuerySet[Any, Any]:
    loans = Loan.objects.all() if reader.sees_every_centre else Loan.objects.of_staff(reader.pk)
    rows = loans.filter(state=LoanState.OUT)
    return _count(key, rows, "out_at", moment.due_on("due_back"))


def _proposals(key: str, _reader: Reader, _moment: Moment) -> QuerySet[Any, Any]:
    return _count(key, CatalogueProposal.objects.filter(state=ProposalState.OPEN), "proposed_at")


def _planned(key: str, _reader: Reader, moment: Moment) -> QuerySet[Any, Any]:
    begins = Cast("effective_on", DateTimeField())
    rows = StageChange.objects.filter(state=ChangeState.PLANNED)
    return _count(key, rows, begins, moment.due_on("effective_on"))


def _messages(key: str, _reader: Reader, _moment: Moment) -> QuerySet[Any, Any]:
    return _count(key, Message.objects.filter(state=State(key)), "created_at")


Queues = dict[str, tuple[str, Callable[[str, Reader, Moment], QuerySet[Any, Any]]]]

# By urgency. Each opens with the right that its list asks for.
QUEUES: Queues = {
    "reviews": ("kitbag.decide_registration", _reviews),
    "appeals": ("kitbag.decide_registration", _reviews),
    "cases": ("cases.view_case", _cases),
    "claims": ("kitbag.decide_claim", _claims),
    "sightings": ("kitbag.view_sighting", _sightings),
    "packs": ("offers.view_welcomepack", _packs),
    "loans": ("servicing.view_loan", _loans),
    "proposals": ("kitbag.view_catalogueproposal", _proposals),
    "planned": ("kitbag.plan_stagechange", _planned),
    "failed": ("outbox.view_message", _messages),
    "held": ("outbox.view_message", _messages),
}

_DECISION = ("reader", "to_decide_since", "to_decide_at_midnight")
VALUES = {  # of Moment, and `reader`, in the query of each queue
    "reviews": _DECISION,
    "appeals": _DECISION,
    "cases": ("reader", "at", "midnight"),
    "claims": ("today",),
    "sightings": ("sightings_since",),
    "packs": ("packs_since",),
    "loans": ("today",),
    "planned": ("today",),
}

NOT_IN_RAIL = {"reviews", "appeals", "packs", "failed", "held"}
# What the rail counts. Checks and jobs are keys of no queue: their rows come as reviews and appeals, and by lane.
RAIL: Queues = {
    **{name: queue for name, queue in QUEUES.items() if name not in NOT_IN_RAIL},
    "checks": ("kitbag.decide_registration", _checks),
    "nobody": ("cases.view_case", _unassigned),
    "jobs": ("servicing.work_on_ticket", _lanes),
}
