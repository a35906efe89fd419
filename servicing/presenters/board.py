"""The board of a centre: when a job is due in words and as a ring, what happens next, who works on it (R54)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import time_format
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.clock import ZERO, working_time_between
from cps_portal.core.lib.written_dates import date_format
from members.enums import Level
from members.models import User
from servicing.enums import BEFORE_INTAKE, LoanState, TicketState, Travel
from servicing.models import Loan, Ticket
from servicing.rules.lanes import Lane, lane_of
from servicing.rules.next_step import JobFacts, Step, next_step

Text = str | Promise
LOANS = "loans"
COLUMNS: tuple[tuple[str, ...], ...] = (
    (Lane.ARRIVING,),
    (Lane.ASSESS,),
    (Lane.CUSTOMER, Lane.PARTS),
    (Lane.REPAIR,),
    (Lane.READY, LOANS),
)
LANE_NAMES: Mapping[str, Text] = {
    Lane.ARRIVING: _("Arriving"),
    Lane.ASSESS: _("To assess"),
    Lane.CUSTOMER: _("Waiting for customer"),
    Lane.PARTS: _("Waiting for parts"),
    Lane.REPAIR: _("In repair"),
    Lane.READY: _("Ready to ship"),
    LOANS: _("Loans"),
}
STEP_WORDS: Mapping[Step, Text] = {
    Step.BOOK_IN: _("Book it in"),
    Step.ASSESS: _("Assess it"),
    Step.DECIDE_WARRANTY: _("Decide the warranty"),
    Step.SEND_ESTIMATE: _("Send an estimate"),
    Step.ANSWER_ESTIMATE: _("The customer answers the estimate"),
    Step.ANSWER_QUESTION: _("The customer answers a question"),
    Step.ORDER_PART: _("Order the part"),
    Step.PART_ARRIVED: _("The parts arrive"),
    Step.ARRIVE_AND_START: _("The part arrives"),
    Step.START_REPAIR: _("Start the work"),
    Step.READY: _("Test it, then ready"),
    Step.SHIP: _("Ship it"),
    Step.CLOSE: _("Hand it over"),
}
FILTER_NAMES: Mapping[str, tuple[Text, str, str]] = {  # name, icon, tone
    "all": (_("All"), "", ""),
    "mine": (_("Mine"), "", ""),
    "late": (_("Late"), "alert", "error"),
    "today": (_("Due today"), "clock", "warn"),
    "wrote": (_("Customer wrote"), "dot", ""),
    "fast": (_("Fast Track"), "bolt", ""),
    "nobody": (_("No technician"), "", ""),
    **{level.value: (level.label, "level", "") for level in Level},
}
DAY = "D j M"
RECENT = timedelta(days=6)  # for which the day of the week says enough


@dataclass(frozen=True)
class Due:
    """When something is due. `state`: on, soon, late or paused. `share` of the time that is used, in percent."""

    state: str
    text: str
    share: int = 0

    @property
    def spoken(self) -> str:
        """What colour and ring say, for screen readers."""
        words = {
            "on": gettext("On track: "),
            "soon": gettext("Due soon: "),
            "late": gettext("Late: "),
            "paused": gettext("Paused: "),
        }
        return words[self.state]


@dataclass(frozen=True)
class Technician:
    name: str
    initials: str


@dataclass(frozen=True)
class Card:
    """A job or a loan on the board. `key` is the id of its link, by which htmx finds the focus again."""

    key: str
    url: str
    title: str
    product: Any
    who: str
    level: str
    level_name: str
    what: str
    reference: str
    due: Due
    wrote: str = ""
    technician: Technician | None = None
    takes_technician: bool = False
    lane: str = ""
    lane_name: str = ""
    step: str = ""


@dataclass(frozen=True)
class LaneView:
    """A lane with its first cards. `more`: how many further ones the list has."""

    name: str
    title: Text
    total: int
    cards: list[Card]

    @property
    def more(self) -> int:
        return self.total - len(self.cards)


@dataclass(frozen=True)
class Chip:
    """A filter with how many jobs it shows."""

    name: str
    label: Text
    icon: str
    tone: str
    count: int


def make_cards(tickets: Iterable[Ticket], due_while_paused: Mapping[int, datetime], now: datetime) -> list[Card]:
    """Cards of tickets from `with_facts`, whose centres have their calendars."""
    return [_card(ticket, due_of(ticket, due_while_paused.get(ticket.pk), now), now) for ticket in tickets]


def _card(ticket: Any, due: Due, now: datetime) -> Card:
    level, lane = ticket.level_now, lane_of(ticket.state, paused=ticket.paused) or ""
    return Card(
        key=f"job-{ticket.pk}",
        url=reverse("admin:servicing_ticket_change", args=[ticket.pk]),
        title=ticket.product.name,
        product=ticket.product,
        who=customer_name(ticket),
        level=level,
        level_name=str(Level(level).label) if level in Level else gettext("visiting"),
        what=_what(ticket),
        reference=ticket.reference_in_groups,
        due=due,
        wrote=when(ticket.unread_since, now, ticket.centre.zone) if ticket.unread_since else "",
        technician=technician_of(ticket.technician),
        takes_technician=ticket.state not in BEFORE_INTAKE,
        lane=lane,
        lane_name=str(LANE_NAMES.get(lane, "")),
        step=step_words(ticket),
    )


def step_words(ticket: Any) -> str:
    """The proposed step of a ticket from `with_facts`, in words."""
    facts = JobFacts(
        state=ticket.state,
        charge=ticket.charge,
        warranty=ticket.warranty,
        asks=ticket.paused,
        parts_missing=ticket.parts_missing,
        needs_part=ticket.needs_part,
        returns=ticket.parcel.returns,
    )
    step = next_step(facts)
    return str(STEP_WORDS[step]) if step else ""


def customer_name(ticket: Ticket) -> str:
    if ticket.member:
        return ticket.member.full_name or ticket.member.number_in_groups
    return ticket.visitor.name if ticket.visitor else ""


def technician_of(user: User | None) -> Technician | None:
    """The name and initials of somebody who signs in with an address: the part before the @."""
    if user is None:
        return None
    name = user.email.partition("@")[0]
    words = [word for word in name.replace("_", ".").replace("-", ".").replace("+", ".").split(".") if word]
    initials = words[0][0] + words[-1][0] if len(words) > 1 else name[:2]
    return Technician(user.email, initials.upper())


def due_of(ticket: Ticket, due_while_paused: datetime | None, now: datetime) -> Due:
    """When a job is due, at the centre's own time; while its clock is paused, how much of its time is left."""
    zone = ZoneInfo(ticket.centre.zone)
    if ticket.ready_at:
        ready = date_format(ticket.ready_at.astimezone(zone), DAY)
        is_late = ticket.due_at is not None and ticket.ready_at > ticket.due_at
        return Due("late" if is_late else "on", gettext("Ready %(day)s") % {"day": ready}, 100)
    if ticket.due_at is None or ticket.booked_in_at is None:
        return Due("on", gettext("Since %(day)s") % {"day": date_format(ticket.opened_at.astimezone(zone), DAY)})
    if ticket.paused:
        return Due("paused", _days_left(ticket, now, due_while_paused or ticket.due_at))
    if ticket.due_at <= now:
        return Due("late", _days_late(ticket, now), 100)
    return _running(ticket, ticket.booked_in_at, ticket.due_at, now)


