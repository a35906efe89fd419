"""A parcel: its references, what to do next, its label and packing list, and marking it as sent (R49, R52)."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.pdf import pdf_response
from cps_portal.core.lib.reference import parse_reference
from cps_portal.core.submissions.kept import kept_values
from members.access import MemberRequest, answer_snapshot, member_required
from members.forms.common import add_refusal
from servicing.actions import shipping
from servicing.actions.events import Actor
from servicing.actions.tickets import cancel as cancel_ticket
from servicing.enums import BEFORE_INTAKE, TicketState
from servicing.forms.shipping import SentForm, shipping_forms
from servicing.models import Carrier, Parcel, Shipment, Ticket
from servicing.presenters import parcel_papers, parcels
from servicing.presenters.bar_codes import bar_code
from servicing.rules.places import HELD_FOR


@never_cache
@require_safe
@member_required
def parcel_detail(request: MemberRequest, reference: str) -> HttpResponse:
    parcel, tickets = _get_own_parcel(request, reference)
    sent = Shipment.objects.to_centre().filter(tickets__in=tickets).select_related("carrier").order_by("-pk").first()
    initial = {"carrier": sent.carrier_text, "tracking": sent.number} if sent else {}
    return _page(request, parcel, tickets, SentForm(initial=initial))


@never_cache
@require_POST
@member_required
def mark_sent(request: MemberRequest, reference: str) -> HttpResponse:
    """Record that the parcel is on its way, or its tracking number."""
    parcel, _tickets = _get_own_parcel(request, reference)
    form = SentForm(request.POST)
    if form.is_valid():
        try:
            is_on_its_way = shipping.mark_sent(
                parcel=parcel,
                member=request.member,
                actor=Actor(user=request.user),
                at=timezone.now(),
                tracking=shipping.Tracking(form.cleaned_data["carrier"], form.cleaned_data["tracking"]),
            )
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(
                request, _("On its way. We’ll tell you when it’s booked in.") if is_on_its_way else _("Saved.")
            )
            return redirect(parcel)
    with answer_snapshot(request):
        return _page(request, *_get_own_parcel(request, reference), form, status=422)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def change_shipping(request: MemberRequest, reference: str) -> HttpResponse:
    """Change how a parcel travels and where it returns to, until everything in it is shipped (R61)."""
    parcel, tickets = _get_own_parcel(request, reference)
    if not any(shipping.may_change_return(ticket) for ticket in tickets):
        raise Http404
    now = timezone.now()
    typed = request.POST if request.method == "POST" else kept_values(request) or None
    form, address = shipping_forms(typed, parcel=parcel, member=request.member, at=now)
    if request.method != "POST" or request.POST.get("go") == "shipping":
        address = address.without_errors() if typed else address
        return render(request, "servicing/parcel_shipping.html", {"parcel": parcel, "form": form, "address": address})
    bound = [form, address] if form.is_elsewhere else [form]
    if sum(each.is_valid() for each in bound) == len(bound):  # each is asked, so that all errors are shown
        returns = form.return_to(address.address if form.is_elsewhere else None)
        try:
            shipping.change_return(parcel=parcel, returns=returns, actor=Actor(user=request.user), at=now)
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, _("Saved. The centre knows."))
            return redirect(parcel)
    context = {"parcel": parcel, "form": form, "address": address, "bad_forms": [each for each in bound if each.errors]}
    with answer_snapshot(request):
        return render(request, "servicing/parcel_shipping.html", context, status=422)


@never_cache
@require_POST
@member_required
def cancel_parcel(request: MemberRequest, reference: str) -> HttpResponse:
    """Cancel every ticket of a parcel that has not reached the centre yet."""
    parcel, tickets = _get_own_parcel(request, reference)
    cancellable = [ticket for ticket in tickets if ticket.state in BEFORE_INTAKE]
    try:
        for ticket in cancellable:
            cancel_ticket(ticket=ticket, actor=Actor(user=request.user), at=timezone.now())
    except Refusal as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Cancelled.") if cancellable else _("There’s nothing left to cancel."))
    return redirect(parcel)


@never_cache
@require_safe
@member_required
def shipping_label(request: MemberRequest, reference: str) -> HttpResponse:
    parcel, tickets = _get_own_parcel(request, reference)
    prepared = parcel_papers.label(parcel, request.member, _list_in_box(tickets))
    return pdf_response(prepared, f"label-{parcel.reference}.pdf")


@never_cache
@require_safe
@member_required
def packing_list(request: MemberRequest, reference: str) -> HttpResponse:
    parcel, tickets = _get_own_parcel(request, reference)
    prepared = parcel_papers.packing_list(parcel, request.member, _list_in_box(tickets))
    return pdf_response(prepared, f"packing-list-{parcel.reference}.pdf")


@never_cache
@require_safe
@member_required
def calendar_entry(request: MemberRequest, reference: str) -> HttpResponse:
    """The day of collection, or the last day to send it, as a calendar file."""
    parcel, tickets = _get_own_parcel(request, reference)
    day = parcels.handover_day(parcel, tickets)
    if day is None:
        raise Http404
    content = parcels.handover_entry(parcel, tickets, day=day, at=timezone.now())
    headers = {"Content-Disposition": f'attachment; filename="parcel-{parcel.reference}.ics"'}
    return HttpResponse(content, content_type="text/calendar; charset=utf-8", headers=headers)


def _list_in_box(tickets: list[Ticket]) -> list[Ticket]:
    """The tickets whose products are in the box. Raises Http404 if all of them are waiting or cancelled."""
    in_the_box = [ticket for ticket in tickets if ticket.state not in (TicketState.WAITING, TicketState.CANCELLED)]
    if not in_the_box:
        raise Http404
    return in_the_box


def _get_own_parcel(request: MemberRequest, reference: str) -> tuple[Parcel, list[Ticket]]:
    """The member's own parcel by reference, in any spelling, with its tickets. Raises Http404."""
    parsed = parse_reference(reference)
    if not parsed:
        raise Http404
    mine = Ticket.objects.of(request.member).values("parcel")
    parcel = get_object_or_404(Parcel.objects.select_related("centre").filter(pk__in=mine), reference=parsed)
    tickets = (
        parcel.tickets.filter(member__in=request.member.accounts).select_related("product", "centre").order_by("pk")
    )
    return parcel, list(tickets)


def _page(
    request: MemberRequest, parcel: Parcel, tickets: list[Ticket], form: SentForm, status: int = 200
) -> HttpResponse:
    states = {ticket.state for ticket in tickets}
    travelling = [ticket for ticket in tickets if ticket.state not in (TicketState.WAITING, TicketState.CANCELLED)]
    context = {
        "handover_day": parcels.handover_day(parcel, tickets),
        "holds_place": any(ticket.place for ticket in tickets),
        "travelling": travelling,
        "parcel": parcel,
        "bars": bar_code(parcel.reference),
        "tickets": tickets,
        "carriers": Carrier.objects.filter(is_offered=True),
        "form": form,
        "to_send": bool(states & {TicketState.REQUESTED, TicketState.ACCEPTED}),
        "on_its_way": TicketState.IN_TRANSIT in states,
        "waiting": [ticket for ticket in tickets if ticket.state == TicketState.WAITING],
        "has_papers": bool(travelling),
        "may_change_shipping": any(shipping.may_change_return(ticket) for ticket in tickets),
        "may_cancel": bool(states & set(BEFORE_INTAKE)),
        "held_days": HELD_FOR.days,
    }
    return render(request, "servicing/parcel.html", context, status=status)
