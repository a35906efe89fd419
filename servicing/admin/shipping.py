"""Ship in batches: scan a job, scan its tracking number, next; then all boxes leave at once (R53, R61)."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from members.models import User
from servicing.actions import packing
from servicing.actions.events import Actor
from servicing.actions.loan_dates import loan_terms
from servicing.actions.shipping import Tracking
from servicing.admin.intake import IntakePage
from servicing.enums import TicketState
from servicing.forms.packing import NumberField, ScanForm
from servicing.models import ServiceCentre, Ticket
from servicing.models.parcels import tracking_key
from servicing.presenters.job_papers import MAX_PRINTED, ONLY_LABELS
from servicing.presenters.packing import ShipRow, last_packed, ship_rows
from servicing.queries.packing import MAX_READY, find_scanned, is_packed, left_today, loans_out, ready_tickets

SCAN, SAVE, SHIP, UNDO = "scan", "save", "ship", "undo"
NOT_READY = _("No job that is ready has this number. Scan its job sheet first, then the tracking number.")


@dataclass
class Desk:
    """What one request works on: the jobs that are ready, what was typed, and what went wrong by the key of the job."""

    user: User
    tickets: list[Ticket]
    at: datetime
    now: Ticket | None = None
    typed: dict[int, str] = field(default_factory=dict)
    errors: dict[int, Refusal | forms.ValidationError | str] = field(default_factory=dict)
    left_out: set[int] = field(default_factory=set)

    def find(self, pk: object) -> Ticket | None:
        return next((ticket for ticket in self.tickets if ticket.pk == pk), None)


class ShipPage(IntakePage):
    """Adds the page for shipping."""

    ship_template = "admin/servicing/ticket/ship.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [path("ship/", view(self.ship_view), name="servicing_ticket_ship"), *super().get_urls()]

    def ship_view(self, request: HttpRequest) -> HttpResponse:
        user = self._worker(request)
        desk = Desk(user, list(_of_centre(request, user)[:MAX_READY]), timezone.now())
        if request.method != "POST":
            desk.now = desk.find(_number(request.GET.get("now", "")))
            return self._ship_page(request, desk, ScanForm(initial=_initial(desk)))
        form = ScanForm(request.POST)
        if form.is_valid():
            desk.now = desk.find(form.cleaned_data["now"])
            self._read_rows(request, desk, form)
            done = self._press(request, desk, form)
            if done and not desk.errors and not form.errors:
                return HttpResponseRedirect(_address(request, desk.now))
        return self._ship_page(request, desk, form)

    def _press(self, request: HttpRequest, desk: Desk, form: ScanForm) -> bool:
        """Do what the pressed button says. Returns False if there is nothing more to do than to show the page."""
        match request.POST.get("do", ""):
            case "scan":
                _take_scan(desk, form)
            case "undo":
                _undo(desk)
            case "save":
                self.message_user(request, gettext("Saved. Everything is here when you come back."), messages.SUCCESS)
            case "ship":
                self._ship(request, desk)
            case _:
                return False
        return True

    def _read_rows(self, request: HttpRequest, desk: Desk, form: ScanForm) -> None:
        """Store the tracking numbers typed in rows. A row that nobody changed is left to what others scanned since."""
        chosen = set(request.POST.getlist("s"))
        for ticket in desk.tickets:
            name = f"tracking-{ticket.pk}"
            if name not in request.POST:
                continue
            if f"chosen-{ticket.pk}" in request.POST and str(ticket.pk) not in chosen:
                desk.left_out.add(ticket.pk)
            try:
                number = NumberField().clean(request.POST[name])
            except forms.ValidationError as error:
                desk.typed[ticket.pk], desk.errors[ticket.pk] = request.POST[name], " ".join(error.messages)
                continue
            if number != request.POST.get(f"was-{ticket.pk}", ""):
                _store(desk, ticket, number, form)

    def _ship(self, request: HttpRequest, desk: Desk) -> None:
        leaving = [ticket for ticket in desk.tickets if ticket.pk not in desk.left_out and is_packed(ticket)]
        if not leaving:
            self.message_user(request, gettext("Nothing is packed yet. Scan a job sheet first."), messages.WARNING)
            return
        batch = packing.ship_packed(tickets=leaving, actor=Actor(user=desk.user), at=desk.at)
        for ticket in leaving:
            if ticket.pk not in batch.refusals:
                self.log_change(request, ticket, gettext("Shipped"))
        for text in dict.fromkeys(str(refusal) for refusal in batch.refusals.values()):
            self.message_user(request, text, messages.WARNING)
        if batch.jobs:
            self.message_user(request, _shipped(batch), messages.SUCCESS)
        desk.now = None

    def _ship_page(self, request: HttpRequest, desk: Desk, form: ScanForm) -> HttpResponse:
        desk.tickets = list(_of_centre(request, desk.user)[:MAX_READY])
        now = desk.find(desk.now.pk) if desk.now else None
        rows = ship_rows(desk.tickets, now=now, typed=desk.typed, errors=desk.errors, left_out=desk.left_out)
        to_send = [row for row in rows if row.state != "counter"]
        to_address = [row for row in to_send if row.ticket.parcel.has_address][:MAX_PRINTED]
        chosen = _number(request.GET.get("centre", ""))
        seen = ServiceCentre.objects.seen_by(desk.user)
        centres = seen.filter(Q(tickets__state=TicketState.READY) | Q(pk=chosen)).distinct().order_by("name")
        context = {
            **self._page(request, gettext("Ship")),
            "form": form,
            "rows": rows,
            "now": now,
            "last": last_packed(rows, desk.user.pk),
            "to_send": len(to_send),
            "packed": sum(row.is_packed for row in to_send),
            "labels": _labels_address(to_address),
            "label_count": len({row.ticket.parcel_id for row in to_address}),
            "leaving": sum(row.is_packed and row.chosen for row in to_send),
            "loans": loans_out(desk.tickets, loan_terms(), desk.at),
            "left": left_today(desk.user, seen.filter(pk=chosen) if chosen else seen, desk.at),
            "centres": list(centres[:MAX_READY]),
            "chosen_centre": chosen,
            "most": MAX_READY,
        }
        zone = desk.tickets[0].centre.zone if desk.tickets else timezone.get_current_timezone_name()
        with timezone.override(ZoneInfo(zone)):  # times are shown as local time of the centre
            return TemplateResponse(request, self.ship_template, context).render()


def _of_centre(request: HttpRequest, user: User) -> Any:
    """The ready jobs that this person may ship, of one centre if it was chosen."""
    tickets, centre = ready_tickets(user), _number(request.GET.get("centre", ""))
    return tickets.filter(centre=centre) if centre else tickets


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def _address(request: HttpRequest, now: Ticket | None) -> str:
    query = {"centre": _number(request.GET.get("centre", "")), "now": now.pk if now else 0}
    address, text = reverse("admin:servicing_ticket_ship"), urlencode({key: pk for key, pk in query.items() if pk})
    return f"{address}?{text}" if text else address


def _labels_address(rows: list[ShipRow]) -> str:
    """The page that prints their return labels; "" if there is none."""
    query: list[tuple[str, str | int]] = [("only", ONLY_LABELS), *(("t", row.ticket.pk) for row in rows)]
    return f"{reverse('admin:servicing_ticket_print')}?{urlencode(query)}" if rows else ""


def _initial(desk: Desk) -> dict[str, Any]:
    """The carrier of what this person packed last, and the job whose tracking number is expected."""
    mine = [ticket.packed for ticket in desk.tickets if is_packed(ticket) and ticket.packed.by_id == desk.user.pk]
    last = max(mine, key=lambda packed: packed.at, default=None)
    now = desk.now.pk if desk.now else None
    return {"now": now, "carrier": last.carrier_text if last else "", "expected_on": last.expected_on if last else None}


def _take_scan(desk: Desk, form: ScanForm) -> None:
    """A job becomes the one whose tracking number is expected; a tracking number goes to that job."""
    text = form.cleaned_data["scan"]
    if not text:
        return
    if job := find_scanned(text, desk.tickets):
        try:
            packing.require_can_leave(job)
        except Refusal as refusal:
            form.add_error("scan", f"{job.reference_in_groups}: {refusal}")
        else:
            desk.now = job
        return
    if desk.now is None:
        numbers = {ticket.packed.number_key for ticket in desk.tickets if is_packed(ticket)}
        if tracking_key(text) not in numbers:  # the same label scanned again does no harm
            form.add_error("scan", str(NOT_READY))
        return
    try:
        packing.pack(ticket=desk.now, tracking=_tracking(text, form), by=desk.user, at=desk.at)
    except Refusal as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else "scan", str(refusal))
    else:
        desk.now = None


def _store(desk: Desk, ticket: Ticket, number: str, form: ScanForm) -> None:
    """Pack a job with the number typed in its row, or unpack it if the number was deleted."""
    try:
        if number:
            packed = packing.pack(ticket=ticket, tracking=_tracking(number, form), by=desk.user, at=desk.at)
            ticket.packed = packed
        else:
            packing.unpack(ticket=ticket)
    except Refusal as refusal:
        desk.typed[ticket.pk], desk.errors[ticket.pk] = number, refusal


def _undo(desk: Desk) -> None:
    """Take back what this person scanned last: the job that waits for its number, or the number."""
    if desk.now:
        desk.now = None
        return
    mine = [ticket for ticket in desk.tickets if is_packed(ticket) and ticket.packed.by_id == desk.user.pk]
    if mine:
        packing.unpack(ticket=max(mine, key=lambda ticket: (ticket.packed.at, ticket.packed.pk)))


def _tracking(number: str, form: ScanForm) -> Tracking:
    return Tracking(form.cleaned_data["carrier"], number, expected_on=form.day)


def _shipped(batch: packing.Batch) -> str:
    jobs = ngettext("%(n)s job left", "%(n)s jobs left", batch.jobs) % {"n": batch.jobs}
    boxes = ngettext("in %(n)s box.", "in %(n)s boxes.", batch.boxes) % {"n": batch.boxes}
    return f"{jobs} {boxes} {gettext('The customers get the tracking link.')}"