def _running(ticket: Ticket, booked_in_at: datetime, due_at: datetime, now: datetime) -> Due:
    calendar = ticket.centre.calendar
    left = working_time_between(now, due_at, calendar)
    total = left + working_time_between(booked_in_at, now, calendar)
    share = round(100 * (1 - left / total)) if total > ZERO else 100
    local_due, local_now = due_at.astimezone(calendar.zone), now.astimezone(calendar.zone)
    if local_due.date() == local_now.date():
        return Due("soon", gettext("Today %(time)s") % {"time": time_format(local_due, "H:i")}, share)
    return Due("on", date_format(local_due, DAY), share)


def _working_days(ticket: Ticket, start: datetime, end: datetime) -> int:
    """Working days of the centre after the day of `start`, up to and including that of `end`."""
    calendar = ticket.centre.calendar
    first, last = start.astimezone(calendar.zone).date(), end.astimezone(calendar.zone).date()
    return sum(calendar.is_working_day(first + timedelta(days=n)) for n in range(1, (last - first).days + 1))


def _days_late(ticket: Ticket, now: datetime) -> str:
    days = _working_days(ticket, ticket.due_at or now, now)
    if not days:
        return gettext("Late today")
    return ngettext("%(count)s day late", "%(count)s days late", days) % {"count": days}


