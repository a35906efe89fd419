"""The page of a job at the desk: its road, the clock with its pauses, the conversation, and the timeline (R52, R54)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.written_dates import date_format
from servicing.enums import Charge, EventKind, TicketState
from servicing.models import Part, Ticket, TicketEvent, TicketMessage, TicketNote
from servicing.presenters.tickets import Job
from servicing.queries.job import JobReading
from servicing.queries.technicians import TechnicianChange
from servicing.rules.clock import Clock, expected_ready_on, summarize_clock
from servicing.rules.next_step import Step

E, S = EventKind, TicketState
Text = str | Promise
DAY = "D j M"
RECEIVED_LATE = timedelta(minutes=1)  # with a longer delay the timeline also says when it was reported

# --- The proposed step -------------------------------------------------------------------------------

HEADINGS: Mapping[str, tuple[Text, Text]] = {  # what comes next, and what pressing the button does
    Step.BOOK_IN: (_("Next: book it in"), _("The clock starts, and the customer reads that it’s here.")),
    Step.ASSESS: (_("Next: look at it"), _("The clock runs on.")),
    Step.DECIDE_WARRANTY: (_("Next: decide the warranty"), _("The customer reads the decision.")),
    Step.SEND_ESTIMATE: (_("Next: send an estimate"), _("The clock is paused until the customer answers.")),
    Step.ANSWER_ESTIMATE: (
        _("The customer is looking at the estimate"),
        _("Only if they answer by phone or at the counter."),
    ),
    Step.ANSWER_QUESTION: (
        _("The customer has a question to answer"),
        _("Only if they answer by phone or at the counter. The clock runs again."),
    ),
    Step.ORDER_PART: (_("Next: order the part"), _("If it comes late, the customer is told and offered a loan.")),
    Step.PART_ARRIVED: (_("Next: the parts arrive"), _("The work goes on when the last one is here.")),
    Step.ARRIVE_AND_START: (_("Next: the part arrives, start the work"), _("Both are recorded. The clock runs on.")),
    Step.START_REPAIR: (_("Next: start the work"), _("The customer reads that work has begun.")),
    Step.READY: (_("Next: test it, then ready"), _("The clock stops.")),
    Step.SHIP: (_("Next: ship it"), _("The customer gets the tracking number.")),
    Step.CLOSE: (_("Next: hand it over"), _("The job is done.")),
}
UNREPAIRED = (_("Next: pack it, it goes back unrepaired"), _("The clock stops."))
ON_ITS_WAY = (_("On its way back"), _("Only once the customer has it. The job is done then."))


def heading(job: JobReading) -> tuple[Text, Text] | None:
    """The heading of the proposed step, and what happens when its button is pressed."""
    if job.proposed is None:
        return None
    if job.proposed == Step.READY and job.ticket.state == S.DECLINED:
        return UNREPAIRED
    if job.proposed == Step.CLOSE and job.ticket.state == S.SHIPPED:
        return ON_ITS_WAY
    return HEADINGS[job.proposed]


def with_summary(job: JobReading) -> Job:
    """The job as the ring of its clock shows it, on the pages of members too."""
    ticket, clock = job.ticket, job.clock
    day = expected_ready_on(clock, ticket.centre.calendar, ticket.centre.today(job.now))
    return Job(ticket, clock, summarize_clock(clock, ticket.target_days), day, job.now)


# --- The road ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stop:
    """A step of the road: `state` is done, now or ahead."""

    label: Text
    sub: str
    state: str


INTAKE, ASSESSED, ESTIMATE, PART, REPAIR, READY, BACK = range(7)
LABELS: tuple[Text, ...] = (
    _("Booked in"),
    _("Assessed"),
    _("Estimate"),
    _("Part"),
    _("Repair"),
    _("Ready"),
    _("With the customer"),
)
PLACES: Mapping[str, int] = {  # where a job stands in each state; one that is over stands nowhere
    S.WAITING: INTAKE,
    S.REQUESTED: INTAKE,
    S.ACCEPTED: INTAKE,
    S.IN_TRANSIT: INTAKE,
    S.BOOKED_IN: ASSESSED,
    S.ASSESSED: ESTIMATE,
    S.ESTIMATE_SENT: ESTIMATE,
    S.APPROVED: REPAIR,
    S.DECLINED: READY,
    S.WAITING_PARTS: PART,
    S.IN_REPAIR: REPAIR,
    S.READY: BACK,
    S.SHIPPED: BACK,
}
KINDS: Mapping[int, str] = {
    INTAKE: E.BOOKED_IN,
    ASSESSED: E.ASSESSED,
    REPAIR: E.REPAIR_STARTED,
    READY: E.READY,
    BACK: E.CLOSED,
}


def road(job: JobReading) -> list[Stop]:
    """The steps of the job. A part is one of them only if one was ordered."""
    zone = job.ticket.centre.calendar.zone
    days = {
        step.event.kind: date_format(step.event.occurred_at.astimezone(zone), DAY)
        for step in job.clock.steps
        if step.applied
    }
    subs = {place: days.get(kind, "") for place, kind in KINDS.items()}
    subs[ESTIMATE] = "" if job.ticket.charge == Charge.OPEN else str(Charge(job.ticket.charge).label)
    subs[PART] = _part_text(job)
    here = _place(job.ticket)
    is_over = here == len(LABELS)
    return [
        Stop(label, subs[place] or (str(job.ticket.get_state_display()) if place == here else ""), _state(place, here))
        for place, label in enumerate(LABELS)
        if (place != PART or job.parts) and not (is_over and not subs[place])
    ]


def _place(ticket: Ticket) -> int:
    is_settled = ticket.state == S.ASSESSED and ticket.charge not in (Charge.OPEN, Charge.DECLINED)
    return REPAIR if is_settled else PLACES.get(ticket.state, len(LABELS))


def _state(place: int, here: int) -> str:
    return "done" if place < here else "now" if place == here else "ahead"


def _part_text(job: JobReading) -> str:
    if not job.missing:
        return gettext("Arrived") if job.parts else ""
    days = [part.expected_on for part in job.missing if part.expected_on]
    return gettext("Comes %(day)s") % {"day": date_format(max(days), DAY)} if days else gettext("No date yet")


# --- The clock as a bar ------------------------------------------------------------------------------

BAR_WIDTH = 300
TEXT_WIDTH = 70  # a text in the middle needs this much beside those at the ends


@dataclass(frozen=True)
class Piece:
    """A piece of the bar: `kind` is its class. Lengths are text, so that no locale writes a comma."""

    kind: str
    x: str
    width: str


@dataclass(frozen=True)
class ClockBar:
    """From booking in until now, or until the clock stopped or is due. `due_x` is "" if it is not on the bar."""

    pieces: list[Piece]
    begin: str
    end: str
    due: str
    due_x: str
    has_room: bool
    text: str


def clock_bar(clock: Clock, now: datetime, zone: Any) -> ClockBar | None:
    """None before booking in."""
    if clock.started_at is None or clock.due_at is None:
        return None
    until = clock.stopped_at or max(now, clock.started_at)
    end = max(until, clock.due_at)
    length = (end - clock.started_at) or timedelta(seconds=1)

    def place(moment: datetime) -> float:
        return BAR_WIDTH * min(max((moment - clock.started_at) / length, 0), 1)  # type: ignore[operator]

    pauses = [(pause.since, min(pause.until or until, until)) for pause in clock.pauses if pause.since < until]
    pieces = [
        _piece("sc-cb-run", place(clock.started_at), place(min(until, clock.due_at))),
        *([_piece("sc-cb-late", place(clock.due_at), place(until))] if until > clock.due_at else []),
        *(_piece("sc-cb-pause", place(since), place(to)) for since, to in pauses),
    ]
    due_x = place(clock.due_at)
    begin, due = (date_format(moment.astimezone(zone), "j M") for moment in (clock.started_at, clock.due_at))
    is_now = clock.stopped_at is None and until == end
    return ClockBar(
        pieces=pieces,
        begin=begin,
        end=gettext("now") if is_now else date_format(end.astimezone(zone), "j M"),
        due=gettext("due %(day)s") % {"day": due},
        due_x=f"{due_x:.1f}",
        has_room=TEXT_WIDTH < due_x < BAR_WIDTH - TEXT_WIDTH,
        text=_bar_text(clock, begin, due, len(pauses)),
    )


def _piece(kind: str, begin: float, end: float) -> Piece:
    return Piece(kind, f"{begin:.1f}", f"{max(end - begin, 1):.1f}")


def _bar_text(clock: Clock, begin: str, due: str, pauses: int) -> str:
    sentences = [gettext("The clock started on %(day)s.") % {"day": begin}]
    if pauses:
        sentences.append(gettext("Pauses: %(count)s.") % {"count": pauses})
    sentences.append((gettext("It was due on %(day)s.") if clock.missed else gettext("Due on %(day)s.")) % {"day": due})
    return " ".join(sentences)


# --- Conversation ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """A message or a note: `by` is customer, us or note."""

    by: str
    name: str
    at: datetime
    text: str
    files: list[Any]
    is_new: bool = False


def conversation(ticket: Ticket, messages: Iterable[TicketMessage], notes: Iterable[TicketNote]) -> list[Entry]:
    """What was written, in order of time."""
    entries = [_message_entry(ticket, message) for message in messages]
    entries += [Entry("note", note.by.email if note.by else "", note.at, note.text, []) for note in notes]
    return sorted(entries, key=lambda entry: entry.at)


def _message_entry(ticket: Ticket, message: TicketMessage) -> Entry:
    files = list(message.files.all())
    if message.from_member:
        customer = ticket.member.full_name if ticket.member else ticket.visitor.name if ticket.visitor else ""
        name = customer or gettext("The customer")
        return Entry("customer", name, message.at, message.text, files, is_new=message.answered_at is None)
    name = message.by.email if message.by else str(ticket.centre)
    return Entry("us", name, message.at, message.text, files)


# --- Timeline ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LogLine:
    """One line of the timeline. `reported_at`: if it was reported more than a minute after it happened."""

    at: datetime
    what: str
    who: str
    reported_at: datetime | None = None
    applied: bool = True


def timeline(job: JobReading, changes: Iterable[TechnicianChange]) -> list[LogLine]:
    """All recorded events, latest first, also those that changed nothing (R52), and who had the job when."""
    events_by_pk = {event.pk: event for event in job.events}
    parts = {part.pk: part for part in job.parts}
    lines = [
        _event_line(event, parts, applied=step.applied)
        for step in job.clock.steps
        if (event := events_by_pk.get(step.event.sequence))
    ]
    lines += [_change_line(change) for change in changes]
    return sorted(lines, key=lambda line: line.at, reverse=True)


def _event_line(event: TicketEvent, parts: Mapping[int, Part], *, applied: bool) -> LogLine:
    part = parts.get(event.referenced_pk("part"))
    expected = event.data.get("expected")
    day = date_format(date.fromisoformat(expected), DAY) if expected else ""
    detail = ", ".join(text for text in (part.name if part else "", day) if text)
    what = str(event.get_kind_display())
    late = event.received_at - event.occurred_at > RECEIVED_LATE
    return LogLine(
        at=event.occurred_at,
        what=f"{what}: {detail}" if detail else what,
        who=event.by.email if event.by else str(event.partner or gettext("the portal")),
        reported_at=event.received_at if late else None,
        applied=applied,
    )


def _change_line(change: TechnicianChange) -> LogLine:
    name = change.technician or gettext("nobody")
    return LogLine(change.at, gettext("Technician: %(name)s") % {"name": name}, change.by or gettext("the portal"))
