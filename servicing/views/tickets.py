"""A member's jobs: the list, one with its clock, and what the member answers (R47, R49, R52)."""

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
from cps_portal.core.files.forms import keep_uploads
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.reference import parse_reference
from cps_portal.core.lib.throttle import is_throttled
from members.access import MemberRequest, member_required
from members.forms.common import add_refusal
from members.support.forms import TOO_OFTEN
from servicing.actions import estimates, places, tickets
from servicing.actions.events import Actor
from servicing.actions.messages import may_write, write_message
from servicing.enums import OVER
from servicing.forms.tickets import MessageForm
from servicing.models import Ticket, TicketEvent
from servicing.presenters import tickets as jobs
from servicing.queries.file_access import PURPOSE
from servicing.views.loans import panel

DONE_PER_PAGE = 20


@never_cache
@require_safe
@member_required
def job_list(request: MemberRequest) -> HttpResponse:
    """What is in service, what waits for a place, and what is done."""
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
        "done": [jobs.make_job(ticket, now) for ticket in page],
    }
    return render(request, "servicing/list.html", context)


@never_cache
@require_safe
@member_required
def ticket(request: MemberRequest, reference: str) -> HttpResponse:
    """One job: its clock, what happened and what comes next, the estimate, the conversation."""
    return _page(request, _own(request, reference), MessageForm())


@never_cache
@require_safe
@member_required
def live(request: MemberRequest, reference: str) -> HttpResponse:
    """What of the page changes by itself; nothing at all if nothing did."""
    job = jobs.make_job(_own(request, reference), timezone.now())
    if request.GET.get("seen") == job.stamp:
        return HttpResponse(status=204)
    return render(request, "servicing/_live.html", {**_context(job), "is_update": True})


@never_cache
@require_safe
@member_required
def of_registration(request: MemberRequest, pk: int) -> HttpResponse:
    """From a product of the Kitbag to the job that holds it."""
    row = Ticket.objects.of(request.member).open().filter(registration=pk).first()
    return redirect(row or "servicing:list")


@never_cache
@require_POST
@member_required
def answer_estimate(request: MemberRequest, reference: str, number: int) -> HttpResponse:
    """Approve or decline the estimate that was read: another one is never answered unseen."""
    row = _own(request, reference)
    estimate = get_object_or_404(row.estimates, number=number)
    answers: dict[str, tuple[Callable[..., TicketEvent], str]] = {
        "approve": (estimates.approve_estimate, _("Approved. The clock runs again.")),
        "decline": (estimates.decline_estimate, _("Declined. It is sent back to you unrepaired.")),
    }
    if request.POST.get("answer") not in answers:
        messages.error(request, _("Choose: approve or decline the estimate."))
        return redirect(row)
    decide, said = answers[request.POST["answer"]]
    return _do(request, row, said, lambda actor, now: decide(estimate=estimate, actor=actor, at=now))


@never_cache
@require_POST
@member_required
def write(request: MemberRequest, reference: str) -> HttpResponse:
    """A message to the centre; the answer, if it asked something."""
    row = _own(request, reference)
    now = timezone.now()
    form = MessageForm(request.POST, request.FILES)
    often = is_throttled(request, scope="ticket-write", limit=settings.CASES_LIMITS["write"])
    uploads = keep_uploads(form, "files", by=request.user, at=now)
    if often:
        form.add_error(None, str(TOO_OFTEN))
    if form.is_valid():
        try:
            attached = files.collect(uploads=uploads, purpose=PURPOSE, by=request.user, at=now)
            write_message(
                ticket=row, text=form.cleaned_data["text"], actor=Actor(user=request.user), at=now, files=attached
            )
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, _("Sent to the centre. Its answer comes here and by email."))
            return redirect(row)
    return _page(request, row, form, status=429 if often else 422)


@never_cache
@require_POST
@member_required
def cancel(request: MemberRequest, reference: str) -> HttpResponse:
    """Call it off before it is at the centre."""
    row = _own(request, reference)
    return _do(request, row, _("Cancelled."), lambda actor, now: tickets.cancel(ticket=row, actor=actor, at=now))


@never_cache
@require_POST
@member_required
def standard(request: MemberRequest, reference: str) -> HttpResponse:
    """Do not wait for a place any longer (R49)."""
    row = _own(request, reference)
    said = _("It goes at standard speed. Send it whenever you like.")
    return _do(request, row, said, lambda actor, now: places.choose_standard(ticket=row, actor=actor, at=now))


def _do(request: MemberRequest, row: Ticket, said: str, act: Callable[[Actor, datetime], object]) -> HttpResponse:
    """One click: done, or why not; then the page as it is now."""
    try:
        act(Actor(user=request.user), timezone.now())
    except Refusal as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, said)
    return redirect(row)


def _own(request: MemberRequest, reference: str) -> Ticket:
    """As typed or read out; somebody else's is not there."""
    found = parse_reference(reference)
    if not found:
        raise Http404
    rows = jobs.with_clocks(Ticket.objects.of(request.member)).select_related("registration")
    return get_object_or_404(rows, reference=found)


def _page(request: MemberRequest, row: Ticket, form: MessageForm, status: int = 200) -> HttpResponse:
    job = jobs.make_job(row, timezone.now())
    context = {**_context(job), "form": form, "may_write": may_write(row, job.now)}
    return render(request, "servicing/ticket.html", context, status=status)


def _context(job: jobs.Job) -> dict[str, Any]:
    row = job.ticket
    asked = list(row.estimates.prefetch_related("lines"))
    parts = list(row.parts.all())
    found = list(row.files.select_related("file").order_by("at", "pk"))
    return {
        "job": job,
        "ticket": row,
        "clock": job.clock,
        "happened": jobs.build_timeline(job, asked, parts),
        "pauses": jobs.list_pauses(job),
        "estimate": jobs.open_estimate(asked, row),
        "estimates": asked,
        "parts": [part for part in parts if part.arrived_at is None],
        "said": row.messages.prefetch_related("files__file"),
        "panel": panel(row),
        "documents": [file for file in found if file.message_id is None],
    }
