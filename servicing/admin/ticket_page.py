"""The page of one ticket at the centre's desk: what is known, and a button for all that can be recorded now (R52)."""

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
from servicing.actions import estimates
from servicing.actions.dispatch import perform_event_action
from servicing.actions.events import Actor, EventDetails
from servicing.actions.messages import may_write, write_message
from servicing.enums import EventKind, TicketState, WhyStandard
from servicing.forms import ticket_steps as typed
from servicing.models import Estimate, Ticket, TicketEvent
from servicing.queries.clock import get_clock
from servicing.queries.file_access import PURPOSE
from servicing.rules import next_moves
from servicing.rules.clock import Clock

E, S = EventKind, TicketState
WORK = "servicing.work_on_ticket"
MORE_LINES = 4
DAYS_TO_ANSWER = timedelta(days=14)
DEFAULT_CURRENCY = "EUR"


@dataclass(frozen=True)
class Button:
    """What may be done: the kind of event that it records, its form, its words. `grave`: not the usual way on."""

    kind: EventKind
    form: type[typed.StepForm]
    label: str | Promise
    grave: bool = False


BUTTONS: dict[str, Button] = {
    "choose_standard": Button(E.CHOSE_STANDARD, typed.BareForm, _("The member takes standard speed")),
    "accept": Button(E.ACCEPTED, typed.StepForm, _("Accept the job")),
    "book_in": Button(E.BOOKED_IN, typed.BookInForm, _("Book it in")),
    "assess": Button(E.ASSESSED, typed.StepForm, _("Assessed")),
    "answer_estimate": Button(E.ESTIMATE_APPROVED, typed.AnswerForm, _("Record the answer to the estimate")),
    "answer_question": Button(E.QUESTION_ANSWERED, typed.StepForm, _("The question was answered")),
    "part_arrived": Button(E.PART_ARRIVED, typed.PartForm, _("A part arrived")),
    "start_repair": Button(E.REPAIR_STARTED, typed.StepForm, _("Start the work")),
    "ready": Button(E.READY, typed.StepForm, _("Ready to ship")),
    "order_part": Button(E.PART_ORDERED, typed.OrderPartForm, _("Order a part")),
    "send_estimate": Button(E.ESTIMATE_SENT, typed.EstimateForm, _("Send the estimate")),
    "ship": Button(E.SHIPPED, typed.ShipForm, _("Shipped")),
    "close": Button(E.CLOSED, typed.StepForm, _("Close: the customer has it")),
    "expect_part": Button(E.PART_EXPECTED, typed.ExpectPartForm, _("Change the date of a part")),
    "decide_warranty": Button(E.WARRANTY_DECIDED, typed.WarrantyForm, _("Decide the warranty")),
    "sent": Button(E.SENT, typed.StepForm, _("It is on its way to us")),
    "withdraw_estimate": Button(E.ESTIMATE_WITHDRAWN, typed.BareForm, _("Take the estimate back"), grave=True),
    "cancel": Button(E.CANCELLED, typed.StepForm, _("Cancel the job"), grave=True),
}
WRITE = "write"
Forms = dict[str, typed.StepForm]


@dataclass(frozen=True)
class Line:
    """One line of the timeline; `late_word` if we heard of it clearly later than it happened."""

    event: TicketEvent
    applied: bool
    late_word: bool
    detail: str


