"""The same fault again, the service report as a PDF, and the history of a product (R35, R63, R64)."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.pdf import pdf_response
from cps_portal.core.lib.reference import parse_reference
from kitbag.models import Registration
from members.access import MemberRequest, member_required
from servicing.actions.events import Actor
from servicing.actions.follow_ups import open_follow_up
from servicing.models import ServiceCentre, ServiceReport, Ticket
from servicing.presenters.report_paper import report_paper
from servicing.queries.clock import get_clock
from servicing.queries.cover import find_open_follow_up
from servicing.queries.history import history_of


@never_cache
@require_POST
@member_required
def same_fault(request: MemberRequest, reference: str) -> HttpResponse:
    """Open the follow-up, or lead to the one that is open already. `centre` only if that of the job is suspended."""
    ticket = _get_own_ticket(request, reference)
    slug = request.POST.get("centre", "")
    centre = ServiceCentre.objects.filter(slug=slug).first() if slug else None
    try:
        follow_up = open_follow_up(ticket=ticket, centre=centre, actor=Actor(user=request.user), at=timezone.now())
    except Refusal as refusal:
        is_open = find_open_follow_up(ticket) if refusal.code == "open" else None
        if is_open is None:
            messages.error(request, str(refusal))
        return redirect(is_open or ticket)
    messages.success(request, _("Done. It’s covered, and first in the queue. Now send it, or bring it."))
    return redirect(follow_up.parcel)


@never_cache
@require_safe
@member_required
def service_report(request: MemberRequest, reference: str) -> HttpResponse:
    """The report of a job as a PDF, once the product is ready (R64)."""
    ticket = _get_own_ticket(request, reference)
    report = ServiceReport.objects.filter(ticket=ticket, ticket__ready_at__isnull=False).first()
    if report is None:
        raise Http404
    prepared = report_paper(ticket, report, get_clock(ticket, timezone.now()), request.member.full_name)
    return pdf_response(prepared, f"service-report-{ticket.reference}.pdf")


@never_cache
@require_safe
@member_required
def product_history(request: MemberRequest, pk: int) -> HttpResponse:
    """The jobs of a product, for its page. Answers a whole page without JavaScript."""
    registration = get_object_or_404(Registration.objects.of(request.member).select_related("product"), pk=pk)
    context = {"registration": registration, "past_jobs": history_of(registration) if registration.is_live else []}
    template = "servicing/_history.html" if request.htmx else "servicing/history.html"
    return render(request, template, context)


def _get_own_ticket(request: MemberRequest, reference: str) -> Ticket:
    """The member's own ticket by reference, in any spelling. Raises Http404."""
    parsed = parse_reference(reference)
    if not parsed:
        raise Http404
    tickets = Ticket.objects.of(request.member).select_related("product", "centre", "parcel", "registration")
    return get_object_or_404(tickets, reference=parsed)
