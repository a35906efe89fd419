"""What waits for staff, counted: two queries for Today and one for the rail, on the indexes of open rows (R54)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db.models import Case as Conditional
from django.db.models import Count, DateTimeField, F, Min, Q, QuerySet, Value, When
from django.db.models.functions import Cast
from django.utils import timezone

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
    """When the page is read: `at`, and the end of that day where staff are."""

    at: datetime
    midnight: datetime

    def due(self, field: str) -> tuple[Q, Q]:
        """Overdue, and due later today."""
        return Q(**{f"{field}__lt": self.at}), Q(**{f"{field}__gte": self.at, f"{field}__lt": self.midnight})

    def due_on(self, field: str) -> tuple[Q, Q]:
        """The same for a date."""
        today = timezone.localdate(self.at)
        return Q(**{f"{field}__lt": today}), Q(**{field: today})


def read_queues(user: User, at: datetime) -> dict[str, Waiting]:
    """The queues that the user's rights open, by key, also empty ones."""
    queries = list(queue_queries(user, at))
    rows = queries[0].union(*queries[1:], all=True) if queries else []
    return {row[0]: Waiting(*row) for row in rows}


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
    for key, (right, query) in queues.items():
        if user.has_perm(right):
            yield query(key, user, moment)


def _moment(at: datetime) -> Moment:
    local = timezone.localtime(at)
    midnight = datetime.combine(local.date() + timedelta(days=1), time(), local.tzinfo)
    return Moment(at, midnight.astimezone(UTC))


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


def _reviews(key: str, user: User, moment: Moment) -> QuerySet[Any, Any]:
    is_appeal = Q(review_reason=ReviewReason.APPEAL)
    rows = Registration.objects.queue().filter(is_appeal if key == "appeals" else ~is_appeal)
    return _count(key, rows, "submitted_at", _decision_due(moment), Q(taken_by=user))


def _checks(_key: str, user: User, moment: Moment) -> QuerySet[Any, Any]:
    """Registrations and appeals in one scan of what waits; no row for what is empty."""
    queue = Conditional(When(review_reason=ReviewReason.APPEAL, then=Value("appeals")), default=Value("reviews"))
    counts = _counts("submitted_at", _decision_due(moment), Q(taken_by=user))
    return _by_queue(Registration.objects.queue(), queue, counts)


def _decision_due(moment: Moment) -> tuple[Q, Q]:
    late = Q(submitted_at__lt=submitted_before(moment.at))
    return late, Q(submitted_at__lt=submitted_before(moment.midnight)) & ~late


def _claims(key: str, _user: User, moment: Moment) -> QuerySet[Any, Any]:
    return _count(key, Claim.objects.waiting(), "opened_at", moment.due_on("respond_by"))


def _cases(key: str, user: User, moment: Moment) -> QuerySet[Any, Any]:
    return _count(key, Case.objects.queue(), "opened_at", moment.due("due_at"), Q(assigned_to=user))


def _unassigned(key: str, _user: User, moment: Moment) -> QuerySet[Any, Any]:
    return _count(key, Case.objects.queue().filter(assigned_to=None), "opened_at", moment.due("due_at"))


def _lanes(_key: str, user: User, moment: Moment) -> QuerySet[Any, Any]:
    counts = _counts("changed_at", _job_due(moment.at), Q(technician=user))
    return _by_queue(board_rows(user, None), F("lane"), counts)


def _sightings(key: str, _user: User, moment: Moment) -> QuerySet[Any, Any]:
    return _count(key, Sighting.objects.filter(at__gte=moment.at - timedelta(days=SIGHTING_DAYS)), "at")


def _packs(key: str, _user: User, moment: Moment) -> QuerySet[Any, Any]:
    late = Q(sending_since__lt=moment.at - MISSING_AFTER)
    rows = WelcomePack.objects.filter(late, state__in=sorted(CANCELLABLE_STATES))
    return _count(key, rows, "sending_since", (late, NONE))


def _loans(key: str, user: User, moment: Moment) -> QuerySet[Any, Any]:
    rows = Loan.objects.seen_by(user).filter(state=LoanState.OUT)
    return _count(key, rows, "out_at", moment.due_on("due_back"))


def _proposals(key: str, _user: User, _moment: Moment) -> QuerySet[Any, Any]:
    return _count(key, CatalogueProposal.objects.filter(state=ProposalState.OPEN), "proposed_at")


def _planned(key: str, _user: User, moment: Moment) -> QuerySet[Any, Any]:
    begins = Cast("effective_on", DateTimeField())
    rows = StageChange.objects.filter(state=ChangeState.PLANNED)
    return _count(key, rows, begins, moment.due_on("effective_on"))


def _messages(key: str, _user: User, _moment: Moment) -> QuerySet[Any, Any]:
    return _count(key, Message.objects.filter(state=State(key)), "created_at")


Queues = dict[str, tuple[str, Callable[[str, User, Moment], QuerySet[Any, Any]]]]

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

NOT_IN_RAIL = {"reviews", "appeals", "packs", "failed", "held"}
# What the rail counts. Checks and jobs are keys of no queue: their rows come as reviews and appeals, and by lane.
RAIL: Queues = {
    **{name: queue for name, queue in QUEUES.items() if name not in NOT_IN_RAIL},
    "checks": ("kitbag.decide_registration", _checks),
    "nobody": ("cases.view_case", _unassigned),
    "jobs": ("servicing.work_on_ticket", _lanes),
}
