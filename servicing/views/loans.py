"""A loan while a repair takes longer: what the ticket's page shows of it, and the agreement (R48, R53)."""

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.reference import parse_reference
from members.access import MemberRequest, member_required
from servicing.actions import loans
from servicing.actions.events import Actor
from servicing.enums import EventKind
from servicing.models import Loan, LoanUnit, Ticket

MAX_SHOWN, MAX_ANSWER_BYTES = 6, 60  # of like ones the first is enough to choose


@dataclass(frozen=True)
class LoanPanel:
    """What a ticket's page says of loans: the one there is, or what can be borrowed."""

    loan: Loan | None
    units: list[LoanUnit]
    declined: bool
    overdue: bool = False


def panel(ticket: Ticket) -> LoanPanel | None:
    """The panel for the ticket's page; None if there is nothing to say."""
    loan = loans.open_loan(ticket)
    if loan:
        today = ticket.centre.today(timezone.now())
        return LoanPanel(loan, [], declined=False, overdue=loan.is_overdue(today))
    if not loans.is_offered(ticket):
        return None
    declined = ticket.events.filter(kind=EventKind.LOAN_DECLINED).exists()
    kinds = {(unit.product_id, unit.condition): unit for unit in reversed(loans.free_units(ticket)[:MAX_ANSWER_BYTES])}
    return LoanPanel(None, list(reversed(kinds.values()))[:MAX_SHOWN], declined)


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def loan(request: MemberRequest, reference: str) -> HttpResponse:
    """Choose a unit, decline, read and accept the agreement, or give the reservation up."""
    ticket = get_object_or_404(
        Ticket.objects.of(request.member).select_related("product", "centre", "registration"),
        reference=parse_reference(reference),
    )
    refusal = None
    if request.method == "POST":
        try:
            _act(request, ticket)
        except Refusal as error:
            refusal = error
        else:
            return HttpResponseRedirect(_where(ticket))
    shown = panel(ticket)
    if shown is None and refusal is None:
        return HttpResponseRedirect(ticket.get_absolute_url())
    context = {"ticket": ticket, "panel": shown, "version": loans.AGREEMENT, "refusal": refusal}
    return render(request, "servicing/loan.html", context, status=422 if refusal else 200)


def _act(request: MemberRequest, ticket: Ticket) -> None:
    now, by = timezone.now(), request.user
    found = loans.open_loan(ticket)
    wanted = request.POST.get("unit", "")
    match request.POST.get("do", ""):
        case "reserve" if wanted == "none":
            loans.decline_offer(ticket=ticket, by=by, at=now)
        case "reserve":
            unit = LoanUnit.objects.filter(pk=_key(wanted)).first()
            if unit is None:
                raise Refusal("unit", _("Choose one of these."), "unit")
            loans.reserve(ticket=ticket, unit=unit, by=by, at=now)
        case "agree" if found:
            if not request.POST.get("agreed"):
                raise Refusal("agreed", _("Tick the box to accept the agreement."), "agreed")
            loans.accept_agreement(loan=found, version=request.POST.get("version", "")[:20], at=now)
            messages.success(request, _("Accepted. Fetch it at the centre, or have it sent."))
        case "cancel" if found:
            loans.cancel(loan=found, actor=Actor(user=by), at=now)
            messages.success(request, _("The reservation was given up."))
        case _:
            raise Refusal("gone", _("This has changed meanwhile. Look again."))


def _key(typed: str) -> int:
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 19 else 0


def _where(ticket: Ticket) -> str:
    """On to the agreement while it has to be accepted; otherwise back to the job."""
    found = loans.open_loan(ticket)
    home = ticket.get_absolute_url()
    return f"{home}loan/" if found and not found.agreed_at else home
