"""The admin page of one ticket: its facts, one proposed step, and all others that can be recorded now (R52, R54)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext

from cps_portal.core.files import actions as files
from cps_portal.core.files.actions import Uploads
from cps_portal.core.files.forms import keep_uploads
from cps_portal.core.lib.admin import ReadOnlyAdmin
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.submissions.once import run_once
from members.forms.common import add_refusal
from members.models import User
from servicing.actions import follow_ups, notes, reports
from servicing.actions.conversation import mark_read
from servicing.actions.dispatch import perform_event_action
from servicing.actions.events import Actor, EventDetails, lock_ticket
from servicing.actions.intake_photos import add_photos_later, book_in_with_photos
from servicing.actions.messages import write_message
from servicing.actions.parts import receive_last_part
from servicing.actions.technicians import assign_technician
from servicing.admin.ticket_buttons import (
    BOOK_IN,
    FOLLOW_UP,
    INSERT,
    NOTE,
    PHOTOS,
    READ,
    REPORT,
    TALKING,
    WARN_OF_LOAN,
    WITH_FILES,
    WRITE,
)
from servicing.admin.ticket_forms import (
    ALL_BUTTONS,
    REPORT_FIELDS,
    StepForms,
    step_forms,
    talking_forms,
)
from servicing.enums import EventKind, TicketFileKind, WhyStandard
from servicing.forms import ticket_steps
from servicing.models import Carrier, ServiceReport, Ticket
from servicing.presenters import job_page
from servicing.presenters.board import LANE_NAMES, technician_of
from servicing.queries.canned_answers import fill_in
from servicing.queries.conversation import may_write
from servicing.queries.cover import covered_until, find_open_follow_up
from servicing.queries.file_access import PURPOSE
from servicing.queries.history import PastJob, histories_of
from servicing.queries.job import JobReading, read_job
from servicing.queries.technicians import technician_changes
from servicing.rules.lanes import lane_of
from servicing.rules.next_step import Step

WORK = "servicing.work_on_ticket"
VIEW_EVERY_TICKET = "servicing.view_every_ticket"
MAX_PAST_JOBS = 5


@dataclass(frozen=True)
class Press:
    """A pressed button with its valid form."""

    ticket: Ticket
    name: str
    form: ticket_steps.StepForm
    uploads: Uploads
    user: User
    now: datetime

    @property
    def actor(self) -> Actor:
        return Actor(user=self.user)


class TicketPage(ReadOnlyAdmin[Ticket]):
    ticket_template = "admin/servicing/ticket/desk.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Ticket]:
        return Ticket.objects.seen_by(_user(request))

    def has_work_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(WORK))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        related = ("product", "member__user", "visitor", "centre", "parcel", "registration", "follows", "technician")
        tickets = self.get_queryset(request).select_related(*related)
        ticket = tickets.filter(pk=int(object_id)).first() if object_id.isdecimal() and len(object_id) < 19 else None
        if ticket is None:
            raise Http404
        posted = request.POST.get("do", "") if request.method == "POST" else ""
        own = bool(ticket.person and ticket.person.user_id == request.user.pk)
        may_work = self.has_work_permission(request) and not own
        if posted and not may_work:
            raise PermissionDenied
        with timezone.override(ZoneInfo(ticket.centre.zone)):  # times are shown and typed as local time
            job = read_job(ticket, timezone.now())
            steps, talking = step_forms(request, job, posted), talking_forms(request, job, posted)
            if posted == INSERT:
                talking[WRITE] = self._with_canned(request, ticket)
            if posted and self._press_button(request, ticket, posted, {**steps, **talking}):
                return HttpResponseRedirect(request.path)
            context = {
                **self._context(request, job, may_work=may_work),
                **_form_context(job, steps, talking),
                "may_work": may_work,
            }
            return TemplateResponse(request, self.ticket_template, {**context, "own": own}).render()

    def _with_canned(self, request: HttpRequest, ticket: Ticket) -> ticket_steps.WriteForm:
        """Append the chosen canned answer to the text typed so far. On the server, to work without JavaScript."""
        form = ticket_steps.WriteForm(request.POST, request.FILES, ticket=ticket, prefix=WRITE)
        uploads = keep_uploads(form, "files", by=_user(request), at=timezone.now())
        try:
            canned = form.fields["canned"].clean(form["canned"].data)
        except forms.ValidationError:
            canned = None
        if canned is None:
            self.message_user(request, gettext("Choose a canned answer to insert."), messages.WARNING)
        typed = str(form["text"].data or "").strip()
        text = "\n\n".join(part for part in (typed, fill_in(canned, ticket) if canned else "") if part)
        kept = {name: form[name].data for name in ("seen", "once", "asks")}
        return ticket_steps.WriteForm(initial={**kept, "text": text, "files": uploads}, ticket=ticket, prefix=WRITE)

    # Buttons

    def _press_button(self, request: HttpRequest, ticket: Ticket, posted: str, step_forms: StepForms) -> bool:
        """Call the action of a button. Returns False if the form has errors to show."""
        form, button = step_forms.get(posted), ALL_BUTTONS.get(posted)
        if form is None or (button and button.page):
            if posted != INSERT:
                self.message_user(request, gettext("Choose one of the buttons."), messages.ERROR)
            return False
        user, now = _user(request), timezone.now()
        uploads = keep_uploads(form, "files", by=user, at=now) if posted in WITH_FILES else Uploads()
        if not form.is_valid():
            return False
        press = Press(ticket, posted, form, uploads, user, now)

        def effect() -> HttpResponse:
            _perform(press)
            message = str(button.label if button else TALKING[posted])
            self.log_change(request, ticket, message)
            self.message_user(request, f"{ticket}: {message}", messages.SUCCESS)
            return HttpResponseRedirect(request.path)

        try:
            # Steps and messages know a second press by their external id; photos have none.
            if posted == PHOTOS:
                run_once(request, effect)
            else:
                effect()
        except Refusal as refusal:
            add_refusal(form, refusal)
            return False
        return True

    # Page context

    def _context(self, request: HttpRequest, job: JobReading, *, may_work: bool) -> dict[str, Any]:
        ticket, now = job.ticket, job.now
        ticket_files = list(ticket.files.filter(message=None).select_related("file"))
        lane = lane_of(ticket.state, paused=ticket.paused)
        messages_so_far = ticket.messages.select_related("by").prefetch_related("files__file")
        entries = job_page.conversation(ticket, messages_so_far, ticket.notes.select_related("by"))
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"{ticket.product.name} · {ticket.get_state_display()}",
            "subtitle": str(ticket),
            "original": ticket,
            "job": job_page.with_summary(job),
            "lane": lane,
            "lane_name": LANE_NAMES.get(lane or "", ""),
            "technician": technician_of(ticket.technician),
            "is_mine": ticket.technician_id == request.user.pk,
            "may_take": any(user.pk == request.user.pk for user, _jobs in job.technicians),
            "heading": job_page.heading(job),
            "road": job_page.road(job),
            "clock": job.clock,
            "clock_bar": job_page.clock_bar(job.clock, now, ticket.centre.calendar.zone),
            "late": job.clock.missed,
            "timeline": job_page.timeline(job, technician_changes(ticket)),
            "why_standard": [WhyStandard(code).label for code in ticket.why_standard],
            "parts": job.parts,
            "missing": len(job.missing),
            "estimates": job.estimates,
            "conversation": entries,
            "note_count": sum(entry.by == "note" for entry in entries),
            "files": [file for file in ticket_files if file.kind != TicketFileKind.INTAKE],
            "intake_photos": [file for file in ticket_files if file.kind == TicketFileKind.INTAKE],
            "loans": ticket.loans.select_related("unit__product"),
            "warns_of_loan": WARN_OF_LOAN,
            "past_jobs": _past_jobs(ticket, sees_all=request.user.has_perm(VIEW_EVERY_TICKET)),
            "report": ServiceReport.objects.filter(ticket=ticket).first(),
            "covered_until": covered_until(ticket),
            "follow_up": find_open_follow_up(ticket),
            "carriers": Carrier.objects.filter(is_offered=True),
            "may_write": may_work and may_write(ticket, now),
            "may_add_photos": may_work and ticket.booked_in_at is not None and may_write(ticket, now),
            "sees_members": request.user.has_perm("members.view_member"),
        }


def _form_context(job: JobReading, steps: StepForms, talking: StepForms) -> dict[str, Any]:
    """The forms for the template: the proposed step apart from the others, which open if their form has errors."""
    pressed = next((name for name, form in steps.items() if form.is_bound), "")
    shown = [(name, ALL_BUTTONS[name], form, name == pressed) for name, form in steps.items()]
    return {
        "steps": shown,
        "proposed": next((step for step in shown if step[0] == job.proposed), None),
        "others": [step for step in shown if step[0] != job.proposed],
        "pressed": pressed,
        **{f"{name}_form": form for name, form in talking.items()},
    }


def _past_jobs(ticket: Ticket, *, sees_all: bool) -> list[tuple[PastJob, bool]]:
    """Earlier repairs of the product, whoever owned it, each with whether the reader may open it."""
    if not ticket.serial_key:
        return []
    serial = (ticket.product_id, ticket.serial_key)
    jobs = [job for job in histories_of([serial])[serial] if job.ticket.pk != ticket.pk]
    return [(job, sees_all or job.ticket.centre_id == ticket.centre_id) for job in jobs[:MAX_PAST_JOBS]]


def _perform(press: Press) -> None:
    """Write something, or record the event of a button. Raises Refusal."""
    if press.name in TALKING:
        _talk(press)
    elif press.name == REPORT:
        texts = {field: press.form.cleaned_data[field] for field in REPORT_FIELDS}
        reports.write_report(ticket=press.ticket, **texts, actor=press.actor, at=press.now)
    elif press.name == FOLLOW_UP:
        centre = press.form.cleaned_data.get("centre")
        follow_ups.open_follow_up(ticket=press.ticket, centre=centre, actor=press.actor, at=press.now)
    elif isinstance(press.form, ticket_steps.WithTechnician) and press.form.chosen:
        with lock_ticket(press.ticket) as locked:
            _record(locked, press)
            assign_technician(ticket=locked, technician=press.form.chosen, by=press.user)
    else:
        _record(press.ticket, press)


def _talk(press: Press) -> None:
    ticket, data, form = press.ticket, press.form.cleaned_data, press.form
    if press.name == WRITE:
        write_message(
            ticket=ticket,
            text=data["text"],
            asks=data["asks"],
            files=files.collect(uploads=press.uploads, purpose=PURPOSE, by=press.user, at=press.now),
            actor=press.actor,
            at=press.now,
            external_id=form.external_id,
            seen=data["seen"],
        )
    elif press.name == PHOTOS:
        photos = files.collect(uploads=press.uploads, purpose=PURPOSE, by=press.user, at=press.now)
        add_photos_later(ticket=ticket, photos=photos, details={"actor": press.actor, "at": press.now})
    elif press.name == NOTE:
        notes.write_note(ticket=ticket, text=data["text"], by=press.user, at=press.now)
    elif press.name == READ:
        mark_read(ticket=ticket, until=data["seen"], at=press.now)
    elif isinstance(form, ticket_steps.TechnicianForm):
        assign_technician(ticket=ticket, technician=form.chosen, by=press.user)


def _record(ticket: Ticket, press: Press) -> None:
    """Record the event of a button, or both events of the proposed step. Raises Refusal."""
    data, name, form = press.form.cleaned_data, press.name, press.form
    details: EventDetails = {
        "actor": press.actor,
        "at": press.now,
        "occurred_at": form.when,
        "external_id": form.external_id,
    }
    if name == BOOK_IN:
        photos = files.collect(uploads=press.uploads, purpose=PURPOSE, by=press.user, at=press.now)
        book_in_with_photos(ticket=ticket, payload=dict(data), photos=photos, details=details)
        return
    if name == Step.ARRIVE_AND_START:
        receive_last_part(part=data["part"], **details)
        return
    kind, payload = EventKind(str(ALL_BUTTONS[name].kind)), dict(data)
    if name == "answer_estimate" and data["answer"] == "no":
        kind = EventKind.ESTIMATE_DECLINED
    elif name == "decide_warranty":
        payload["in_warranty"] = data["decision"] == "yes"
    perform_event_action(ticket=ticket, kind=kind, payload=payload, details=details)


def _user(request: HttpRequest) -> User:
    user: Any = request.user
    worker: User = user
    return worker
