"""Jobs as pages show them: the clock, the timeline, why a job is late, and what comes next (R47, R48, R56)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db.models import F, Value, prefetch_related_objects
from django.utils.functional import Promise, cached_property
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.clock import Calendar
from cps_portal.core.lib.compiled_queries import CompiledModels, IsAmong, joined_keys
from cps_portal.core.lib.etags import etag_of
from cps_portal.core.lib.written_dates import date_format
from kitbag.queries.in_service import InService, answer_in_service
from members.models import Member
from servicing.enums import (
    BEFORE_INTAKE,
    IN_WORKSHOP,
    Charge,
    Direction,
    EstimateState,
    EventKind,
    PauseReason,
    TicketState,
    WhyNoCharge,
    WhyOtherFault,
    WhyStandard,
)
from servicing.models import Estimate, Part, Shipment, Ticket, TicketEvent, TicketQuerySet, load_calendars
from servicing.presenters import events
from servicing.presenters.calendars import describe_change
from servicing.queries.clock import get_clock
from servicing.rules.clock import Clock, ClockSummary, SummaryKind, expected_ready_on, summarize_clock
from servicing.rules.places import PLACES, lapses_at

E, S = EventKind, TicketState

# What happens after each state, as the member reads it.
SEND_IT, PART_ARRIVES, READY = _("You send it in"), _("The part arrives"), _("Ready to ship: the clock stops")
WITH_YOU = _("With you again")
BOOKED_IN = _("Booked in: the clock starts")
BACK = _("On its way back")
NEXT_STEPS: Mapping[str, tuple[str | Promise, ...]] = {
    S.WAITING: (_("A place becomes free"), SEND_IT, BOOKED_IN),
    S.REQUESTED: (SEND_IT, BOOKED_IN),
    S.ACCEPTED: (SEND_IT, BOOKED_IN),
    S.IN_TRANSIT: (BOOKED_IN, _("Assessed")),
    S.BOOKED_IN: (_("Assessed"), _("Work starts"), READY, BACK, WITH_YOU),
    S.ASSESSED: (_("Work starts"), READY, BACK, WITH_YOU),
    S.ESTIMATE_SENT: (_("Your answer"), _("Work starts"), READY, BACK, WITH_YOU),
    S.APPROVED: (_("Work starts"), READY, BACK, WITH_YOU),
    S.DECLINED: (_("Ready to ship, unrepaired"), BACK, WITH_YOU),
    S.WAITING_PARTS: (PART_ARRIVES, _("Work continues"), READY, BACK, WITH_YOU),
    S.IN_REPAIR: (READY, BACK, WITH_YOU),
    S.READY: (BACK, WITH_YOU),
    S.SHIPPED: (WITH_YOU,),
}
# Each state in one line, for lists.
STATE_SENTENCES: Mapping[str, str | Promise] = {
    S.WAITING: _("Keep it with you until a place is free."),
    S.REQUESTED: _("Send it to the centre, or bring it."),
    S.ACCEPTED: _("The centre expects it."),
    S.IN_TRANSIT: _("On its way to the centre."),
    S.BOOKED_IN: _("At the centre. Next, it’s assessed."),
    S.ASSESSED: _("Assessed. Next, the work starts."),
    S.ESTIMATE_SENT: _("Waiting for your answer to the estimate."),
    S.APPROVED: _("Estimate approved. Next, the work starts."),
    S.DECLINED: _("Estimate declined. We’re sending it back unrepaired."),
    S.WAITING_PARTS: _("Waiting for a part."),
    S.IN_REPAIR: _("Work is in progress."),
    S.READY: _("Ready. We’ll send it back to you, or you can collect it."),
    S.SHIPPED: _("On its way back to you."),
    S.CLOSED: _("Done."),
    S.CANCELLED: _("Cancelled."),
}

LATE_REPORT_SECONDS = 300  # with a longer delay the timeline also shows when the event was reported
TITLES: Mapping[str, str | Promise] = {
    E.BOOKED_IN: _("Booked in, clock started"),
    E.ESTIMATE_APPROVED: _("Estimate approved by you"),
    E.ESTIMATE_DECLINED: _("Estimate declined by you"),
    E.QUESTION_ANSWERED: _("You answered"),
    E.READY: _("Ready to ship, clock stopped"),
    E.CLOSED: _("Done"),
    events.SERIAL_CLAIMED: _("New serial number"),
    events.OTHER_FAULT_STANDARD: _("Another fault, standard speed"),
    events.EXPIRED: _("The estimate was no longer valid"),
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
        """The centre's time zone: member and centre see the same clock (R47)."""
        return ZoneInfo(self.ticket.centre.zone)

    @property
    def number(self) -> str:
        """The text in the middle of the ring."""
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
        """The same, where there is less room."""
        number = self.summary.number
        if self.summary.kind == SummaryKind.HOURS_LEFT:
            return ngettext("hour", "hours", number)
        if self.summary.kind in (SummaryKind.LATE_TODAY, SummaryKind.NOTHING):
            return self.unit
        return ngettext("day", "days", number)

    @property
    def counts_days(self) -> bool:
        """Whether the number in the ring is a part of the target."""
        return self.summary.kind not in (SummaryKind.NOTHING, SummaryKind.TARGET)

    @property
    def state_sentence(self) -> str | Promise:
        return STATE_SENTENCES[self.ticket.state]

    @property
    def is_late(self) -> bool:
        return self.clock.missed

    @property
    def has_begun(self) -> bool:
        return self.clock.started_at is not None

    @property
    def is_with_centre(self) -> bool:
        return self.ticket.state in (*IN_WORKSHOP, S.READY)

    @property
    def is_away(self) -> bool:
        """Whether the member does not have it: it is at the centre, or on its way there or back."""
        return self.is_with_centre or self.ticket.state in (S.IN_TRANSIT, S.SHIPPED)

    @property
    def has_left(self) -> bool:
        """Whether the centre no longer has it, and it is not going there either."""
        return not self.is_with_centre and self.ticket.state not in BEFORE_INTAKE

    @property
    def is_paused(self) -> bool:
        return self.clock.paused_since is not None

    @cached_property
    def asks(self) -> bool:
        """Whether the centre is waiting for an answer to a question."""
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
        """Until when its place is reserved (R49)."""
        held = self.ticket.place_since if self.may_cancel else None
        return lapses_at(held) if held else None

    def ready_on(self) -> date | None:
        """The day after the last part if the target will be missed; else the target, while it is ahead and running."""
        calendar = self.ticket.centre.calendar
        if ready_on := expected_ready_on(self.clock, calendar, self.now.astimezone(calendar.zone).date()):
            return ready_on
        due_at = self.clock.due_at
        is_ahead = due_at is not None and due_at > self.now and not self.clock.paused_since
        return self.local_day(due_at) if is_ahead and not self.clock.will_be_missed else None

    def local_day(self, at: datetime | None) -> date | None:
        return at.astimezone(self.ticket.centre.calendar.zone).date() if at else None

    @property
    def stamp(self) -> str:
        """Changes whenever the page would look different, also because an hour has passed."""
        return f"{self.ticket.changed_at:%Y%m%d%H%M%S%f}-{self.summary.tone}-{self.summary.kind}-{self.summary.number}"

    @property
    def etag(self) -> str:
        return etag_of(self.stamp)

    @property
    def may_change(self) -> bool:
        """Whether the page should refresh itself."""
        return self.ticket.ended_at is None

    @property
    def why_standard(self) -> list[str | Promise]:
        return [WhyStandard(reason).label for reason in self.ticket.why_standard]


