"""The page on which a centre writes an estimate, with its ready sets and what the customer will read (R51, R62)."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.text import clean_name
from members.forms.common import add_refusal
from servicing.actions import estimates
from servicing.actions.estimate_drafts import Typed, discard_draft, save_draft
from servicing.actions.events import Actor
from servicing.admin.papers import PaperPages
from servicing.enums import EventKind, LineKind, ServiceKind
from servicing.forms.estimates import (
    PREFIX,
    EstimateForm,
    LineForms,
    Row,
    filled_lines,
    is_blank,
    line_forms,
    typed_rows,
)
from servicing.models import Estimate, EstimateDraft, EstimateLine, ReadySetLine, Ticket
from servicing.presenters.estimate_page import customer_name, language_of, line_rows
from servicing.queries.ready_sets import draft_of, last_estimate_like, names_part, ready_line_of_part, ready_sets
from servicing.rules import next_moves

SEND = "send_estimate"  # the button, and the prefix of the fields beside the lines
SAVE, DISCARD, PREVIEW = "save_draft", "discard_draft", "preview"
DEFAULT_VALIDITY = timedelta(days=14)
BLANK_LINES = 2


class EstimatePages(PaperPages):
    """Adds the page of an estimate. Every button works without a script; htmx swaps the form, or the preview alone."""

    estimate_template = "admin/servicing/ticket/estimate.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.estimate_view)
        return [path("<int:pk>/estimate/", view, name="servicing_ticket_estimate"), *super().get_urls()]

    def estimate_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Write the lines and send them. `set`, `last`, `add_line`, `remove_line` and `scan` change the rows.

        `do` sends, or saves or discards the draft, with which the page begins the next time.
        """
        ticket = self._workable(request, pk)
        back = HttpResponseRedirect(reverse("admin:servicing_ticket_change", args=[ticket.pk]))
        if EventKind.ESTIMATE_SENT not in next_moves(ticket.state, ticket.charge):
            self.message_user(request, gettext("An estimate can’t be sent at this step of the job."), messages.WARNING)
            return back
        with timezone.override(ZoneInfo(ticket.centre.zone)):  # times are shown and typed as local time
            if request.method != "POST":
                draft = draft_of(ticket)
                rows = [*(draft.lines if draft else _rows_of(ticket)), *_blank_rows(ticket, BLANK_LINES)]
                return self._estimate_page(request, ticket, _new_form(ticket, draft), rows, line_forms(rows))
            rows = typed_rows(request.POST)
            operation = request.POST.get("do", "")
            if operation == DISCARD:
                return self._discard_draft(request, ticket)
            if operation in {SEND, SAVE} and not _scanned(request):
                form = EstimateForm(request.POST, ticket=ticket, prefix=SEND)
                lines = LineForms(request.POST, prefix=PREFIX)
                finish = self._send_estimate if operation == SEND else self._save_draft
                if finish(request, ticket, form, lines):
                    return back
                return self._estimate_page(request, ticket, form, rows, lines)
            rows = self._change_rows(request, ticket, rows)
            lines = line_forms(rows, has_focus=not _scanned(request))
            return self._estimate_page(request, ticket, _unfinished(request, ticket), rows, lines)

    def _change_rows(self, request: HttpRequest, ticket: Ticket, rows: list[Row]) -> list[Row]:
        """The rows after the button that was pressed, if it changes them."""
        inserted: list[Row] = []
        if scanned := _scanned(request):
            inserted = self._scanned_rows(request, ticket, rows, scanned)
        elif key := request.POST.get("set", ""):
            chosen = next((row for row in ready_sets(ticket) if str(row.pk) == key), None)
            if chosen is None:
                self.message_user(request, gettext("This ready set is no longer there."), messages.WARNING)
            inserted = _as_rows(chosen.lines.all(), ticket) if chosen else []
        elif "last" in request.POST:
            last = last_estimate_like(ticket)
            inserted = _as_rows(last.lines.all(), ticket) if last else []
        elif "add_line" in request.POST:
            rows = [*rows, *_blank_rows(ticket, 1)]
        elif (number := request.POST.get("remove_line", "")).isdecimal():
            rows = [row for n, row in enumerate(rows) if str(n) != number]
        if inserted:
            rows = [*(row for row in rows if not is_blank(row)), *inserted, *_blank_rows(ticket, 1)]
        if len(rows) > estimates.MAX_LINES:
            self.message_user(
                request, gettext("An estimate has at most %(n)s lines.") % {"n": estimates.MAX_LINES}, messages.WARNING
            )
        return rows[: estimates.MAX_LINES]

    def _scanned_rows(self, request: HttpRequest, ticket: Ticket, rows: list[Row], scanned: str) -> list[Row]:
        """The line of a part by its number, as a ready set of the centre has it; if none has it, without a price.

        The same part twice in a row adds nothing, because a scanner reads a label twice easily.
        """
        place = next((n for n, row in enumerate(rows, start=1) if names_part(str(row["text"]), scanned)), 0)
        if place:
            text = gettext("%(part)s is in line %(n)s already. Change the number there if you need more of it.")
            self.message_user(request, text % {"part": scanned, "n": place}, messages.WARNING)
            return []
        if request.POST.get("do") in {SEND, SAVE}:
            text = gettext("%(part)s was scanned and is added. Look at its line, then press the button again.")
            self.message_user(request, text % {"part": scanned}, messages.WARNING)
        if line := ready_line_of_part(ticket, scanned):
            return _as_rows([line], ticket)
        text = gettext("No ready set has %(part)s, so type its price.")
        self.message_user(request, text % {"part": scanned}, messages.WARNING)
        return [{**row, "kind": LineKind.PART.value, "text": scanned} for row in _blank_rows(ticket, 1)]

    def _save_draft(self, request: HttpRequest, ticket: Ticket, form: EstimateForm, lines: Any) -> bool:
        """Returns False if there are errors to show. What is not finished is no error."""
        kept = [(line, row) for line, row in zip(lines, typed_rows(request.POST), strict=False) if not is_blank(row)]
        values = {name: str(form[name].data or "") for name in ("valid_until", "note", "occurred_at")}
        try:
            save_draft(
                ticket=ticket,
                typed=Typed([row for _line, row in kept], **values),
                seen=str(form["draft"].data or ""),
                by=self._worker(request),
                at=timezone.now(),
            )
        except Refusal as refusal:
            for each in (form, *lines):
                each.errors.clear()  # of what is not finished
            if refusal.code == "changed" and (draft := draft_of(ticket)):
                data = request.POST.copy()
                data[form.add_prefix("draft")] = draft.version  # the next press replaces it
                form.data = data
            _show_refusal(refusal, form, [line for line, _row in kept])
            return False
        text = gettext("The draft is saved. Nobody outside of the desk sees it, and it’s here when you go on.")
        self.message_user(request, text, messages.SUCCESS)
        return True

    def _discard_draft(self, request: HttpRequest, ticket: Ticket) -> HttpResponse:
        if discard_draft(ticket=ticket):
            self.message_user(request, gettext("The draft is discarded."), messages.SUCCESS)
        return HttpResponseRedirect(request.path)

    def _send_estimate(self, request: HttpRequest, ticket: Ticket, form: EstimateForm, lines: Any) -> bool:
        """Returns False if there are errors to show."""
        if sum(each.is_valid() for each in (form, lines)) < 2:  # each is asked, so that all errors are shown
            return False
        filled = [line for line in lines if not line.is_empty]
        try:
            estimates.send_estimate(
                ticket=ticket,
                lines=[line.line for line in filled],
                currency=ticket.centre.currency,
                valid_until=form.cleaned_data["valid_until"],
                note=form.cleaned_data["note"],
                actor=Actor(user=self._worker(request)),
                at=timezone.now(),
                occurred_at=form.when,
                external_id=form.external_id,
            )
        except Refusal as refusal:
            _show_refusal(refusal, form, filled)
            return False
        self.log_change(request, ticket, gettext("Estimate sent"))
        self.message_user(
            request, gettext("The estimate is sent. The clock is paused until the answer."), messages.SUCCESS
        )
        return True

    def _estimate_page(
        self, request: HttpRequest, ticket: Ticket, form: EstimateForm, rows: list[Row], lines: Any
    ) -> HttpResponse:
        numbered = filled_lines(rows)
        preview = estimates.preview_estimate(ticket=ticket, lines=[line for _n, line in numbered])
        nets = {n: net for n, line in numbered if (net := estimates.net_of(line)) is not None}
        context = {
            **self._page(request, gettext("Estimate")),
            "ticket": ticket,
            "customer_name": customer_name(ticket),
            "form": form,
            "lines": lines,
            "rows": line_rows(lines, nets),
            "preview": preview,
            "discounts": [line for line in preview.lines if line.kind == LineKind.DISCOUNT],
            "unread": sum(not is_blank(row) for row in rows) - len(numbered) + preview.left_out,
            "sets": ready_sets(ticket),
            "last": last_estimate_like(ticket),
            "language": language_of(ticket, settings.LANGUAGE_CODE),
            "valid_until": _day(form),
            "draft": draft_of(ticket),
            "is_scanning": bool(_scanned(request)),
            "may_edit_sets": request.user.has_perm("servicing.change_readyset"),
        }
        return TemplateResponse(request, self.estimate_template, context).render()


