"""The inbox of cases, and what is known of a customer beside a conversation (R54, R58)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import (
    Aggregate,
    Count,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    OrderBy,
    OuterRef,
    Q,
    QuerySet,
    SmallIntegerField,
    Subquery,
    Value,
    When,
)
from django.db.models import Case as Conditional
from django.db.models.functions import Lower

from members.enums import Level
from members.models import Member, User
from members.support.enums import CaseGroup, CaseKind, CaseRating, CaseState
from members.support.models import Case, CaseMessage, CaseReader
from servicing.models import Ticket

MAX_GROUP_ROWS = 20  # of a group, while all are shown
PAGE_ROWS = 50  # of one group on its own
MAX_BESIDE = 12  # beside a conversation
MAX_OTHER_CASES = 6
FIGURES_DAYS = 30
READER_SECONDS = 60  # somebody whose page has been silent for longer is no longer there
TYPING_SECONDS = 30
OPEN = Q(state=CaseState.OPEN) | Q(quiet_since__isnull=False)  # each has an index of its own
VIEWS = ("all", "mine", "nobody", "closed")
OPEN_GROUPS = (CaseGroup.OVERDUE, CaseGroup.OURS, CaseGroup.THEIRS, CaseGroup.SNOOZED)
ORDERS: dict[CaseGroup, tuple[str | OrderBy, ...]] = {
    CaseGroup.OVERDUE: ("due_at", "pk"),
    CaseGroup.OURS: ("due_at", "pk"),
    CaseGroup.THEIRS: ("-quiet_since", "-pk"),
    CaseGroup.SNOOZED: (F("snoozed_until").asc(nulls_last=True), "pk"),
    CaseGroup.CLOSED: ("-closed_at", "-pk"),
}


@dataclass(frozen=True)
class Filters:
    """What the address of the inbox asks for. What it does not know is left out."""

    view: str = "all"
    level: str = ""
    language: str = ""
    kind: str = ""
    term: str = ""
    group: CaseGroup | None = None
    page: int = 1

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> "Filters":
        def one_of(name: str, known: Any, default: str = "") -> str:
            value = query.get(name, default)
            return value if value in known else default

        group = one_of("group", CaseGroup.values)
        page = query.get("page", "1")
        return cls(
            view=one_of("view", VIEWS, "all"),
            level=one_of("level", Level.values),
            language=one_of("language", dict(settings.LANGUAGES)),
            kind=one_of("kind", CaseKind.values),
            term=query.get("q", "").replace("\0", "").strip(),
            group=CaseGroup(group) if group else None,
            page=int(page) if page.isascii() and page.isdecimal() and len(page) < 6 else 1,
        )

    @property
    def conditions(self) -> Q:
        """Of level, language and topic."""
        condition = Q(kind=self.kind) if self.kind else Q()
        if self.level:
            condition &= Q(member__level=self.level)
        if self.language:
            condition &= Q(member__language=self.language) | Q(member=None, visitor_language=self.language)
        return condition

    @property
    def groups(self) -> tuple[CaseGroup, ...]:
        if self.view == "closed":
            return (CaseGroup.CLOSED,)
        if self.group:
            return (self.group,)
        return (*OPEN_GROUPS, CaseGroup.CLOSED) if self.term else OPEN_GROUPS


@dataclass(frozen=True)
class GroupPage:
    """The rows of one group that are shown, and how many there are."""

    group: CaseGroup
    total: int
    rows: list[Case] = field(default_factory=list)
    page: int = 1

    @property
    def more(self) -> int:
        return max(self.total - len(self.rows), 0)

    @property
    def pages(self) -> int:
        return -(-self.total // PAGE_ROWS)


def with_job_moved(rows: QuerySet[Case]) -> QuerySet[Case]:
    """With `job_moved`: whether the job that a snoozed case waits for has changed since."""
    moved = Ticket.objects.filter(reference=OuterRef("snoozed_job"), changed_at__gt=OuterRef("snoozed_at"))
    return rows.annotate(job_moved=Exists(moved))


def in_group(at: datetime) -> dict[CaseGroup, Q]:
    """The condition of each group, as `rules.group_of` says it. The rows need `with_job_moved`."""
    asleep = Q(snoozed_until__gt=at) | Q(snoozed_at__isnull=False, snoozed_until=None, job_moved=False)
    overdue = Q(state=CaseState.OPEN, due_at__lt=at)
    return {
        CaseGroup.OVERDUE: overdue,
        CaseGroup.OURS: Q(state=CaseState.OPEN, due_at__gte=at) & ~asleep,
        CaseGroup.THEIRS: Q(quiet_since__isnull=False) & ~asleep,
        CaseGroup.SNOOZED: Q(snoozed_at__isnull=False) & OPEN & asleep & ~overdue,
        CaseGroup.CLOSED: Q(state=CaseState.CLOSED, merged_into=None),
    }


def of_view(view: str, user: User) -> Q:
    return {"mine": Q(assigned_to=user), "nobody": Q(assigned_to=None)}.get(view, Q())


def count_views(user: User) -> dict[str, int]:
    """How many open cases each tab has."""
    counts: dict[str, int] = Case.objects.filter(OPEN).aggregate(
        all=Count("pk"), mine=Count("pk", filter=Q(assigned_to=user)), nobody=Count("pk", filter=Q(assigned_to=None))
    )
    return counts


def read_groups(rows: QuerySet[Case], filters: Filters, user: User, at: datetime) -> list[GroupPage]:
    """The groups of a view with their rows, bounded: two queries, and one for each group with something in it."""
    conditions = in_group(at)
    rows = with_job_moved(rows).filter(filters.conditions, of_view(filters.view, user))
    base = rows if CaseGroup.CLOSED in filters.groups else rows.filter(OPEN)
    totals = base.aggregate(**{group.value: Count("pk", filter=conditions[group]) for group in filters.groups})
    alone = len(filters.groups) == 1
    limit = PAGE_ROWS if alone else MAX_GROUP_ROWS
    page = min(filters.page, max(-(-totals[filters.groups[0].value] // PAGE_ROWS), 1)) if alone else 1
    start = (page - 1) * PAGE_ROWS
    groups = [
        GroupPage(group, totals[group.value], _rows(base, group, conditions, slice(start, start + limit)), page)
        for group in filters.groups
        if totals[group.value]
    ]
    _add_last_messages([row for group in groups for row in group.rows])
    return groups


def all_rows(rows: QuerySet[Case], filters: Filters, user: User, at: datetime) -> QuerySet[Case]:
    """The cases of all groups that the filters choose, as one list in the order of the inbox, for a file.

    Each has the position of its group in CaseGroup as `group_position`.
    """
    conditions, numbers = in_group(at), {group: number for number, group in enumerate(CaseGroup)}
    position = Conditional(
        *(When(conditions[group], then=Value(number)) for group, number in numbers.items()),
        output_field=SmallIntegerField(),
    )
    shown = with_job_moved(rows).filter(filters.conditions, of_view(filters.view, user))
    chosen = shown.annotate(group_position=position).filter(
        group_position__in=[numbers[group] for group in filters.groups]
    )
    by_due = _only_in(numbers, "due_at", CaseGroup.OVERDUE, CaseGroup.OURS)
    by_turn = _only_in(numbers, "quiet_since", CaseGroup.THEIRS)
    by_snooze = _only_in(numbers, "snoozed_until", CaseGroup.SNOOZED)
    by_end = _only_in(numbers, "closed_at", CaseGroup.CLOSED)
    return chosen.select_related("member", "assigned_to").order_by(
        "group_position", by_due.asc(), by_turn.desc(), by_snooze.asc(nulls_last=True), by_end.desc(), "pk"
    )


def _only_in(numbers: Mapping[CaseGroup, int], moment: str, *groups: CaseGroup) -> Conditional:
    """A moment of the rows of these groups, nothing for the others."""
    return Conditional(When(group_position__in=[numbers[group] for group in groups], then=F(moment)))


def _rows(base: QuerySet[Case], group: CaseGroup, conditions: Mapping[CaseGroup, Q], part: slice) -> list[Case]:
    last = CaseMessage.objects.public().filter(case=OuterRef("pk")).order_by("-pk").values("pk")[:1]
    rows = base.filter(conditions[group]).select_related("member", "assigned_to")
    return list(rows.annotate(last_message_id=Subquery(last)).order_by(*ORDERS[group])[part])


def _add_last_messages(rows: list[Any]) -> None:
    """The last public message of each row as `last_message`, in one query."""
    messages = CaseMessage.objects.in_bulk([row.last_message_id for row in rows if row.last_message_id])
    for row in rows:
        row.last_message = messages.get(row.last_message_id)


def waiting_beside(user: User, at: datetime) -> tuple[int, list[Case]]:
    """What waits for us, the soonest first: how many, and the first of them."""
    conditions = in_group(at)
    rows = with_job_moved(Case.objects.all()).filter(conditions[CaseGroup.OVERDUE] | conditions[CaseGroup.OURS])
    rows = rows.filter(state=CaseState.OPEN).filter(Q(assigned_to=user) | Q(assigned_to=None))
    return rows.count(), list(rows.select_related("member").order_by("due_at", "pk")[:MAX_BESIDE])


# --- The customer beside the conversation --------------------------------------------------------


def other_cases(case: Case) -> QuerySet[Case]:
    """Other cases of the same member, or of visitors with the same address; not those merged into another."""
    rows = Case.objects.exclude(pk=case.pk).filter(merged_into=None, erased_at=None)
    if case.member_id:
        return rows.filter(member=case.member_id).order_by("-pk")
    if not case.visitor_email:
        return rows.none()
    same = rows.filter(member=None).alias(address=Lower("visitor_email")).filter(address=case.visitor_email.lower())
    return same.order_by("-pk")


def open_jobs(member: Member | None, user: User) -> list[Ticket]:
    """Jobs of the member that are under way, as far as the reader may see jobs."""
    if member is None or not user.has_perm("servicing.view_ticket"):
        return []
    jobs = Ticket.objects.seen_by(user).of(member).filter(ended_at=None)
    return list(jobs.select_related("product").order_by("-pk")[:MAX_OTHER_CASES])


def job_moved_at(case: Case) -> datetime | None:
    """When the job that a snoozed case waits for changed last."""
    return Ticket.objects.filter(reference=case.snoozed_job).values_list("changed_at", flat=True).first()


def readers_of(case: Case, user: User, at: datetime) -> list[CaseReader]:
    """Who else of staff has the case open now, those who type first."""
    rows = CaseReader.objects.filter(case=case, seen_at__gt=at - timedelta(seconds=READER_SECONDS)).exclude(user=user)
    return list(rows.select_related("user").order_by(F("typing_at").desc(nulls_last=True), "pk")[:5])


# --- Numbers --------------------------------------------------------------------------------------


class Median(Aggregate):
    function = "percentile_cont"
    template = "%(function)s(0.5) within group (order by %(expressions)s)"


@dataclass(frozen=True)
class Figures:
    """Of the last FIGURES_DAYS: how long the first answer took, how many customers said we helped, of how many."""

    first_answer: timedelta | None
    good: int
    rated: int


def read_figures(at: datetime) -> Figures:
    since = at - timedelta(days=FIGURES_DAYS)
    length = ExpressionWrapper(F("first_answered_at") - F("opened_at"), DurationField())
    answered = Case.objects.filter(first_answered_at__gte=since).aggregate(
        median=Median(length, output_field=DurationField())
    )
    rated = Case.objects.filter(rated_at__gte=since).aggregate(
        all=Count("pk"), good=Count("pk", filter=Q(rating=CaseRating.GOOD))
    )
    return Figures(answered["median"], rated["good"], rated["all"])