def steps_ahead(job: Job, shipments: Iterable[Shipment]) -> list[tuple[str | Promise, date | None]]:
    """What is still to come, with its day where it is known (R47): of the clock, the parts and the carriers."""
    expected = {row.direction: row.expected_on for row in shipments if row.delivered_at is None}
    days: dict[str | Promise, date | None] = {
        SEND_IT: job.local_day(job.held_until),
        BOOKED_IN: expected.get(Direction.TO_CENTRE),
        PART_ARRIVES: job.clock.part_expected,
        READY: job.ready_on(),
        WITH_YOU: expected.get(Direction.TO_CUSTOMER),
    }
    return [(step, days.get(step)) for step in NEXT_STEPS.get(job.ticket.state, ())]


@dataclass(frozen=True)
class ParcelToCome:
    """The way back of a job that has not left yet. `on` is the day on which it is ready, if that is known."""

    on: date | None
    is_ready: bool


def parcel_to_come(job: Job, shipments: Iterable[Shipment]) -> ParcelToCome | None:
    """None if it is not at the centre, has left already, or is collected at the counter."""
    parcel = job.ticket.parcel
    has_left = any(row.direction == Direction.TO_CUSTOMER for row in shipments)
    if not job.is_with_centre or has_left or parcel is None or not parcel.has_address:
        return None
    return ParcelToCome(job.ready_on(), job.ticket.state == S.READY)