def _scanned(request: HttpRequest) -> str:
    """The number of a part that was scanned; "" for what is computed while somebody types."""
    is_typing = request.POST.get("do") == PREVIEW
    return "" if is_typing else clean_name(request.POST.get("scan", ""))[: estimates.MAX_TEXT_LENGTH]


def _new_form(ticket: Ticket, draft: EstimateDraft | None) -> EstimateForm:
    initial: dict[str, Any] = {"once": uuid4().hex, "valid_until": timezone.localdate() + DEFAULT_VALIDITY}
    if draft:
        names = ("valid_until", "note", "occurred_at")
        initial |= {"draft": draft.version, **{name: getattr(draft, name) for name in names}}
    return EstimateForm(ticket=ticket, prefix=SEND, initial=initial)


def _unfinished(request: HttpRequest, ticket: Ticket) -> EstimateForm:
    """The form with what was typed so far, without complaining about what is missing."""
    typed = EstimateForm(request.POST, ticket=ticket, prefix=SEND)
    return EstimateForm(ticket=ticket, prefix=SEND, initial={name: typed[name].data for name in typed.fields})


def _day(form: EstimateForm) -> Any:
    """The last day of the estimate, None if it can't be read yet."""
    field = form["valid_until"]
    try:
        return form.fields["valid_until"].clean(field.value())
    except forms.ValidationError:
        return None


