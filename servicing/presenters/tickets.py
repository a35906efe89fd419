"""What pages show of jobs: the clock, where it is, why it is late, and what comes next (R47, R48, R56)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from members.models import Member
from servicing.enums import BEFORE_INTAKE, EstimateState, EventKind, PauseReason, TicketState, WhyStandard
from servicing.models import Estimate, Part, Ticket, TicketEvent, TicketQuerySet
from servicing.presenters import events as words
from servicing.queries.clock import get_clock
from servicing.rules.clock import Clock, ClockSummary, SummaryKind, expected_ready_on, summarize_clock
from servicing.rules.places import PLACES, lapses_at

E, S = EventKind, TicketState

# What comes after each state, for who waits.
AHEAD: Mapping[str, tuple[str | Promise, ...]] = {
    S.WAITING: (_("A place becomes free"), _("You send it in"), _("Booked in: the clock starts")),
    S.REQUESTED: (_("You send it in"), _("Booked in: the clock starts")),
    S.ACCEPTED: (_("You send it in"), _("Booked in: the clock starts")),
    S.IN_TRANSIT: (_("Booked in: the clock starts"), _("Assessed")),
    S.BOOKED_IN: (_("Assessed"), _("Work starts"), _("Ready to ship: the clock stops")),
    S.ASSESSED: (_("Work starts"), _("Ready to ship: the clock stops")),
    S.ESTIMATE_SENT: (_("Your answer"), _("Work starts"), _("Ready to ship: the clock stops")),
    S.APPROVED: (_("Work starts"), _("Ready to ship: the clock stops")),
    S.DECLINED: (_("Ready to ship, unrepaired"), _("On its way back")),
    S.WAITING_PARTS: (_("The part arrives"), _("Work goes on"), _("Ready to ship: the clock stops")),
    S.IN_REPAIR: (_("Ready to ship: the clock stops"), _("On its way back")),
    S.READY: (_("On its way back"),),
    S.SHIPPED: (_("With you again"),),
}
# What the lists say in a line.
STANDS: Mapping[str, str | Promise] = {
    S.WAITING: _("Keep it with you until a place is free."),
    S.REQUESTED: _("Send it to the centre, or bring it."),
    S.ACCEPTED: _("The centre expects it."),
    S.IN_TRANSIT: _("On its way to the centre."),
    S.BOOKED_IN: _("At the centre. Next it is assessed."),
    S.ASSESSED: _("Assessed. Next the work starts."),
    S.ESTIMATE_SENT: _("Waiting for your answer to the estimate."),
    S.APPROVED: _("Estimate approved. Next the work starts."),
    S.DECLINED: _("Estimate declined. It is sent back unrepaired."),
    S.WAITING_PARTS: _("Waiting for a part."),
    S.IN_REPAIR: _("Work is in progress."),
    S.READY: _("Ready. It is sent back to you, or you fetch it."),
    S.SHIPPED: _("On its way back to you."),
    S.CLOSED: _("Done."),
    S.CANCELLED: _("Cancelled."),
}

HEARD_LATE = 300  # seconds: sooner is not worth a word
TITLES: Mapping[str, str | Promise] = {
    E.BOOKED_IN: _("Booked in, clock started"),
    E.ESTIMATE_APPROVED: _("Estimate approved by you"),
    E.ESTIMATE_DECLINED: _("Estimate declined by you"),
    E.QUESTION_ANSWERED: _("You answered"),
    E.READY: _("Ready to ship, clock stopped"),
    E.CLOSED: _("Done"),
    words.EXPIRED: _("The estimate was no longer valid"),
}


@dataclass(frozen=True)
class Job:
    """A ticket with its clock, read at one moment."""

    ticket: Ticket
    clock: Clock
    summary: ClockSummary
    expected_ready_on: date | None
    now: datetime

    @property
    def zone(self) -> ZoneInfo:
        """The centre's: there is one clock for everybody (R47)."""
        return ZoneInfo(self.ticket.centre.zone)

    @property
    def number(self) -> str:
        """What stands in the middle of the ring."""
        if self.summary.kind == SummaryKind.NOTHING:
            return "–"
        return f"+{self.summary.number}" if self.is_late and not self.clock.stopped_at else str(self.summary.number)

    @property
    def unit(self) -> str | Promise:
        """What the number in the ring counts."""
        number = self.summary.number
        units: dict[SummaryKind, str | Promise] = {
            SummaryKind.TARGET: ngettext("day", "days", number),
            SummaryKind.DAYS_LEFT: ngettext("day left", "days left", number),
            SummaryKind.HOURS_LEFT: ngettext("hour left", "hours left", number),
            SummaryKind.DAYS_LATE: ngettext("day past", "days past", number),
            SummaryKind.LATE_TODAY: _("today"),
            SummaryKind.TOOK: ngettext("day", "days", number),
            SummaryKind.NOTHING: "",
        }
        return units[self.summary.kind]

    @property
    def short_unit(self) -> str | Promise:
        """The same where there is no room."""
        number = self.summary.number
        if self.summary.kind == SummaryKind.HOURS_LEFT:
            return ngettext("hour", "hours", number)
        if self.summary.kind in (SummaryKind.LATE_TODAY, SummaryKind.NOTHING):
            return self.unit
        return ngettext("day", "days", number)

    @property
    def counts_days(self) -> bool:
        return self.summary.kind != SummaryKind.NOTHING

    @property
    def stands(self) -> str | Promise:
        return STANDS[self.ticket.state]

    @property
    def is_late(self) -> bool:
        return self.clock.missed

    @property
    def has_begun(self) -> bool:
        return self.clock.started_at is not None

    @property
    def is_paused(self) -> bool:
        return self.clock.paused_since is not None

    @cached_property
    def asks(self) -> bool:
        """Whether the centre waits for an answer to a question."""
        return self.clock.has_open_question

    @property
    def needs_member(self) -> bool:
        return self.asks or self.ticket.state == S.ESTIMATE_SENT

    @property
    def may_cancel(self) -> bool:
        return self.ticket.state in BEFORE_INTAKE

    @property
    def waits_for_place(self) -> bool:
        return self.ticket.state == S.WAITING

    @property
    def held_until(self) -> datetime | None:
        """Until when its place is kept for it (R49)."""
        held = self.ticket.place_since if self.may_cancel else None
        return lapses_at(held) if held else None

    @property
    def ahead(self) -> tuple[str | Promise, ...]:
        return AHEAD.get(self.ticket.state, ())

    @property
    def stamp(self) -> str:
        """Changes whenever the page would look different; the hour counts because the clock's face does."""
        return f"{self.ticket.changed_at:%Y%m%d%H%M%S%f}-{self.summary.tone}-{self.summary.kind}-{self.summary.number}"

    @property
    def may_change(self) -> bool:
        """Whether anything can still happen by itself: otherwise the page need not ask."""
        return self.ticket.ended_at is None

    @property
    def why_standard(self) -> list[str | Promise]:
        return [WhyStandard(reason).label for reason in self.ticket.why_standard]


