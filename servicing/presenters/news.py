"""Whether what a member was told about a ticket still holds (R56, R70): for notices and for e-mails."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Prefetch

from servicing.enums import (
    IN_WORKSHOP,
    OPEN_LOANS,
    OVER,
    Charge,
    EstimateState,
    EventKind,
    LoanState,
    TicketState,
    Track,
)
from servicing.models import Estimate, Loan, Part, Ticket, load_calendars
from servicing.presenters import events
from servicing.queries.clock import get_clock
from servicing.rules.loans import REMINDER_DAYS
from servicing.rules.moves import ON_THE_WAY

E, S = EventKind, TicketState


@dataclass(frozen=True)
class News:
    """What happened: a key of `events.SENTENCES`, the ticket, and the keys of the rows concerned, by name."""

    kind: str
    ticket: Ticket
    now: datetime
    rows: Mapping[str, int] = field(default_factory=dict)

    @property
    def state(self) -> TicketState:
        return TicketState(self.ticket.state)

    @property
    def is_in_workshop(self) -> bool:
        return self.state in IN_WORKSHOP

    @property
    def is_on_the_way(self) -> bool:
        return self.state in ON_THE_WAY

    @property
    def has_place(self) -> bool:
        return self.ticket.place is not None

    @property
    def loan(self) -> Loan | None:
        return next((loan for loan in self.ticket.loans.all() if loan.pk == self.rows.get("loan")), None)

    @property
    def part(self) -> Part | None:
        return next((part for part in self.ticket.parts.all() if part.pk == self.rows.get("part")), None)

    @property
    def newest_estimate(self) -> Estimate | None:
        return max(self.ticket.estimates.all(), key=lambda estimate: estimate.number, default=None)

    @property
    def asks(self) -> bool:
        """Whether the centre still waits for the answer to a question."""
        return get_clock(self.ticket, self.now, list(self.ticket.events.all())).has_open_question

    @property
    def is_last_of_its_kind(self) -> bool:
        """Whether no later event of the ticket has the same kind."""
        keys = [event.pk for event in self.ticket.events.all() if event.kind == self.kind]
        return not keys or self.rows.get("event", max(keys)) >= max(keys)


def _is_loan(news: News, state: LoanState) -> bool:
    return news.loan is not None and news.loan.state == state


def _is_loan_due(news: News, *, is_overdue: bool) -> bool:
    loan = news.loan
    if loan is None or loan.state != LoanState.OUT or loan.due_back is None:
        return False
    days_left = (loan.due_back - news.ticket.centre.today(news.now)).days
    return days_left < 0 if is_overdue else 0 <= days_left <= REMINDER_DAYS


def _is_day_of_loan(news: News) -> bool:
    """Whether the loan is still due on the day that was told."""
    loan = news.loan
    day = loan.due_back if loan and loan.state == LoanState.OUT else None
    return day is not None and day.toordinal() == news.rows.get("due", day.toordinal())


def _is_part_awaited(news: News) -> bool:
    return news.is_in_workshop and news.part is not None and news.part.arrived_at is None


def _is_loan_offered(news: News) -> bool:
    has_loan = any(loan.state in OPEN_LOANS for loan in news.ticket.loans.all())
    declined = any(event.kind == E.LOAN_DECLINED for event in news.ticket.events.all())
    return news.is_in_workshop and news.ticket.loan_possible and not has_loan and not declined


def _is_estimate_open(news: News) -> bool:
    newest = news.newest_estimate
    is_newest = newest is not None and newest.pk == news.rows.get("estimate", newest.pk)
    return is_newest and newest is not None and newest.state == EstimateState.OPEN


def _is_another_estimate_awaited(news: News) -> bool:
    newest = news.newest_estimate
    is_newest = newest is None or newest.pk == news.rows.get("estimate", newest.pk)
    return news.is_in_workshop and is_newest


# Every key of `events.SENTENCES`; a test says so.
IS_CURRENT: Mapping[str, Callable[[News], bool]] = {
    E.REQUESTED: lambda news: news.state not in OVER,
    E.PLACE_AWAITED: lambda news: news.state == S.WAITING,
    E.PLACE_GIVEN: lambda news: news.is_on_the_way and news.has_place,
    E.PLACE_LAPSED: lambda news: news.is_on_the_way and not news.has_place,
    E.ACCEPTED: lambda news: news.state == S.ACCEPTED,
    E.BOOKED_IN: lambda news: news.is_in_workshop,
    E.BECAME_STANDARD: lambda news: news.ticket.track == Track.STANDARD and news.state not in OVER,
    E.BECAME_FAST_TRACK: lambda news: news.ticket.track == Track.FAST and (news.is_on_the_way or news.is_in_workshop),
    E.WARRANTY_DECIDED: lambda news: news.state not in OVER and news.is_last_of_its_kind,
    E.NO_CHARGE: lambda news: news.ticket.charge == Charge.NO_CHARGE and news.state not in OVER,
    E.OTHER_FAULT: lambda news: news.ticket.charge == Charge.OPEN and news.is_in_workshop,
    events.OTHER_FAULT_STANDARD: lambda news: news.ticket.charge == Charge.OPEN and news.is_in_workshop,
    E.SERIAL_CHANGED: lambda news: True,
    events.SERIAL_CLAIMED: lambda news: news.state not in OVER,
    E.QUESTION_ASKED: lambda news: news.is_last_of_its_kind and news.asks,
    E.ESTIMATE_SENT: _is_estimate_open,
    events.REMINDER: _is_estimate_open,
    E.ESTIMATE_WITHDRAWN: _is_another_estimate_awaited,
    E.ESTIMATE_DECLINED: lambda news: news.state == TicketState.DECLINED,
    events.EXPIRED: lambda news: news.state == TicketState.DECLINED,
    E.PART_ORDERED: _is_part_awaited,
    E.PART_EXPECTED: _is_part_awaited,
    events.PART_LATE: _is_part_awaited,
    events.MESSAGE: lambda news: True,
    events.DOCUMENT: lambda news: True,
    E.TARGET_CHANGED: lambda news: news.is_in_workshop and news.is_last_of_its_kind,
    E.TARGET_MISSED: lambda news: news.is_in_workshop and news.ticket.missed_at is not None,
    E.LOAN_OFFERED: _is_loan_offered,
    E.LOAN_RESERVED: lambda news: _is_loan(news, LoanState.RESERVED),
    E.LOAN_CANCELLED: lambda news: news.is_in_workshop and _is_loan(news, LoanState.CANCELLED),
    E.LOAN_OUT: lambda news: _is_loan(news, LoanState.OUT),
    "loan_due": lambda news: _is_loan_due(news, is_overdue=False),
    "loan_overdue": lambda news: _is_loan_due(news, is_overdue=True),
    "loan_extended": lambda news: _is_loan(news, LoanState.OUT) and not _is_loan_due(news, is_overdue=True),
    "loan_dated": _is_day_of_loan,
    E.LOAN_RETURNED: lambda news: _is_loan(news, LoanState.RETURNED),
    E.READY: lambda news: news.state == S.READY,
    E.SHIPPED: lambda news: news.state == S.SHIPPED,
    E.SHIPMENT_CORRECTED: lambda news: news.state == S.SHIPPED and news.is_last_of_its_kind,
    E.CANCELLED: lambda news: news.state == S.CANCELLED,
}


def is_current(news: News) -> bool:
    """Whether it still holds. Kinds without a rule of their own hold until the ticket is over."""
    rule = IS_CURRENT.get(news.kind)
    return rule(news) if rule else news.state not in OVER


# What the rules above read beside the ticket; all others need no further query.
READS_EVENTS = (E.WARRANTY_DECIDED, E.QUESTION_ASKED, E.TARGET_CHANGED, E.LOAN_OFFERED, E.SHIPMENT_CORRECTED)
READS_ESTIMATES = (E.ESTIMATE_SENT, events.REMINDER, E.ESTIMATE_WITHDRAWN)
READS_PARTS = (E.PART_ORDERED, E.PART_EXPECTED, events.PART_LATE)


def tickets_for_news(keys: Iterable[int], kinds: Iterable[str]) -> dict[int, Ticket]:
    """The tickets by key, with what news of these kinds read: one to five queries, whatever their number."""
    news_kinds = set(kinds)
    related: dict[str | Prefetch[str], set[str]] = {
        "events": news_kinds.intersection(READS_EVENTS),
        "estimates": news_kinds.intersection(READS_ESTIMATES),
        "parts": news_kinds.intersection(READS_PARTS),
        Prefetch("loans", Loan.objects.select_related("unit__product")): {
            kind for kind in news_kinds if kind.startswith("loan_")
        },
    }
    tickets = Ticket.objects.filter(pk__in=set(keys)).select_related("product", "centre")
    rows = {ticket.pk: ticket for ticket in tickets.prefetch_related(*(rows for rows, used in related.items() if used))}
    if E.QUESTION_ASKED in news_kinds:  # its rule reads the clock
        load_calendars(ticket.centre for ticket in rows.values())
    return rows