class TicketPage(ReadOnlyAdmin[Ticket]):
    """The page of a ticket."""

    desk_template = "admin/servicing/ticket/desk.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Ticket]:
        return Ticket.objects.seen_by(_user(request))

    def has_work_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(WORK))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        related = ("product", "member__user", "visitor", "centre", "parcel", "registration")
        rows = self.get_queryset(request).select_related(*related)
        row = rows.filter(pk=int(object_id)).first() if object_id.isdecimal() and len(object_id) < 19 else None
        if row is None:
            raise Http404
        posted = request.POST.get("do", "") if request.method == "POST" else ""
        own = bool(row.member and row.member.user_id == request.user.pk)
        may_work = self.has_work_permission(request) and not own
        if posted and not may_work:
            raise PermissionDenied
        with timezone.override(ZoneInfo(row.centre.zone)):  # times are read and typed as the clock on its wall says
            found = self._forms(request, row, posted)
            lines = self._lines(request, row, posted)
            if posted and self._do(request, row, posted, found, lines):
                return HttpResponseRedirect(request.path)
            context = self._context(request, row, found, lines, may_work=may_work)
            return TemplateResponse(request, self.desk_template, {**context, "own": own}).render()

    def _forms(self, request: HttpRequest, row: Ticket, posted: str) -> Forms:
        """Only the form whose button was pressed is filled in; the others are as new."""
        found: Forms = {}
        moves = next_moves(row.state)
        pressed = "send_estimate" if posted == "more_lines" else posted
        for name, button in BUTTONS.items():
            if button.kind in moves or name == pressed:
                data = request.POST if name == pressed else None
                found[name] = button.form(data, ticket=row, prefix=name, initial=self._initial(row, name))
        mine = posted == WRITE
        found[WRITE] = typed.WriteForm(
            request.POST if mine else None, request.FILES if mine else None, ticket=row, prefix=WRITE
        )
        return found

    def _initial(self, row: Ticket, name: str) -> dict[str, Any]:
        initial: dict[str, Any] = {"once": uuid4().hex}
        if name == "book_in":
            initial |= {"condition": row.condition, "accessories": row.accessories}
        if name == "send_estimate":
            last = Estimate.objects.filter(ticket__centre=row.centre).order_by("-pk").first()
            day = timezone.localdate() + DAYS_TO_ANSWER
            initial |= {"currency": last.currency if last else DEFAULT_CURRENCY, "valid_until": day}
        return initial

    def _lines(self, request: HttpRequest, row: Ticket, posted: str) -> Any:
        """The lines of the estimate: as typed, with more of them if asked for; otherwise those of the last one."""
        if posted in ("send_estimate", "more_lines"):
            data = request.POST.copy()
            total = data.get("lines-TOTAL_FORMS", "")
            if posted == "more_lines" and total.isdecimal() and len(total) < 4:
                data["lines-TOTAL_FORMS"] = str(min(int(total) + MORE_LINES, estimates.MAX_LINES))
            return typed.LineForms(data, prefix="lines")
        last = row.estimates.prefetch_related("lines").order_by("-number").first()
        known = [
            {"text": line.text, "quantity": line.quantity, "price": line.price, "tax_percent": line.tax_percent}
            for line in (last.lines.all() if last else [])
        ]
        lines = typed.LineForms(prefix="lines", initial=known)
        lines.extra = MORE_LINES
        return lines

    # What the buttons do

    def _do(self, request: HttpRequest, row: Ticket, posted: str, found: Forms, lines: Any) -> bool:
        """Call the action of a button. False if something typed has to be looked at again."""
        form = found.get(posted)
        if form is None:
            if posted != "more_lines":
                self.message_user(request, gettext("Choose one of the buttons."), messages.ERROR)
            return False
        user, now = _user(request), timezone.now()
        uploads = keep_uploads(form, "files", by=user, at=now) if posted == WRITE else Uploads()
        good = form.is_valid()
        if posted == "send_estimate" and not lines.is_valid():
            good = False
        if not good:
            return False
        try:
            self._perform(row, posted, form, lines, uploads, user, now)
        except Refusal as refusal:
            _show(refusal, form, lines)
            return False
        told = str(BUTTONS[posted].label) if posted in BUTTONS else gettext("Written.")
        self.log_change(request, row, told)
        self.message_user(request, f"{row}: {told}", messages.SUCCESS)
        return True

    def _perform(  # noqa: PLR0917
        self,
        ticket: Ticket,
        name: str,
        form: typed.StepForm,
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
            )
            return
        kind, payload = BUTTONS[name].kind, dict(data)
        if name == "answer_estimate" and data["answer"] == "no":
            kind = E.ESTIMATE_DECLINED
        elif name == "decide_warranty":
            payload["in_warranty"] = data["decision"] == "yes"
        elif name == "send_estimate":
            payload["lines"] = _typed_lines(lines)
        details: EventDetails = {
            "actor": actor,
            "at": now,
            "occurred_at": form.when,
            "external_id": form.external_id,
        }
        perform_event_action(ticket=ticket, kind=kind, payload=payload, details=details)

    # What the page shows

    def _context(
        self, request: HttpRequest, row: Ticket, found: Forms, lines: Any, *, may_work: bool
    ) -> dict[str, Any]:
        now = timezone.now()
        events = list(row.events.select_related("by", "partner"))
        clock = get_clock(row, now, events)
        known_parts = list(row.parts.all())
        writing = found.pop(WRITE)
        if not any(part.arrived_at is None for part in known_parts):
            found = {name: form for name, form in found.items() if not isinstance(form, typed.PartForm) or form.errors}
        if not clock.has_open_question and not found.get("answer_question", writing).errors:
            found.pop("answer_question", None)
        if row.state in (S.ASSESSED, S.DECLINED) and "send_estimate" in found:  # there it is the usual way on
            found = {"send_estimate": found.pop("send_estimate"), **found}
        opened = next((name for name, form in found.items() if form.is_bound), "")
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"{row.product.name} · {row.get_state_display()}",
            "subtitle": str(row),
            "original": row,
            "may_work": may_work,
            "clock": clock,
            "late": clock.missed,
            "timeline": timeline_of(clock, events, {part.pk: part.name for part in known_parts}),
            "why_standard": [WhyStandard(code).label for code in row.why_standard],
            "parts": known_parts,
            "estimates": row.estimates.prefetch_related("lines").order_by("-number"),
            "said": row.messages.select_related("by").prefetch_related("files__file"),
            "files": row.files.filter(message=None).select_related("file"),
            "loans": row.loans.select_related("unit__product"),
            "steps": [(name, BUTTONS[name], form, name == opened) for name, form in found.items()],
            "write_form": writing,
            "may_write": may_work and may_write(row, now),
            "lines": lines,
            "sees_members": request.user.has_perm("members.view_member"),
        }


