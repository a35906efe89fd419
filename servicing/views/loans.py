"""Borrowing a loan unit while a repair is late: the panel on the ticket's page and the agreement (R48, R53)."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.reference import parse_reference
from members.access import MemberRequest, member_required
from servicing.actions import loans
from servicing.actions.events import Actor
from servicing.enums import EventKind
from servicing.models import Loan, LoanUnit, Ticket
from servicing.queries.locator import opening_text

MAX_UNITS_SHOWN = 6
MAX_UNITS_READ = 60  # more than are shown, because units alike in product and condition are shown once


@dataclass(frozen=True)
class LoanPanel:
    """What a ticket's page shows about loans: the open loan, or the units the member can borrow."""

    loan: Loan | None
    units: list[LoanUnit]
    declined: bool
    overdue: bool = False
    hours: str = ""  # of the centre, where it can be collected


def make_loan_panel(ticket: Ticket, *, has_loan: bool = True) -> LoanPanel | None:
    """The panel for the ticket's page; None if there is nothing to show. `has_loan`: whether one is open, if known."""
    open_loan = loans.open_loan(ticket) if has_loan else None
    now = timezone.now()
    if open_loan:
        open_loan.ticket = ticket
        today = ticket.centre.today(now)
        return LoanPanel(open_loan, [], declined=False, overdue=open_loan.is_overdue(today), hours=_hours(ticket, now))
    if not loans.is_offered(ticket):
        return None
    declined = ticket.events.filter(kind=EventKind.LOAN_DECLINED).exists()
    distinct_units = {
        (unit.product_id, unit.condition): unit for unit in reversed(loans.free_units(ticket)[:MAX_UNITS_READ])
    }
    return LoanPanel(
        None, list(reversed(distinct_units.values()))[:MAX_UNITS_SHOWN], declined, hours=_hours(ticket, now)
    )


def _hours(ticket: Ticket, at: datetime) -> str:
    """Until when the centre is open, or from when."""
    return opening_text(ticket.centre, at)[1]


@never_cache  # or Back would show a form that has been answered, after the reservation was cancelled
@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def loan_page(request: MemberRequest, reference: str) -> HttpResponse:
    """Choose or decline a unit, read and accept the agreement, or cancel the reservation."""
    ticket = get_object_or_404(
        Ticket.objects.of(request.member).select_related("product", "centre", "registration", "parcel"),
        reference=parse_reference(reference),
    )
    refusal = None
    if request.method == "POST":
        try:
            _perform(request, ticket)
        except Refusal as error:
            refusal = error
        else:
            return HttpResponseRedirect(_next_url(ticket))
    panel = make_loan_panel(ticket)
    if panel is None and refusal is None:
        return HttpResponseRedirect(ticket.get_absolute_url())
    context = {"ticket": ticket, "panel": panel, "version": loans.AGREEMENT, "refusal": refusal}
    return render(request, "servicing/loan.html", context, status=422 if refusal else 200)


def _perform(request: MemberRequest, ticket: Ticket) -> None:
    now, by = timezone.now(), request.user
    loan = loans.open_loan(ticket)
    choice = request.POST.get("unit", "")
    match request.POST.get("do", ""):
        case "decline":
            loans.decline_offer(ticket=ticket, by=by, at=now)
        case "reserve":
            unit = LoanUnit.objects.filter(pk=_parse_pk(choice)).first()
            if unit is None:
                raise Refusal("unit", _("Choose one of these units."), "unit")
            loans.reserve(ticket=ticket, unit=unit, by=by, at=now)
        case "agree" if loan:
            if not request.POST.get("agreed"):
                raise Refusal("agreed", _("Tick the box to accept the agreement."), "agreed")
            loans.accept_agreement(loan=loan, version=request.POST.get("version", "")[:20], at=now)
            messages.success(request, _("Accepted. Pick it up at the centre, or ask them to send it."))
        case "cancel" if loan:
            loans.cancel(loan=loan, actor=Actor(user=by), at=now)
            messages.success(request, _("Your reservation is cancelled."))
        case _:
            raise Refusal("gone", _("This has changed in the meantime. Please look again."))


def _parse_pk(typed: str) -> int:
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 19 else 0


def _next_url(ticket: Ticket) -> str:
    """The agreement while it has to be accepted, otherwise the ticket's page."""
    loan = loans.open_loan(ticket)
    ticket_url = ticket.get_absolute_url()
    return f"{ticket_url}loan/" if loan and not loan.agreed_at else ticket_url
