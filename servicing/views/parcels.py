"""A parcel that was asked for: its references, what to do now, its papers, and that it is on its way (R49, R52)."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.reference import parse_reference
from members.access import MemberRequest, member_required
from members.forms.common import add_refusal
from servicing.actions import shipping
from servicing.actions.events import Actor
from servicing.actions.tickets import cancel as cancel_ticket
from servicing.enums import BEFORE_INTAKE, TicketState
from servicing.forms.requests import SentForm
from servicing.models import Parcel, Ticket
from servicing.presenters import parcel_papers
from servicing.rules.places import HELD_FOR


@never_cache
@require_safe
@member_required
def parcel(request: MemberRequest, reference: str) -> HttpResponse:
    row, tickets = _own(request, reference)
    return _page(request, row, tickets, SentForm(initial={"carrier": row.carrier, "tracking": row.tracking}))


@never_cache
@require_POST
@member_required
def sent(request: MemberRequest, reference: str) -> HttpResponse:
    """It is on its way."""
    row, tickets = _own(request, reference)
    form = SentForm(request.POST)
    if form.is_valid():
        try:
            went = shipping.mark_sent(
                parcel=row,
                member=request.member,
                actor=Actor(user=request.user),
                at=timezone.now(),
                **form.cleaned_data,
            )
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, _("On its way. We tell you when it is booked in.") if went else _("Saved."))
            return redirect(row)
    return _page(request, row, tickets, form, status=422)


@never_cache
@require_POST
@member_required
def cancel(request: MemberRequest, reference: str) -> HttpResponse:
    """Call off everything of a parcel that is not at the centre yet."""
    row, tickets = _own(request, reference)
    before = [one for one in tickets if one.state in BEFORE_INTAKE]
    try:
        for one in before:
            cancel_ticket(ticket=one, actor=Actor(user=request.user), at=timezone.now())
    except Refusal as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Cancelled.") if before else _("There is nothing left to cancel."))
    return redirect(row)


@never_cache
@require_safe
@member_required
def label(request: MemberRequest, reference: str) -> HttpResponse:
    row, tickets = _own(request, reference)
    return _pdf(parcel_papers.label(row, request.member, _travelling(tickets)), f"label-{row.reference}.pdf")


@never_cache
@require_safe
@member_required
def packing_list(request: MemberRequest, reference: str) -> HttpResponse:
    row, tickets = _own(request, reference)
    paper = parcel_papers.packing_list(row, request.member, _travelling(tickets))
    return _pdf(paper, f"packing-list-{row.reference}.pdf")


def _pdf(content: bytes, name: str) -> HttpResponse:
    disposition = {"Content-Disposition": f'inline; filename="{name}"'}
    return HttpResponse(content, content_type="application/pdf", headers=disposition)


def _travelling(tickets: list[Ticket]) -> list[Ticket]:
    """What is in the box. Raises Http404 if there is nothing: all waits, or is called off."""
    found = [one for one in tickets if one.state not in (TicketState.WAITING, TicketState.CANCELLED)]
    if not found:
        raise Http404
    return found


def _own(request: MemberRequest, reference: str) -> tuple[Parcel, list[Ticket]]:
    """The parcel as typed or read out, with its jobs; somebody else's is not there."""
    found = parse_reference(reference)
    if not found:
        raise Http404
    mine = Ticket.objects.of(request.member).values("parcel")
    row = get_object_or_404(Parcel.objects.select_related("centre").filter(pk__in=mine), reference=found)
    rows = row.tickets.filter(member=request.member).select_related("product", "centre").order_by("pk")
    return row, list(rows)


def _page(
    request: MemberRequest, row: Parcel, tickets: list[Ticket], form: SentForm, status: int = 200
) -> HttpResponse:
    states = {one.state for one in tickets}
    context = {
        "parcel": row,
        "tickets": tickets,
        "form": form,
        "to_send": bool(states & {TicketState.REQUESTED, TicketState.ACCEPTED}),
        "on_its_way": TicketState.IN_TRANSIT in states,
        "waiting": [one for one in tickets if one.state == TicketState.WAITING],
        "has_papers": bool(states - {TicketState.WAITING, TicketState.CANCELLED}),
        "may_cancel": bool(states & set(BEFORE_INTAKE)),
        "held_days": HELD_FOR.days,
    }
    return render(request, "servicing/parcel.html", context, status=status)