def timeline_of(clock: Clock, events: list[TicketEvent], names: dict[int, str]) -> list[Line]:
    """Everything that was recorded, the latest first; what changed nothing is there too (R52)."""
    rows = {row.pk: row for row in events}
    return [
        Line(
            event=row,
            applied=step.applied,
            late_word=row.received_at - row.occurred_at > timedelta(minutes=1),
            detail=_detail(row, names),
        )
        for step in reversed(clock.steps)
        if (row := rows.get(step.event.sequence))
    ]


def _detail(row: TicketEvent, names: dict[int, str]) -> str:
    part = names.get(row.data.get("part") or 0, "")
    return ", ".join(str(word) for word in (part, row.data.get("expected")) if word)


def _typed_lines(lines: Any) -> list[estimates.Line]:
    return [
        estimates.Line(
            text=form.cleaned_data["text"],
            quantity=_or(form.cleaned_data["quantity"], 1),
            price=form.cleaned_data["price"],
            tax_percent=_or(form.cleaned_data["tax_percent"], 0),
        )
        for form in _filled(lines)
    ]


def _or(number: Decimal | None, otherwise: int) -> Decimal:
    return Decimal(otherwise) if number is None else number


def _filled(lines: Any) -> list[forms.Form]:
    return [form for form in lines if not form.is_empty]


def _show(refusal: Refusal, form: typed.StepForm, lines: Any) -> None:
    """Show the refusal at its field. `lines.2.price` is the price in the third line that is not empty."""
    match refusal.field.split("."):
        case ["lines", number, name]:
            line = _filled(lines)[int(number)]
            line.add_error(name if name in line.fields else None, str(refusal.message))
        case _:
            add_refusal(form, refusal)


def _user(request: HttpRequest) -> User:
    user: Any = request.user
    by: User = user
    return by
