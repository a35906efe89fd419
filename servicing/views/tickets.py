"""A member's tickets: the list, one ticket with its clock, and the member's answers (R47, R49, R52)."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from cps_portal.core.files import actions as files
from cps_portal.core.files.actions import Uploads
from cps_portal.core.files.forms import keep_uploads
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.etags import not_modified, with_etag
from cps_portal.core.lib.pdf import pdf_response
from cps_portal.core.lib.reference import parse_reference
from cps_portal.core.lib.throttle import is_throttled
from cps_portal.core.submissions.once import run_once
from members.access import MemberRequest, answer_snapshot, member_required
from members.forms.common import add_refusal
from members.support.forms import TOO_OFTEN
from servicing.actions import estimates, places, shipping, tickets
from servicing.actions.events import Actor
from servicing.actions.messages import write_message
from servicing.actions.shipping import may_change_return
from servicing.enums import OVER, CentreStatus, Direction, TicketFileKind
from servicing.forms.tickets import MessageForm
from servicing.models import ServiceReport, Ticket, TicketEvent
from servicing.presenters import calendars
from servicing.presenters import tickets as jobs
from servicing.presenters.estimate_paper import estimate_paper
from servicing.presenters.job_columns import arrange
from servicing.queries.around import what_there_is
from servicing.queries.conversation import may_write
from servicing.queries.cover import covered_until, find_open_follow_up, is_covered, other_centres
from servicing.queries.file_access import PURPOSE
from servicing.queries.history import history_of
from servicing.queries.locator import opening_text
from servicing.views.loans import make_loan_panel

DONE_PER_PAGE = 20


@never_cache
@require_safe
@member_required
def ticket_list(request: MemberRequest) -> HttpResponse:
    """The member's open tickets, those waiting for a place, and the closed ones."""
    now = timezone.now()
    running = jobs.open_jobs(request.member, now)
    bars, taken = jobs.fast_track_places(running)
    done = jobs.with_clocks(Ticket.objects.of(request.member).filter(state__in=OVER)).order_by("-ended_at", "-pk")
    page = Paginator(done, DONE_PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "jobs": [job for job in running if not job.waits_for_place],
        "waiting": [job for job in running if job.waits_for_place],
        "asking": [job for job in running if job.needs_member],
        "bars": bars,
        "taken": taken,
        "page": page,
        "done": jobs.make_jobs(page, now),
    }
    return render(request, "servicing/list.html", context)


@never_cache
@require_safe
@member_required
def ticket_detail(request: MemberRequest, reference: str) -> HttpResponse:
    """One ticket: its clock, timeline, next steps, estimate and conversation."""
    return _page(request, _get_own_ticket(request, reference), MessageForm())


@never_cache
@require_safe
@member_required
def ticket_updates(request: MemberRequest, reference: str) -> HttpResponse:
    """The part of the page that changes by itself; 304 if the page shows it already."""
    job = jobs.make_job(_get_own_ticket(request, reference), timezone.now())
    if known := not_modified(request, job.etag):
        return known
    return with_etag(render(request, "servicing/_live.html", {**_context(job), "is_update": True}), job.etag)


@never_cache
@require_safe
@member_required
def ticket_of_registration(request: MemberRequest, pk: int) -> HttpResponse:
    """Redirect from a product of the Kitbag to its open ticket."""
    ticket = Ticket.objects.of(request.member).open().filter(registration=pk).first()
    return redirect(ticket or "servicing:list")


@never_cache
@require_POST
@member_required
def answer_estimate(request: MemberRequest, reference: str, number: int) -> HttpResponse:
    """Approve or decline the estimate with this number, so that no newer estimate is answered unseen."""
    ticket = _get_own_ticket(request, reference)
    estimate = get_object_or_404(ticket.estimates, number=number)
    answers: dict[str, tuple[Callable[..., TicketEvent], str]] = {
        "approve": (estimates.approve_estimate, _("Approved. The clock is running again.")),
        "decline": (estimates.decline_estimate, _("Declined. The centre will send it back to you unrepaired.")),
    }
    if request.POST.get("answer") not in answers:
        messages.error(request, _("Choose whether to approve or decline the estimate."))
        return redirect(ticket)
    decide, message = answers[request.POST["answer"]]
    return _perform(request, ticket, message, lambda actor, now: decide(estimate=estimate, actor=actor, at=now))


@never_cache
@require_safe
@member_required
def estimate_pdf(request: MemberRequest, reference: str, number: int) -> HttpResponse:
    ticket = _get_own_ticket(request, reference)
    estimate = get_object_or_404(ticket.estimates.prefetch_related("lines"), number=number)
    return pdf_response(estimate_paper(ticket, estimate), f"estimate-{ticket.reference}-{number}.pdf")


@never_cache
@require_POST
@member_required
def write(request: MemberRequest, reference: str) -> HttpResponse:
    """Write a message to the centre; it also answers the centre's open question."""
    ticket = _get_own_ticket(request, reference)
    now = timezone.now()
    form = MessageForm(request.POST, request.FILES)
    throttled = is_throttled(request, scope="ticket-write", limit=settings.CASES_LIMITS["write"])
    uploads = keep_uploads(form, "files", by=request.user, at=now)
    if throttled:
        form.add_error(None, str(TOO_OFTEN))
    if form.is_valid() and (response := run_once(request, lambda: _write(request, ticket, form, uploads))):
        return response
    with answer_snapshot(request):
        return _page(request, _get_own_ticket(request, reference), form, status=429 if throttled else 422)


