"""Intake at the counter: look up the product or member, check entitlement and theft, open a ticket (R5, R34, R43)."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext

from cps_portal.core.files import actions as files
from cps_portal.core.files.forms import keep_uploads
from cps_portal.core.files.models import StoredFile
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.submissions.once import run_once
from kitbag.actions.stolen_reports import note_sighting
from kitbag.models import Registration, Sighting
from members.forms.common import add_refusal
from members.models import Member, User
from servicing.actions import intake, service_requests, visitors
from servicing.actions.arrivals import MAY_ARRIVE
from servicing.actions.events import Actor
from servicing.actions.intake_photos import add_intake_photos
from servicing.admin.ticket_page import TicketPage
from servicing.enums import PlaceWish, ServiceKind, WhyRefused
from servicing.forms.arrivals import StoppedForm
from servicing.forms.intake import LookUpForm, OpenTicketForm
from servicing.forms.visitors import VisitorForm
from servicing.models import Ticket, VisitingMember
from servicing.presenters.intake import any_problem_sentence
from servicing.queries.arrivals import MAX_EXPECTED, expected_days, expected_tickets
from servicing.queries.entitlement import Item, check_entitlement, claim_for
from servicing.queries.file_access import PURPOSE
from servicing.queries.history import histories_of, serial_of
from servicing.rules.entitlement import Entitlement


class IntakePage(TicketPage):
    """Adds the look-up page and the page that opens a job at the counter."""

    intake_template = "admin/servicing/ticket/intake.html"
    open_template = "admin/servicing/ticket/open.html"
    stopped_template = "admin/servicing/ticket/stopped.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("intake/stopped/", view(self.stopped_view), name="servicing_ticket_stopped"),
            *super().get_urls(),
        ]

    def intake_view(self, request: HttpRequest) -> HttpResponse:
        user = self._worker(request)
        # POST only, because card and serial numbers must stay out of URLs
        form = LookUpForm(request.POST if request.method == "POST" else None)
        result = None
        if form.is_valid() and form.cleaned_data["q"].strip():
            result = intake.look_up(form.cleaned_data["q"], Ticket.objects.seen_by(user))
            if stopped := intake.find_theft(result, at=timezone.now()):
                return self.stopped_page(request, stopped)
            if found := _only_page(result):
                return HttpResponseRedirect(found)
        context = {**self._page(request, gettext("Take in")), "form": form, "result": result}
        expected = list(expected_tickets(user)[:MAX_EXPECTED])
        days = expected_days(expected)
        context["expected"] = [(ticket, days.get(ticket.pk)) for ticket in expected]
        if result and result.is_unknown and result.problem:
            context["problem"] = any_problem_sentence(result.problem)
        elif result:
            histories = histories_of({serial for row in result.registrations if (serial := serial_of(row))})
            context["registrations"] = [
                (row, intake.make_key(registration=row.pk), histories.get(serial_of(row) or (0, ""), []))
                for row in result.registrations
            ]
            context["members"] = [(result.member, intake.make_key(member=result.member.pk))] if result.member else []
        return TemplateResponse(request, self.intake_template, context)

    def stopped_page(
        self, request: HttpRequest, stopped: intake.Stopped, form: StoppedForm | None = None
    ) -> HttpResponse:
        """Stop, without a reason, and what to record for support (R34)."""
        key = intake.make_key(sighting=stopped.sighting.pk)
        page = {**self._page(request, gettext("Stop")), "theft_message": str(stopped), "key": key}
        return TemplateResponse(request, self.stopped_template, {**page, "form": form or StoppedForm()}).render()

    def stopped_view(self, request: HttpRequest) -> HttpResponse:
        """Record what happened after an intake was stopped. `key` names the sighting; nobody else can write to it."""
        user = self._worker(request)
        pk = intake.read_key(request.POST.get("key", "")).get("sighting", 0)
        sighting = Sighting.objects.filter(pk=pk).first() if request.method == "POST" else None
        if sighting is None:
            self.message_user(request, gettext("Scan it again."), messages.WARNING)
            return HttpResponseRedirect(reverse("admin:servicing_ticket_intake"))
        form = StoppedForm(request.POST)
        if form.is_valid():
            try:
                note_sighting(sighting=sighting, text=form.text, by=user)
            except Refusal as refusal:
                add_refusal(form, refusal)
            else:
                self.message_user(request, gettext("Recorded. Now call support."), messages.SUCCESS)
                return HttpResponseRedirect(reverse("admin:servicing_ticket_intake"))
        return self.stopped_page(request, intake.Stopped(sighting), form)

    def open_view(self, request: HttpRequest) -> HttpResponse:
        """`key` in the query string is a registration or a member from the look-up. Without it: a visiting member."""
        user = self._worker(request)
        key = request.GET.get("key", "")
        registration, member = intake.resolve_key(intake.read_key(key))
        if key and member is None:
            self.message_user(request, gettext("This search has expired. Please search again."), messages.WARNING)
            return HttpResponseRedirect(reverse("admin:servicing_ticket_intake"))
        posted = request.POST.get("do", "") if request.method == "POST" else ""
        attached = request.FILES if posted else None
        form = OpenTicketForm(
            request.POST if posted else None,
            attached,
            user=user,
            registered=registration is not None,
            visiting=member is None,
        )
        checked = None if member else self._checked(request)
        card_form = None if member else VisitorForm(request.POST if posted else None, attached, initial=checked)
        entitlement = None
        if posted:
            now = timezone.now()
            uploads = {
                name: keep_uploads(upload_form, name, by=user, at=now)
                for upload_form, name in ((form, "files"), (form, "photos"), (card_form, "photo"))
                if upload_form is not None and name in upload_form.fields
            }
            valid = all([form.is_valid(), card_form is None or posted == "check" or card_form.is_valid()])
            if valid and posted == "check":
                entitlement = self._entitlement(form, registration, member)
            elif valid:

                def effect() -> HttpResponse | None:
                    ticket = self._open(user, posted, form, card_form, registration, member, uploads)
                    return self._opened(request, ticket) if ticket else None

                if response := run_once(request, effect):
                    return response
        context = {
            **self._page(request, gettext("Open a job at the counter")),
            "form": form,
            "card_form": card_form,
            "registration": registration,
            "member": member,
            "entitlement": entitlement,
            "refused": [WhyRefused(code).label for code in entitlement.refused] if entitlement else [],
            "why_standard": [code.label for code in entitlement.why_standard] if entitlement else [],
        }
        return TemplateResponse(request, self.open_template, context)

    def _checked(self, request: HttpRequest) -> dict[str, Any]:
        """What is on the card that was checked before, if `card` in the query string names one that the user sees."""
        user, pk = self._worker(request), intake.read_key(request.GET.get("card", "")).get("visitor", 0)
        rows = VisitingMember.objects.seen_by(user).filter(pk=pk, erased_at=None)
        return dict(rows.values("region", "region_text", "card_number", "expires_on", "name").first() or {})

    def _opened(self, request: HttpRequest, ticket: Ticket) -> HttpResponse:
        self.log_addition(request, ticket, gettext("Opened at the counter"))
        self.message_user(request, f"{ticket}: {ticket.get_state_display()}", messages.SUCCESS)
        # Where it goes back to is asked at once, while the customer stands there (R61).
        return HttpResponseRedirect(reverse("admin:servicing_ticket_return", args=[ticket.pk]))

    def _item(self, form: forms.Form, registration: Registration | None) -> Item:
        if registration:
            return Item(registration.product, registration=registration)
        return Item(form.cleaned_data["product"], form.cleaned_data["serial"])

    def _entitlement(
        self, form: OpenTicketForm, registration: Registration | None, member: Member | None
    ) -> Entitlement | None:
        """What the customer would get, without opening a ticket (R43). None if the item is reported stolen."""
        data, item = form.cleaned_data, self._item(form, registration)
        try:
            intake.require_item_not_stolen(item, at=timezone.now())
        except Refusal as refusal:
            form.add_error(None, str(refusal))
            return None
        claims_warranty = bool(data.get("warranty"))
        claim = claim_for(item, wanted=claims_warranty, proof=bool(data.get("files")), at=timezone.now())
        return check_entitlement(
            member=member,
            item=item,
            centre=data["centre"],
            service=data["service"],
            wish=data.get("wish") or None,
            claim=claim,
        )

    def _open(  # noqa: PLR0917
        self,
        user: User,
        posted: str,
        form: OpenTicketForm,
        card_form: VisitorForm | None,
        registration: Registration | None,
        member: Member | None,
        uploads_by_field: dict[str, Any],
    ) -> Ticket | None:
        """Open the ticket, and book it in if that button was pressed. None if the form has errors to show."""
        now, actor, data = timezone.now(), Actor(user=user), form.cleaned_data
        item = self._item(form, registration)
        try:
            intake.require_item_not_stolen(item, at=now)
            stored: dict[str, list[StoredFile]] = {
                name: files.collect(uploads=uploads, purpose=PURPOSE, by=user, at=now)
                for name, uploads in uploads_by_field.items()
            }
            requested_item = service_requests.RequestedItem(
                item,
                ServiceKind(data["service"]),
                fault=data["fault"],
                warranty=bool(data.get("warranty")),
                wish=PlaceWish(data["wish"]) if data.get("wish") else None,
                proofs=stored.get("files", []),
                accessories=data["accessories"],
                condition=data["condition"],
            )
            if card_form is None:
                ticket = service_requests.open_at_counter(
                    centre=data["centre"], item=requested_item, actor=actor, at=now, member=member
                )
            else:
                facts = {name: value for name, value in card_form.cleaned_data.items() if name != "photo"}
                visitor = visitors.Visitor(photo=next(iter(stored["photo"]), None), **facts)
                ticket = visitors.open_for_visitor(
                    visitor=visitor, centre=data["centre"], item=requested_item, actor=actor, at=now
                )
        except Refusal as refusal:
            _show_refusal(refusal, form, card_form)
            return None
        add_intake_photos(ticket=ticket, photos=stored["photos"], details={"actor": actor, "at": now})
        if posted == "open_and_book_in":
            return intake.book_in_if_possible(ticket, actor=actor, at=now)
        return ticket

    def _worker(self, request: HttpRequest) -> User:
        if not self.has_work_permission(request):
            raise PermissionDenied
        user: Any = request.user
        worker: User = user
        return worker

    def _page(self, request: HttpRequest, title: str) -> dict[str, Any]:
        return {**self.admin_site.each_context(request), "opts": self.opts, "title": title}


def _only_page(result: intake.LookupResult) -> str:
    """Where a scan leads by itself: its parcel, or its only job. "" if there is something to choose."""
    parcels = {ticket.parcel_id for ticket in result.tickets}
    arriving = [ticket for ticket in result.tickets if ticket.state in MAY_ARRIVE]
    if arriving and len(parcels) == 1 and result.member is None:
        page = reverse("admin:servicing_ticket_parcel", args=[arriving[0].parcel_id])
        return f"{page}?scanned={arriving[0].pk}" if result.serial and len(arriving) == 1 else page
    if len(result.tickets) == 1 and not (result.member or result.registrations or result.serial):
        return reverse("admin:servicing_ticket_change", args=[result.tickets[0].pk])
    return ""


def _show_refusal(refusal: Refusal, form: OpenTicketForm, card_form: VisitorForm | None) -> None:
    """Show the refusal at its field. The action's `item.fault` is the form's `fault`."""
    name = refusal.field.removeprefix("item.")
    add_refusal(
        card_form if card_form is not None and name in card_form.fields else form,
        Refusal(refusal.code, str(refusal), name),
    )
