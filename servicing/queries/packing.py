"""Jobs that are ready to leave, and where the loans of their customers are due (R53, R61)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Exists, OuterRef, Prefetch, QuerySet

from cps_portal.core.lib.reference import parse_reference
from kitbag.rules import look_up_keys
from members.models import User
from servicing.enums import LoanState, TicketState
from servicing.models import Loan, ServiceCentre, Shipment, Ticket
from servicing.rules.loans import LoanTerms, add_days

MAX_READY = 200  # on one page
MAX_LEFT = 20


def ready_tickets(user: User) -> QuerySet[Ticket]:
    """The jobs that this person may ship, the longest ready first. Nobody works on a job of their own."""
    related = ("product", "member__user", "visitor", "centre", "parcel", "packed__carrier")
    tickets = Ticket.objects.seen_by(user).filter(state=TicketState.READY).exclude(member__user=user)
    return tickets.select_related(*related).order_by("ready_at", "pk")


def left_today(user: User, centres: QuerySet[ServiceCentre], at: datetime) -> QuerySet[Shipment]:
    """The boxes that left in the last day, the newest first, with those of their jobs that this person sees."""
    jobs = Ticket.objects.seen_by(user).exclude(member__user=user).select_related("product", "member", "visitor")
    mine = jobs.filter(centre__in=centres, shipments=OuterRef("pk"))
    boxes = Shipment.objects.to_customer().filter(Exists(mine), sent_at__gt=at - timedelta(days=1))
    shown = boxes.select_related("carrier").prefetch_related(Prefetch("tickets", jobs.order_by("pk"), to_attr="jobs"))
    return shown.order_by("-sent_at", "-pk")[:MAX_LEFT]


def find_scanned(text: str, tickets: Sequence[Ticket]) -> Ticket | None:
    """The job with this reference, parcel or serial number: of several the first that is not packed yet."""
    reference, keys = parse_reference(text), set(look_up_keys(text))
    fitting = [
        ticket
        for ticket in tickets
        if (reference and reference in (ticket.reference, ticket.parcel.reference)) or ticket.serial_key in keys
    ]
    return next((ticket for ticket in fitting if not is_packed(ticket)), fitting[0] if fitting else None)


def is_packed(ticket: Ticket) -> bool:
    return hasattr(ticket, "packed")


@dataclass(frozen=True)
class LoanOut:
    """A loan that is out while the customer’s own product leaves. `due_back`: if it leaves today."""

    loan: Loan
    due_back: date


def loans_out(tickets: Iterable[Ticket], terms: LoanTerms, at: datetime) -> list[LoanOut]:
    """The loans of these jobs. A day that the customer has been told never moves to an earlier one."""
    by_key = {ticket.pk: ticket for ticket in tickets if ticket.loan_out}
    loans = Loan.objects.filter(ticket__in=by_key, state=LoanState.OUT).select_related("unit__product", "member")
    return [LoanOut(loan, _due_back(loan, by_key[loan.ticket_id], terms, at)) for loan in loans.order_by("pk")]


def _due_back(loan: Loan, ticket: Ticket, terms: LoanTerms, at: datetime) -> date:
    calendar, today = ticket.centre.calendar, ticket.centre.today(at)
    expected = ticket.packed.expected_on if is_packed(ticket) else None
    arrives = max(expected, today) if expected else add_days(today, terms.carrier_days, calendar)
    day = add_days(arrives, terms.back_days, calendar)
    return max(day, loan.due_back) if loan.due_back else day