@dataclass(frozen=True)
class TimelineEntry:
    """One line of the timeline."""

    kind: str
    title: str | Promise
    at: datetime
    reported_at: datetime | None  # only if much later
    applied: bool
    estimate: Estimate | None = None
    part: Part | None = None
    expected: date | None = None
    reason: str | Promise = ""  # why the target has moved or who pays has changed
    due_at: datetime | None = None  # the new target


@dataclass(frozen=True)
class PauseEntry:
    """Why the clock was paused, and from when to when; `until` is None while it still is."""

    reason: str | Promise
    since: datetime
    until: datetime | None


CLOCK_RELATIONS = ["product", "centre", "parcel"]


def with_clocks(rows: TicketQuerySet) -> TicketQuerySet:
    """The tickets with everything that `make_job` reads but the calendars of their centres; `make_jobs` reads those."""
    return rows.select_related(*CLOCK_RELATIONS).prefetch_related("events")


OPEN_TICKETS_OF: CompiledModels[Ticket] = CompiledModels(
    lambda member: Ticket.objects.filter(member=member).open().select_related(*CLOCK_RELATIONS), related=CLOCK_RELATIONS
)


OWN_RELATIONS = [*CLOCK_RELATIONS, "registration", "follows"]
OWN: CompiledModels[Ticket] = CompiledModels(
    lambda accounts, reference: Ticket.objects.filter(
        IsAmong(F("member"), Value(accounts)), reference=reference
    ).select_related(*OWN_RELATIONS),
    related=OWN_RELATIONS,
)


def find_own_ticket(member: Member, reference: str) -> Ticket | None:
    """The member's ticket, also of accounts that became one with theirs (R69), with what `make_job` reads."""
    ticket = OWN.first(accounts=joined_keys(member.accounts), reference=reference)
    if ticket is not None:
        prefetch_related_objects([ticket], "events")
    return ticket


def make_jobs(tickets: Iterable[Ticket], now: datetime) -> list[Job]:
    """Jobs of tickets from `with_clocks`, in a number of queries that does not depend on how many they are."""
    rows = list(tickets)
    load_calendars(ticket.centre for ticket in rows)
    return [make_job(ticket, now) for ticket in rows]


def make_job(ticket: Ticket, now: datetime) -> Job:
    clock = get_clock(ticket, now, list(ticket.events.all()))
    day = expected_ready_on(clock, ticket.centre.calendar, ticket.centre.today(now))
    return Job(ticket, clock, summarize_clock(clock, ticket.target_days), day, now)


def open_jobs(member: Member, now: datetime) -> list[Job]:
    """Jobs that need the member first, then those that are late, then the others by when they are due."""
    if member.accounts == [member.pk]:
        rows = OPEN_TICKETS_OF.all(member=member.pk)
        prefetch_related_objects(rows, "events")
    else:  # accounts that became one (R69)
        rows = list(with_clocks(Ticket.objects.of(member).open()))
    jobs = make_jobs(rows, now)
    never = datetime.max.replace(tzinfo=now.tzinfo)
    return sorted(jobs, key=lambda job: (not job.needs_member, not job.is_late, job.clock.due_at or never))


def list_kit_in_service(member: Member, now: datetime) -> dict[int, InService]:
    """What of the Kitbag is at a centre, or on its way there or back, by the key of the registration."""
    return {
        job.ticket.registration_id: _in_service(job)
        for job in reversed(open_jobs(member, now))
        if job.ticket.registration_id is not None and job.is_away
    }