def _days_left(ticket: Ticket, now: datetime, due_at: datetime) -> str:
    days = _working_days(ticket, now, due_at)
    if not days:
        return gettext("Less than a day left")
    return ngettext("%(count)s day left", "%(count)s days left", days) % {"count": days}


def when(at: datetime, now: datetime, zone: str) -> str:
    """A moment in few signs: the time today, the day of the week before, then the date."""
    local, local_now = at.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone))
    if local.date() == local_now.date():
        return time_format(local, "H:i")
    return date_format(local, "D" if now - at < RECENT else "j M")


def _what(ticket: Any) -> str:
    """What is known of the job, in the words of its lane."""
    lane = lane_of(ticket.state, paused=ticket.paused)
    if lane == Lane.ARRIVING:
        return _way_here(ticket)
    if lane == Lane.CUSTOMER:
        is_estimate = ticket.state == TicketState.ESTIMATE_SENT
        return gettext("Estimate sent") if is_estimate else gettext("Question asked")
    if lane == Lane.PARTS:
        return _part(ticket)
    if lane == Lane.READY:
        return gettext("Goes back by courier") if ticket.parcel.returns else gettext("The customer collects it")
    if ticket.same_fault:
        return gettext("Same fault again")
    return str(ticket.fault or ticket.get_service_display())


def _way_here(ticket: Ticket) -> str:
    parcel = ticket.parcel
    if ticket.state == TicketState.IN_TRANSIT:
        return gettext("On its way")
    if parcel.travel == Travel.COLLECTION and parcel.collect_on:
        return gettext("Collected %(day)s") % {"day": date_format(parcel.collect_on, DAY)}
    return str(parcel.get_travel_display())


def _part(ticket: Any) -> str:
    if not ticket.parts_missing:
        return gettext("The parts are here")
    if ticket.expected_on is None:
        return gettext("Part without a date")
    return gettext("Part comes %(day)s") % {"day": date_format(ticket.expected_on, DAY)}


def loan_cards(loans: Iterable[Loan], now: datetime) -> list[Card]:
    """Cards of loans that are reserved or out."""
    today = timezone.localdate(now)
    return [
        Card(
            key=f"loan-{loan.pk}",
            url=reverse("admin:servicing_loan_change", args=[loan.pk]),
            title=loan.unit.product.name,
            product=loan.unit.product,
            who=loan.member.full_name or loan.member.number_in_groups,
            level=loan.member.level,
            level_name=str(loan.member.get_level_display()),
            what=gettext("For %(job)s") % {"job": loan.ticket.reference_in_groups},
            reference=loan.unit.serial,
            due=_loan_due(loan, is_overdue=loan.is_overdue(today)),
        )
        for loan in loans
    ]


def _loan_due(loan: Loan, *, is_overdue: bool) -> Due:
    if loan.state == LoanState.RESERVED:
        return Due("on", gettext("To hand out"))
    if loan.due_back is None:
        return Due("on", gettext("Back after the repair"))
    day = date_format(loan.due_back, DAY)
    return Due("late", gettext("Was due %(day)s") % {"day": day}, 100) if is_overdue else Due("on", day)


def make_chips(totals: Mapping[str, int]) -> list[Chip]:
    """The filters that show something, and the one for everything."""
    return [
        Chip(name, label, icon, tone, totals[name])
        for name, (label, icon, tone) in FILTER_NAMES.items()
        if name == "all" or totals.get(name)
    ]


def summary(late: int, today: int, wrote: int) -> str:
    """The line under the heading."""
    sentences = [
        (late, ngettext("%(count)s job is late.", "%(count)s jobs are late.", late)),
        (today, ngettext("%(count)s is due today.", "%(count)s are due today.", today)),
        (wrote, ngettext("%(count)s customer waits for an answer.", "%(count)s customers wait for an answer.", wrote)),
    ]
    shown = [sentence % {"count": count} for count, sentence in sentences if count]
    return " ".join(shown) or gettext("Nothing is late, nothing is due today, and nobody waits for an answer.")