def _rows_of(ticket: Ticket) -> list[Row]:
    """The lines of the last estimate of the job, to be corrected."""
    last: Estimate | None = ticket.estimates.order_by("-number").first()
    return _as_rows(last.lines.all(), ticket) if last else []


def _as_rows(lines: Iterable[EstimateLine | ReadySetLine], ticket: Ticket) -> list[Row]:
    """As they are typed. A ready set has no tax of its own; the discount is worked out anew."""
    return [
        {
            "kind": line.kind,
            "text": line.text,
            "quantity": _plain(line.quantity),
            "price": f"{line.price:f}",
            "tax_percent": _plain(getattr(line, "tax_percent", ticket.centre.tax_percent)),
        }
        for line in lines
        if line.kind != LineKind.DISCOUNT
    ]


def _blank_rows(ticket: Ticket, count: int) -> list[Row]:
    kind = LineKind.MAINTENANCE if ticket.service == ServiceKind.MAINTENANCE else LineKind.WORK
    tax = _plain(ticket.centre.tax_percent)
    row = {"kind": kind, "text": "", "quantity": "1", "price": "", "tax_percent": tax}
    return [dict(row) for _n in range(count)]


def _plain(number: Decimal) -> str:
    """As somebody types it: without zeros after the point."""
    return f"{number:.0f}" if number == number.to_integral_value() else f"{number:f}"


def _show_refusal(refusal: Refusal, form: EstimateForm, filled: list[Any]) -> None:
    """Show the refusal at its field. `lines.2.price` is the price in the third line that is not empty."""
    match refusal.field.split("."):
        case ["lines", number, name]:
            line = filled[int(number)]
            line.add_error(name if name in line.fields else None, str(refusal.message))
        case _:
            add_refusal(form, refusal)