def _in_service(job: Job) -> InService:
    is_moving = not job.is_with_centre
    is_late = job.is_late and not job.clock.stopped_at
    where = _("On its way back") if job.ticket.state == S.SHIPPED else _("On its way")
    if not is_moving:
        where = _("At the centre, late") if is_late else _("At the centre")
    sentence = str(job.state_sentence)
    if job.expected_ready_on:
        day = gettext("New date: %(day)s.") % {"day": date_format(job.expected_ready_on, "D j F")}
        sentence = f"{day} {sentence}"
    return InService(job.ticket.get_absolute_url(), where, sentence, is_late=is_late, is_moving=is_moving)


answer_in_service(list_kit_in_service)


def fast_track_places(jobs: Iterable[Job]) -> tuple[list[bool], int]:
    """Whether each of the three places is taken, and how many are (R49)."""
    taken = sum(job.ticket.place is not None for job in jobs)
    return [n < taken for n in range(PLACES)], taken


def build_timeline(job: Job, estimates: Iterable[Estimate], parts: Iterable[Part]) -> list[TimelineEntry]:
    """All events in order of occurrence, also those that changed nothing (R52)."""
    estimates_by_pk = {estimate.pk: estimate for estimate in estimates}
    parts_by_pk = {part.pk: part for part in parts}
    rows = {row.pk: row for row in job.ticket.events.all()}
    return [
        _entry(
            rows[step.event.sequence], estimates_by_pk, parts_by_pk, job.ticket.centre.calendar, applied=step.applied
        )
        for step in job.clock.steps
    ]


def list_pauses(job: Job) -> list[PauseEntry]:
    """Every pause with its reason (R47)."""
    return [PauseEntry(PauseReason(pause.reason).label, pause.since, pause.until) for pause in job.clock.pauses]


def open_estimate(estimates: Iterable[Estimate], ticket: Ticket) -> Estimate | None:
    """The estimate that the member can answer now."""
    if ticket.state != S.ESTIMATE_SENT:
        return None
    return next((estimate for estimate in estimates if estimate.state == EstimateState.OPEN), None)


def why_unrepaired(estimates: Iterable[Estimate], ticket: Ticket) -> str:
    """Why it comes back unrepaired: "declined" or "expired"; "" if it does not, or is back already."""
    if ticket.charge != Charge.DECLINED or ticket.ended_at or ticket.state == S.ESTIMATE_SENT:
        return ""
    newest = max(estimates, key=lambda estimate: estimate.number, default=None)
    return "expired" if newest and newest.state == EstimateState.EXPIRED else "declined"


def _reason_of(row: TicketEvent, calendar: Calendar) -> str | Promise:
    why = row.data.get("why")
    if row.kind == E.TARGET_CHANGED:
        return describe_change(row.data, calendar)
    if row.kind == E.NO_CHARGE and why in WhyNoCharge.values:
        return WhyNoCharge(why).label
    if row.kind == E.OTHER_FAULT and why in WhyOtherFault.values:
        return WhyOtherFault(why).label
    return ""


def _entry(
    row: TicketEvent,
    estimates: Mapping[int, Estimate],
    parts: Mapping[int, Part],
    calendar: Calendar,
    *,
    applied: bool,
) -> TimelineEntry:
    key = events.sentence_key(row.kind, row.data)
    expected = row.data.get("expected")
    delay = (row.received_at - row.occurred_at).total_seconds()
    return TimelineEntry(
        kind=key,
        title=TITLES.get(key, EventKind(row.kind).label),
        at=row.occurred_at,
        reported_at=row.received_at if delay > LATE_REPORT_SECONDS else None,
        applied=applied,
        estimate=estimates.get(row.referenced_pk("estimate")),
        part=parts.get(row.referenced_pk("part")),
        expected=date.fromisoformat(expected) if expected else None,
        reason=_reason_of(row, calendar),
        due_at=datetime.fromisoformat(row.data["after"]) if row.kind == E.TARGET_CHANGED else None,
    )
