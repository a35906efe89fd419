"""At the counter: who brings what, what they get for it, and whether it may be taken in at all (R5, R34, R43)."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from cps_portal.core.files import actions as files
from cps_portal.core.files.forms import keep_uploads
from cps_portal.core.files.models import StoredFile
from cps_portal.core.lib.errors import Refusal
from kitbag.models import Registration
from members.forms.common import add_refusal
from members.models import Member, User
from servicing.actions import intake, service_requests, visitors
from servicing.actions.events import Actor
from servicing.admin.ticket_page import TicketPage
from servicing.enums import PlaceWish, ServiceKind, WhyRefused
from servicing.forms.intake import LookUpForm, OpenTicketForm, VisitorForm
from servicing.models import Ticket
from servicing.queries import entitlement as entitled
from servicing.queries.file_access import PURPOSE
from servicing.rules.entitlement import Entitlement


class IntakePage(TicketPage):
    """Looking up, and opening a job at the counter."""

    intake_template = "admin/servicing/ticket/intake.html"
    open_template = "admin/servicing/ticket/open.html"

    def intake_view(self, request: HttpRequest) -> HttpResponse:
        user = self._worker(request)
        form = LookUpForm(request.POST if request.method == "POST" else None)  # what is scanned stays out of addresses
        found = None
        if form.is_valid() and form.cleaned_data["q"].strip():
            found = intake.look_up(form.cleaned_data["q"], Ticket.objects.seen_by(user))
            if len(found.tickets) == 1 and not (found.member or found.registrations or found.serial):
                return HttpResponseRedirect(reverse("admin:servicing_ticket_change", args=[found.tickets[0].pk]))
        stopped = str(intake.find_theft(found, at=timezone.now()) or "") if found else ""
        context = {**self._page(request, gettext("Take something in")), "form": form, "found": found}
        if found and not stopped:
            context["kit"] = [(row, intake.make_key(registration=row.pk)) for row in found.registrations]
            context["members"] = [(found.member, intake.make_key(member=found.member.pk))] if found.member else []
        return TemplateResponse(request, self.intake_template, {**context, "stopped": stopped})

    def open_view(self, request: HttpRequest) -> HttpResponse:
        """With the key of a look-up: something of the Kitbag, or of that member; without: of a visiting member."""
        user = self._worker(request)
        key = request.GET.get("key", "")
        row, member = intake.resolve_key(intake.read_key(key))
        if key and member is None:
            self.message_user(request, gettext("Too much time has passed. Look it up again."), messages.WARNING)
            return HttpResponseRedirect(reverse("admin:servicing_ticket_intake"))
        posted = request.POST.get("do", "") if request.method == "POST" else ""
        attached = request.FILES if posted else None
        form = OpenTicketForm(
            request.POST if posted else None,
            attached,
            user=user,
            registered=row is not None,
            visiting=member is None,
        )
        card = None if member else VisitorForm(request.POST if posted else None, attached)
        answer = None
        if posted:
            now = timezone.now()
            kept = {
                name: keep_uploads(one, name, by=user, at=now)
                for one, name in ((form, "files"), (card, "photo"))
                if one is not None and name in one.fields
            }
            good = all([form.is_valid(), card is None or posted == "check" or card.is_valid()])
            if good and posted == "check":
                answer = self._answer(form, row, member)
            elif good and (ticket := self._open(user, posted, form, card, row, member, kept)):
                self.log_addition(request, ticket, gettext("Opened at the counter"))
                self.message_user(request, f"{ticket}: {ticket.get_state_display()}", messages.SUCCESS)
                return HttpResponseRedirect(reverse("admin:servicing_ticket_change", args=[ticket.pk]))
        context = {
            **self._page(request, gettext("Open a job at the counter")),
            "form": form,
            "card_form": card,
            "row": row,
            "member": member,
            "answer": answer,
            "refused": [WhyRefused(code).label for code in answer.refused] if answer else [],
            "why_standard": [code.label for code in answer.why_standard] if answer else [],
        }
        return TemplateResponse(request, self.open_template, context)

    def _item(self, form: forms.Form, row: Registration | None) -> entitled.Item:
        if row:
            return entitled.Item(row.product, registration=row)
        return entitled.Item(form.cleaned_data["product"], form.cleaned_data["serial"])

    def _answer(self, form: OpenTicketForm, row: Registration | None, member: Member | None) -> Entitlement | None:
        """What they get, before anything is opened (R43)."""
        data, item = form.cleaned_data, self._item(form, row)
        try:
            intake.require_item_not_stolen(item, at=timezone.now())
        except Refusal as refusal:
            form.add_error(None, str(refusal))
            return None
        wanted = bool(data.get("warranty"))
        claim = entitled.claim_for(item, wanted=wanted, proof=bool(data.get("files")), at=timezone.now())
        return entitled.check_entitlement(
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
        card: VisitorForm | None,
        row: Registration | None,
        member: Member | None,
        kept: dict[str, Any],
    ) -> Ticket | None:
        """Open it, and book it in if the button says so. None if something has to be looked at again."""
        now, actor, data = timezone.now(), Actor(user=user), form.cleaned_data
        item = self._item(form, row)
        try:
            intake.require_item_not_stolen(item, at=now)
            stored: dict[str, list[StoredFile]] = {
                name: files.collect(uploads=uploads, purpose=PURPOSE, by=user, at=now) for name, uploads in kept.items()
            }
            wanted = service_requests.RequestedItem(
                item,
                ServiceKind(data["service"]),
                fault=data["fault"],
                warranty=bool(data.get("warranty")),
                wish=PlaceWish(data["wish"]) if data.get("wish") else None,
                proofs=stored.get("files", []),
                accessories=data["accessories"],
                condition=data["condition"],
            )
            if card is None:
                ticket = service_requests.open_at_counter(
                    centre=data["centre"], item=wanted, actor=actor, at=now, member=member
                )
            else:
                facts = {name: value for name, value in card.cleaned_data.items() if name != "photo"}
                visitor = visitors.Visitor(photo=next(iter(stored["photo"]), None), **facts)
                ticket = visitors.open_for_visitor(
                    visitor=visitor, centre=data["centre"], item=wanted, actor=actor, at=now
                )
        except Refusal as refusal:
            _show(refusal, form, card)
            return None
        if posted == "open_and_book_in":
            return intake.book_in_if_possible(ticket, actor=actor, at=now)
        return ticket

    def _worker(self, request: HttpRequest) -> User:
        if not self.has_work_permission(request):
            raise PermissionDenied
        user: Any = request.user
        by: User = user
        return by

    def _page(self, request: HttpRequest, title: str) -> dict[str, Any]:
        return {**self.admin_site.each_context(request), "opts": self.opts, "title": title}


def _show(refusal: Refusal, form: OpenTicketForm, card: VisitorForm | None) -> None:
    """Beside its field: the action's `item.fault` is the form's `fault`."""
    name = refusal.field.removeprefix("item.")
    told = Refusal(refusal.code, str(refusal), name)
    add_refusal(card if card is not None and name in card.fields else form, told)