@dataclass(frozen=True)
class Happened:
    """One line of the timeline."""

    kind: str
    title: str | Promise
    at: datetime
    heard_at: datetime | None  # if much later
    counts: bool
    estimate: Estimate | None = None
    part: Part | None = None
    expected: date | None = None


@dataclass(frozen=True)
class Standing:
    """Why the clock stood, or stands."""

    reason: str | Promise
    since: datetime
    until: datetime | None


def with_clocks(rows: TicketQuerySet) -> TicketQuerySet:
    """The rows with all that `job_of` reads: a number of queries that does not depend on theirs."""
    return rows.select_related("product", "centre", "parcel").prefetch_related("events", "centre__closures")


def job_of(ticket: Ticket, now: datetime) -> Job:
    clock = get_clock(ticket, now, list(ticket.events.all()))
    day = expected_ready_on(clock, ticket.centre.calendar, ticket.centre.today(now))
    return Job(ticket, clock, summarize_clock(clock, ticket.target_days), day, now)


def open_jobs(member: Member, now: datetime) -> list[Job]:
    """What is with us or on its way, what needs the member first, then what is late, then by the day it is due."""
    jobs = [job_of(ticket, now) for ticket in with_clocks(Ticket.objects.of(member).open())]
    never = datetime.max.replace(tzinfo=now.tzinfo)
    return sorted(jobs, key=lambda job: (not job.needs_member, not job.is_late, job.clock.due_at or never))


def fast_track_places(jobs: Iterable[Job]) -> tuple[list[bool], int]:
    """The three places, taken or not, and how many are (R49)."""
    taken = sum(job.ticket.place is not None for job in jobs)
    return [n < taken for n in range(PLACES)], taken


def timeline_of(job: Job, estimates: Iterable[Estimate], parts: Iterable[Part]) -> list[Happened]:
    """All that happened, in the order in which it did (R52)."""
    by_estimate = {row.pk: row for row in estimates}
    by_part = {row.pk: row for row in parts}
    rows = {row.pk: row for row in job.ticket.events.all()}
    return [_happened(rows[step.event.sequence], by_estimate, by_part, counts=step.applied) for step in job.clock.steps]


def pauses_of(job: Job) -> list[Standing]:
    """Every pause with its reason (R47)."""
    return [Standing(PauseReason(pause.reason).label, pause.since, pause.until) for pause in job.clock.pauses]


def open_estimate(estimates: Iterable[Estimate], ticket: Ticket) -> Estimate | None:
    """The one that the member may answer now."""
    if ticket.state != S.ESTIMATE_SENT:
        return None
    return next((row for row in estimates if row.state == EstimateState.OPEN), None)


def _happened(
    row: TicketEvent, estimates: Mapping[int, Estimate], parts: Mapping[int, Part], *, counts: bool
) -> Happened:
    key = words.sentence_key(row.kind, row.data)
    expected = row.data.get("expected")
    return Happened(
        kind=key,
        title=TITLES.get(key, EventKind(row.kind).label),
        at=row.occurred_at,
        heard_at=row.received_at if (row.received_at - row.occurred_at).total_seconds() > HEARD_LATE else None,
        counts=counts,
        estimate=estimates.get(row.referenced_pk("estimate")),
        part=parts.get(row.referenced_pk("part")),
        expected=date.fromisoformat(expected) if expected else None,
    )
