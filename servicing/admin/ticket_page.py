"""The admin page of one ticket: its facts, and a button for each event that can be recorded now (R52)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files import actions as files
from cps_portal.core.files.actions import Uploads
from cps_portal.core.files.forms import keep_uploads
from cps_portal.core.lib.admin import ReadOnlyAdmin
from cps_portal.core.lib.errors import Refusal
from members.forms.common import add_refusal
from members.models import User
from servicing.actions import estimates, follow_ups, notes, reports
from servicing.actions.conversation import mark_read
from servicing.actions.dispatch import perform_event_action
from servicing.actions.events import Actor, EventDetails
from servicing.actions.intake_photos import book_in_with_photos
from servicing.actions.messages import write_message
from servicing.enums import EventKind, LineKind, ServiceKind, TicketFileKind, TicketState, WhyNoWarranty, WhyStandard
from servicing.forms import reports as reports_forms
from servicing.forms import ticket_steps
from servicing.models import Carrier, ServiceReport, Ticket, TicketEvent
from servicing.queries.canned_answers import fill_in
from servicing.queries.clock import get_clock
from servicing.queries.conversation import may_write
from servicing.queries.cover import covered_until, find_open_follow_up, is_covered
from servicing.queries.file_access import PURPOSE
from servicing.rules import next_moves
from servicing.rules.clock import Clock
from servicing.rules.warranty import is_over

E, S = EventKind, TicketState
WORK = "servicing.work_on_ticket"
MORE_LINES = 4
DEFAULT_ESTIMATE_VALIDITY = timedelta(days=14)


@dataclass(frozen=True)
class Button:
    """A button: the kind of event it records, its form and its label. A `grave` one is not shown as the default.

    Those of `OTHER_BUTTONS` record no event of this ticket.
    """

    kind: EventKind | None
    form: type[ticket_steps.StepForm]
    label: str | Promise
    grave: bool = False


BUTTONS: dict[str, Button] = {
    "choose_standard": Button(E.CHOSE_STANDARD, ticket_steps.BareForm, _("The member takes standard speed")),
    "accept": Button(E.ACCEPTED, ticket_steps.StepForm, _("Accept the job")),
    "book_in": Button(E.BOOKED_IN, ticket_steps.BookInForm, _("Book it in")),
    "assess": Button(E.ASSESSED, ticket_steps.StepForm, _("Assessed")),
    "answer_estimate": Button(E.ESTIMATE_APPROVED, ticket_steps.AnswerForm, _("Record the answer to the estimate")),
    "answer_question": Button(E.QUESTION_ANSWERED, ticket_steps.StepForm, _("The question was answered")),
    "part_arrived": Button(E.PART_ARRIVED, ticket_steps.PartForm, _("A part arrived")),
    "start_repair": Button(E.REPAIR_STARTED, ticket_steps.StepForm, _("Start the work")),
    "ready": Button(E.READY, ticket_steps.StepForm, _("Ready to ship")),
    "order_part": Button(E.PART_ORDERED, ticket_steps.OrderPartForm, _("Order a part")),
    "send_estimate": Button(E.ESTIMATE_SENT, ticket_steps.EstimateForm, _("Send the estimate")),
    "ship": Button(E.SHIPPED, ticket_steps.ShipForm, _("Shipped")),
    "deliver": Button(E.DELIVERED, ticket_steps.StepForm, _("Delivered")),
    "close": Button(E.CLOSED, ticket_steps.EndForm, _("Close: the customer has it")),
    "expect_part": Button(E.PART_EXPECTED, ticket_steps.ExpectPartForm, _("Change the date of a part")),
    "serial_changed": Button(E.SERIAL_CHANGED, reports_forms.SerialForm, _("Record a new serial number")),
    "other_fault": Button(E.OTHER_FAULT, reports_forms.OtherFaultForm, _("It is another fault")),
    "no_charge": Button(E.NO_CHARGE, ticket_steps.NoChargeForm, _("No charge")),
    "decide_warranty": Button(E.WARRANTY_DECIDED, ticket_steps.WarrantyForm, _("Decide the warranty")),
    "sent": Button(E.SENT, ticket_steps.StepForm, _("On its way to us")),
    "withdraw_estimate": Button(E.ESTIMATE_WITHDRAWN, ticket_steps.BareForm, _("Take the estimate back"), grave=True),
    "cancel": Button(E.CANCELLED, ticket_steps.EndForm, _("Cancel the job"), grave=True),
}
REPORT, FOLLOW_UP = "report", "follow_up"
OTHER_BUTTONS = {
    REPORT: Button(None, reports_forms.ReportForm, _("Service report")),
    FOLLOW_UP: Button(None, reports_forms.FollowUpForm, _("The same fault came back")),
}
WRITE, NOTE, READ, INSERT = "write", "note", "read", "insert"
BOOK_IN = "book_in"
WITH_FILES = (WRITE, BOOK_IN)
TALKING: dict[str, str | Promise] = {WRITE: _("Message sent"), NOTE: _("Note kept"), READ: _("Marked as read")}
WARN_OF_LOAN = ("ready", "ship", "deliver", "close", "cancel")  # while the loan of the job is out (R53)
REPORT_FIELDS = ("done", "notes", "parts", "technician")
StepForms = dict[str, ticket_steps.StepForm]


@dataclass(frozen=True)
class TimelineLine:
    """One line of the timeline. `received_late`: more than a minute after it happened."""

    event: TicketEvent
    applied: bool
    received_late: bool
    detail: str


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
        related = ("product", "member__user", "visitor", "centre", "parcel", "registration", "follows")
        tickets = self.get_queryset(request).select_related(*related)
        ticket = tickets.filter(pk=int(object_id)).first() if object_id.isdecimal() and len(object_id) < 19 else None
        if ticket is None:
            raise Http404
        posted = request.POST.get("do", "") if request.method == "POST" else ""
        own = bool(ticket.member and ticket.member.user_id == request.user.pk)
        may_work = self.has_work_permission(request) and not own
        if posted and not may_work:
            raise PermissionDenied
        with timezone.override(ZoneInfo(ticket.centre.zone)):  # times are shown and typed as local time
            step_forms = self._forms(request, ticket, posted)
            lines = self._line_forms(request, ticket, posted)
            if posted and self._submit(request, ticket, posted, step_forms, lines):
                return HttpResponseRedirect(request.path)
            context = self._context(request, ticket, step_forms, lines, may_work=may_work)
            return TemplateResponse(request, self.ticket_template, {**context, "own": own}).render()

    def _forms(self, request: HttpRequest, ticket: Ticket, posted: str) -> StepForms:
        """The forms by the name of their button. Only the one whose button was pressed is bound."""
        step_forms: StepForms = {}
        moves = next_moves(ticket.state, ticket.charge, follows=ticket.follows_id is not None)
        pressed = "send_estimate" if posted == "more_lines" else posted
        others = {
            REPORT: reports.may_write_report(ticket),
            FOLLOW_UP: is_covered(ticket, timezone.now()) and find_open_follow_up(ticket) is None,
        }
        for name, button in {**BUTTONS, **OTHER_BUTTONS}.items():
            if button.kind in moves or others.get(name) or name == pressed:
                data = request.POST if name == pressed else None
                sent = request.FILES if data and name in WITH_FILES else None
                initial = self._initial(ticket, name)
                step_forms[name] = button.form(data, sent, ticket=ticket, prefix=name, initial=initial)
        return {**step_forms, **self._talking_forms(request, ticket, posted)}

    def _talking_forms(self, request: HttpRequest, ticket: Ticket, posted: str) -> StepForms:
        """The forms of messages and notes. For INSERT the message so far, with the canned answer appended (R73)."""
        last = ticket.messages.order_by("pk").last()
        forms_by_name: StepForms = {}
        for name, form in (
            (WRITE, ticket_steps.WriteForm),
            (NOTE, ticket_steps.NoteForm),
            (READ, ticket_steps.ReadForm),
        ):
            data = request.POST if name == posted else None
            initial = {"once": uuid4().hex, "seen": last.pk if last else 0}
            sent = request.FILES if data else None
            forms_by_name[name] = form(data, sent, ticket=ticket, prefix=name, initial=initial)
        if posted == INSERT:
            forms_by_name[WRITE] = self._with_canned(request, ticket)
        return forms_by_name

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

    def _initial(self, ticket: Ticket, name: str) -> dict[str, Any]:
        initial: dict[str, Any] = {"once": uuid4().hex}
        if name == BOOK_IN:
            initial |= {"condition": ticket.condition, "accessories": ticket.accessories}
        if name == REPORT and (report := ServiceReport.objects.filter(ticket=ticket).first()):
            initial |= {field: getattr(report, field) for field in REPORT_FIELDS}
        if name == "decide_warranty" and is_over(ticket.warranty_until, ticket.centre.today(ticket.opened_at)):
            initial["why"] = WhyNoWarranty.EXPIRED  # proposed: the centre decides (R60)
        if name == "send_estimate":
            initial["valid_until"] = timezone.localdate() + DEFAULT_ESTIMATE_VALIDITY
        return initial

    def _line_forms(self, request: HttpRequest, ticket: Ticket, posted: str) -> Any:
        """The estimate lines as posted, with empty ones added for `more_lines`; or those of the last estimate."""
        if posted in ("send_estimate", "more_lines"):
            data = request.POST.copy()
            total = data.get("lines-TOTAL_FORMS", "")
            if posted == "more_lines" and total.isdecimal() and len(total) < 4:
                data["lines-TOTAL_FORMS"] = str(min(int(total) + MORE_LINES, estimates.MAX_LINES))
            return ticket_steps.LineForms(data, prefix="lines")
        last = ticket.estimates.prefetch_related("lines").order_by("-number").first()
        initial = [
            {name: getattr(line, name) for name in ("kind", "text", "quantity", "price", "tax_percent")}
            for line in (last.lines.exclude(kind=LineKind.DISCOUNT) if last else [])
        ]
        kind = LineKind.MAINTENANCE if ticket.service == ServiceKind.MAINTENANCE else LineKind.WORK
        initial += [{"kind": kind, "tax_percent": ticket.centre.tax_percent}] * MORE_LINES
        lines = ticket_steps.LineForms(prefix="lines", initial=initial)
        lines.extra = 0
        return lines

    # Buttons

    def _submit(self, request: HttpRequest, ticket: Ticket, posted: str, step_forms: StepForms, lines: Any) -> bool:
        """Call the action of a button. Returns False if the form has errors to show."""
        form = step_forms.get(posted)
        if form is None:
            if posted not in ("more_lines", INSERT):
                self.message_user(request, gettext("Choose one of the buttons."), messages.ERROR)
            return False
        user, now = _user(request), timezone.now()
        uploads = keep_uploads(form, "files", by=user, at=now) if posted in WITH_FILES else Uploads()
        valid = form.is_valid()
        if posted == "send_estimate" and not lines.is_valid():
            valid = False
        if not valid:
            return False
        try:
            self._perform(ticket, posted, form, lines, uploads, user, now)
        except Refusal as refusal:
            _show_refusal(refusal, form, lines)
            return False
        button = {**BUTTONS, **OTHER_BUTTONS}.get(posted)
        message = str(button.label if button else TALKING[posted])
        self.log_change(request, ticket, message)
        self.message_user(request, f"{ticket}: {message}", messages.SUCCESS)
        return True

    def _perform(  # noqa: PLR0917
        self,
        ticket: Ticket,
        name: str,
        form: ticket_steps.StepForm,
        lines: Any,
        uploads: Uploads,
        user: User,
        now: datetime,
    ) -> None:
        """Write a message, or record the event of a button. Raises Refusal."""
        data, actor = form.cleaned_data, Actor(user=user)
        if name == WRITE:
            stored = files.collect(uploads=uploads, purpose=PURPOSE, by=user, at=now)
            write_message(
                ticket=ticket,
                text=data["text"],
                asks=data["asks"],
                files=stored,
                actor=actor,
                at=now,
                external_id=form.external_id,
                seen=data["seen"],
            )
            return
        if name == NOTE:
            notes.write_note(ticket=ticket, text=data["text"], by=user, at=now)
            return
        if name == READ:
            mark_read(ticket=ticket, until=data["seen"], at=now)
            return
        if name == REPORT:
            texts = {field: data[field] for field in REPORT_FIELDS}
            reports.write_report(ticket=ticket, **texts, actor=actor, at=now)
            return
        if name == FOLLOW_UP:
            follow_ups.open_follow_up(ticket=ticket, centre=data.get("centre"), actor=actor, at=now)
            return
        kind, payload = EventKind(str(BUTTONS[name].kind)), dict(data)
        if name == "answer_estimate" and data["answer"] == "no":
            kind = E.ESTIMATE_DECLINED
        elif name == "decide_warranty":
            payload["in_warranty"] = data["decision"] == "yes"
        elif name == "send_estimate":
            payload |= {"lines": _estimate_lines(lines), "currency": ticket.centre.currency}
        details: EventDetails = {
            "actor": actor,
            "at": now,
            "occurred_at": form.when,
            "external_id": form.external_id,
        }
        if name == BOOK_IN:
            photos = files.collect(uploads=uploads, purpose=PURPOSE, by=user, at=now)
            book_in_with_photos(ticket=ticket, payload=payload, photos=photos, details=details)
            return
        perform_event_action(ticket=ticket, kind=kind, payload=payload, details=details)

    # Page context

    def _context(
        self, request: HttpRequest, ticket: Ticket, step_forms: StepForms, lines: Any, *, may_work: bool
    ) -> dict[str, Any]:
        now = timezone.now()
        events = list(ticket.events.select_related("by", "partner"))
        clock = get_clock(ticket, now, events)
        parts = list(ticket.parts.all())
        ticket_files = list(ticket.files.filter(message=None).select_related("file"))
        write_form, note_form, read_form = (step_forms.pop(name) for name in (WRITE, NOTE, READ))
        if not any(part.arrived_at is None for part in parts):
            step_forms = {
                name: form
                for name, form in step_forms.items()
                if not isinstance(form, ticket_steps.PartForm) or form.errors
            }
        if not clock.has_open_question and not step_forms.get("answer_question", write_form).errors:
            step_forms.pop("answer_question", None)
        if ticket.state in (S.ASSESSED, S.DECLINED) and "send_estimate" in step_forms:  # first: the usual next step
            step_forms = {"send_estimate": step_forms.pop("send_estimate"), **step_forms}
        opened = next((name for name, form in step_forms.items() if form.is_bound), "")
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"{ticket.product.name} · {ticket.get_state_display()}",
            "subtitle": str(ticket),
            "original": ticket,
            "may_work": may_work,
            "clock": clock,
            "late": clock.missed,
            "timeline": build_timeline(clock, events, {part.pk: part.name for part in parts}),
            "why_standard": [WhyStandard(code).label for code in ticket.why_standard],
            "parts": parts,
            "estimates": ticket.estimates.prefetch_related("lines").order_by("-number"),
            "conversation": ticket.messages.select_related("by").prefetch_related("files__file"),
            "files": [file for file in ticket_files if file.kind != TicketFileKind.INTAKE],
            "intake_photos": [file for file in ticket_files if file.kind == TicketFileKind.INTAKE],
            "notes": ticket.notes.select_related("by"),
            "note_form": note_form,
            "read_form": read_form,
            "loans": ticket.loans.select_related("unit__product"),
            "steps": [
                (name, BUTTONS.get(name) or OTHER_BUTTONS[name], form, name == opened)
                for name, form in step_forms.items()
            ],
            "warns_of_loan": WARN_OF_LOAN,
            "report": ServiceReport.objects.filter(ticket=ticket).first(),
            "covered_until": covered_until(ticket),
            "follow_up": find_open_follow_up(ticket),
            "write_form": write_form,
            "carriers": Carrier.objects.filter(is_offered=True),
            "may_write": may_work and may_write(ticket, now),
            "lines": lines,
            "sees_members": request.user.has_perm("members.view_member"),
        }


def build_timeline(clock: Clock, events: list[TicketEvent], part_names: dict[int, str]) -> list[TimelineLine]:
    """All recorded events, latest first, including those that changed nothing (R52)."""
    events_by_pk = {event.pk: event for event in events}
    return [
        TimelineLine(
            event=event,
            applied=step.applied,
            received_late=event.received_at - event.occurred_at > timedelta(minutes=1),
            detail=_detail(event, part_names),
        )
        for step in reversed(clock.steps)
        if (event := events_by_pk.get(step.event.sequence))
    ]


def _detail(event: TicketEvent, part_names: dict[int, str]) -> str:
    part = part_names.get(event.data.get("part") or 0, "")
    return ", ".join(str(value) for value in (part, event.data.get("expected")) if value)


def _estimate_lines(lines: Any) -> list[estimates.Line]:
    return [
        estimates.Line(
            kind=form.cleaned_data["kind"],
            text=form.cleaned_data["text"],
            quantity=_default_to(form.cleaned_data["quantity"], 1),
            price=form.cleaned_data["price"],
            tax_percent=_default_to(form.cleaned_data["tax_percent"], 0),
        )
        for form in _filled_forms(lines)
    ]


def _default_to(number: Decimal | None, default: int) -> Decimal:
    return Decimal(default) if number is None else number


def _filled_forms(lines: Any) -> list[forms.Form]:
    return [form for form in lines if not form.is_empty]


def _show_refusal(refusal: Refusal, form: ticket_steps.StepForm, lines: Any) -> None:
    """Show the refusal at its field. `lines.2.price` is the price in the third line that is not empty."""
    match refusal.field.split("."):
        case ["lines", number, name]:
            line = _filled_forms(lines)[int(number)]
            line.add_error(name if name in line.fields else None, str(refusal.message))
        case _:
            add_refusal(form, refusal)


def _user(request: HttpRequest) -> User:
    user: Any = request.user
    worker: User = user
    return worker