def _write(request: MemberRequest, ticket: Ticket, form: MessageForm, uploads: Uploads) -> HttpResponse | None:
    """Write the message; None if the form has to be shown again."""
    now = timezone.now()
    try:
        attached = files.collect(uploads=uploads, purpose=PURPOSE, by=request.user, at=now)
        write_message(
            ticket=ticket, text=form.cleaned_data["text"], actor=Actor(user=request.user), at=now, files=attached
        )
    except Refusal as refusal:
        add_refusal(form, refusal)
        return None
    messages.success(request, _("Sent to the centre. You’ll get the answer here and by email."))
    return redirect(ticket)


@never_cache
@require_POST
@member_required
def cancel_ticket(request: MemberRequest, reference: str) -> HttpResponse:
    """Cancel the ticket before the product is at the centre."""
    ticket = _get_own_ticket(request, reference)
    return _perform(
        request, ticket, _("Cancelled."), lambda actor, now: tickets.cancel(ticket=ticket, actor=actor, at=now)
    )


@never_cache
@require_POST
@member_required
def report_delivery(request: MemberRequest, reference: str) -> HttpResponse:
    """The member has the product back (R61). A second click changes nothing, and the job is not closed by it."""
    ticket = _get_own_ticket(request, reference)
    message = _("Good to know. Enjoy having it back.")
    return _perform(
        request,
        ticket,
        message,
        lambda actor, now: shipping.record_delivery(ticket=ticket, actor=actor, at=now, external_id="member-delivered"),
    )


@never_cache
@require_POST
@member_required
def choose_standard(request: MemberRequest, reference: str) -> HttpResponse:
    """Stop waiting for a place and take standard speed (R49)."""
    ticket = _get_own_ticket(request, reference)
    message = _("It’ll be handled at standard speed. Send it whenever you like.")
    return _perform(
        request, ticket, message, lambda actor, now: places.choose_standard(ticket=ticket, actor=actor, at=now)
    )


def _perform(
    request: MemberRequest, ticket: Ticket, message: str, action: Callable[[Actor, datetime], object]
) -> HttpResponse:
    """Perform an action, show its success message or the refusal, and go back to the ticket's page."""
    try:
        action(Actor(user=request.user), timezone.now())
    except Refusal as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, message)
    return redirect(ticket)


def _get_own_ticket(request: MemberRequest, reference: str) -> Ticket:
    """The member's own ticket by reference, in any spelling. Raises Http404."""
    parsed = parse_reference(reference)
    if not parsed:
        raise Http404
    ticket = jobs.find_own_ticket(request.member, parsed)
    if ticket is None:
        raise Http404
    return ticket


def _page(request: MemberRequest, ticket: Ticket, form: MessageForm, status: int = 200) -> HttpResponse:
    job = jobs.make_job(ticket, timezone.now())
    return render(request, "servicing/ticket.html", {**_context(job), "form": form}, status=status)


def _context(job: jobs.Job) -> dict[str, Any]:
    ticket = job.ticket
    around = what_there_is(ticket)
    estimates = list(ticket.estimates.prefetch_related("lines")) if around.estimates else []
    parts = list(ticket.parts.all()) if around.parts else []
    shipments = list(ticket.shipments.select_related("carrier")) if around.shipments else []
    ticket_files = list(ticket.files.select_related("file").order_by("at", "pk")) if around.files else []
    own_files = [file for file in ticket_files if file.message_id is None]
    context = {
        "job": job,
        "ticket": ticket,
        "may_write": may_write(ticket, job.now),
        "clock": job.clock,
        "happened": jobs.build_timeline(job, estimates, parts),
        "pauses": jobs.list_pauses(job),
        "skipped": calendars.explain_target(job.clock, ticket.centre.calendar),
        "estimate": jobs.open_estimate(estimates, ticket),
        "estimates": estimates,
        "unrepaired": jobs.why_unrepaired(estimates, ticket),
        "parts": [part for part in parts if part.arrived_at is None],
        "shipments": shipments,
        "steps_ahead": jobs.steps_ahead(job, shipments),
        "comes_back": jobs.parcel_to_come(job, shipments),
        "back_since": next(
            (row.delivered_at for row in shipments if row.direction == Direction.TO_CUSTOMER and row.delivered_at), None
        ),
        "open_now": dict(zip(("is_open", "hours"), opening_text(ticket.centre, job.now), strict=True)),
        "may_change_shipping": may_change_return(ticket),
        "said": ticket.messages.prefetch_related("files__file") if around.messages else [],
        "panel": make_loan_panel(ticket, has_loan=around.loan),
        **_follow_up_context(job),
        "documents": [file for file in own_files if file.kind != TicketFileKind.INTAKE],
        "intake_photos": [file for file in own_files if file.kind == TicketFileKind.INTAKE],
    }
    return {**context, "columns": arrange(job, context)}


def _follow_up_context(job: jobs.Job) -> dict[str, Any]:
    """The report, the history of the product, and whether the same fault can be reported (R63, R64)."""
    ticket = job.ticket
    if ticket.ready_at is None:
        return {}
    until, follow_up = covered_until(ticket), find_open_follow_up(ticket)
    may_report_fault = until is not None and is_covered(ticket, job.now) and follow_up is None
    needs_centre = may_report_fault and ticket.centre.status == CentreStatus.SUSPENDED
    return {
        "report": ServiceReport.objects.filter(ticket=ticket).first(),
        "covered_until": until,
        "follow_up": follow_up,
        "may_report_fault": may_report_fault,
        "follow_up_centres": other_centres(ticket) if needs_centre else [],
        "past_jobs": history_of(ticket.registration) if ticket.registration and ticket.registration.is_live else [],
    }
