"""At the counter: who brings what, what they get for it, and whether it may be taken in at all (R5, R34, R43)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from cps_portal.files import actions as files
from cps_portal.files.forms import keep_uploads
from cps_portal.files.models import StoredFile
from cps_portal.lib.errors import Refusal
from cps_portal.lib.reference import read_reference
from cps_portal.offers.models import Card
from kitbag.models import Registration, StolenReport
from kitbag.rules import serial_key
from members.forms import add_refusal
from members.models import Member, User
from members.rules import is_member_number
from servicing import entitled
from servicing.actions import counter, requesting, visiting
from servicing.actions.recording import Who
from servicing.admin.desk import DeskPage
from servicing.enums import PlaceWish, ServiceKind, WhyRefused
from servicing.forms.intake import LookForm, OpenForm, VisitorForm
from servicing.models import Ticket
from servicing.readers import PURPOSE
from servicing.rules.entitlement import Entitlement

TOKEN = re.compile(r"/c/([^/\s]+)/?$")
MOST = 60
SALT, A_DAY = "servicing.intake", timedelta(days=1)


@dataclass
class Found:
    """What stands behind something that was typed or scanned."""

    tickets: Sequence[Ticket] = ()
    members: Sequence[Member] = ()
    kit: Sequence[Registration] = ()
    serial: str = ""
    card: str = ""  # what to know of the card
    reports: Sequence[StolenReport] = field(default_factory=list)

    @property
    def is_nothing(self) -> bool:
        return not (self.tickets or self.members or self.kit or self.serial)


def look_up(text: str, user: User) -> Found:
    """A reference, a card, a member number or a serial number, in this order. Only jobs that the person may see."""
    term = text.strip()
    tickets = Ticket.objects.seen_by(user).select_related("product", "member", "visitor", "centre")
    if reference := read_reference(term):
        mine = list(tickets.filter(Q(reference=reference) | Q(parcel__reference=reference)))
        if mine:
            return Found(tickets=mine)
    digits = "".join(term.split())
    card = _card(term, digits)
    member = card.member if card else _member(digits)
    if member:
        said = gettext("This card was stopped: another one counts, or none.") if card and card.revoked_at else ""
        kit = Registration.objects.of(member).live().select_related("product", "member").order_by("product__name", "pk")
        return Found(tickets=list(tickets.of(member).open()), members=[member], kit=list(kit[:MOST]), card=said)
    key = serial_key(term)
    if not key or len(term) > 40 or not any(sign.isdecimal() for sign in term):
        return Found()
    holders = list(Registration.objects.live().filter(serial_key=key).select_related("product", "member")[:MOST])
    products = {row.product_id for row in holders}
    reports = [
        row
        for row in StolenReport.objects.standing().filter(serial_key=key).select_related("product", "registration")
        if not products or row.product_id in products  # the same number on another product says nothing
    ]
    return Found(tickets=list(tickets.open().filter(serial_key=key)), kit=holders, serial=term, reports=reports)


def _card(term: str, digits: str) -> Card | None:
    cards = Card.objects.select_related("member").filter(member__closed_at=None)
    if scanned := TOKEN.search(term):
        return cards.filter(token=scanned[1]).first()
    return cards.filter(number=digits).first() if digits.isdecimal() else None


def _member(digits: str) -> Member | None:
    if not is_member_number(digits):
        return None
    return Member.objects.filter(number=digits, closed_at=None).first()


def _key(**named: int) -> str:
    """Only who was looked up can be served: nobody goes through members by their keys."""
    return signing.dumps(named, salt=SALT)


def _read_key(key: str) -> dict[str, int]:
    try:
        named: dict[str, int] = signing.loads(key, salt=SALT, max_age=A_DAY)
    except signing.BadSignature:
        return {}
    return named


def _named(named: dict[str, int]) -> tuple[Registration | None, Member | None]:
    """The product and the member behind a key, if they are still there."""
    if "registration" in named:
        rows = Registration.objects.live().filter(member__closed_at=None).select_related("product", "member__user")
        row = rows.filter(pk=named["registration"]).first()
        return row, row.member if row else None
    return None, Member.objects.filter(pk=named.get("member", 0), closed_at=None).first()


class IntakePage(DeskPage):
    """Looking up, and opening a job at the counter."""

    intake_template = "admin/servicing/ticket/intake.html"
    open_template = "admin/servicing/ticket/open.html"

    def intake_view(self, request: HttpRequest) -> HttpResponse:
        user = self._worker(request)
        form = LookForm(request.POST if request.method == "POST" else None)  # what is scanned stays out of addresses
        found = None
        if form.is_valid() and form.cleaned_data["q"].strip():
            found = look_up(form.cleaned_data["q"], user)
            if len(found.tickets) == 1 and not (found.members or found.kit or found.serial):
                return HttpResponseRedirect(reverse("admin:servicing_ticket_change", args=[found.tickets[0].pk]))
        stopped = self._stopped(found) if found else ""
        context = {**self._page(request, gettext("Take something in")), "form": form, "found": found}
        if found and not stopped:
            context["kit"] = [(row, _key(registration=row.pk)) for row in found.kit]
            context["members"] = [(row, _key(member=row.pk)) for row in found.members]
        return TemplateResponse(request, self.intake_template, {**context, "stopped": stopped})

    def _stopped(self, found: Found) -> str:
        for report in found.reports:
            try:
                counter.require_not_stolen(
                    product=report.product, serial_key=report.serial_key, registration=None, at=timezone.now()
                )
            except Refusal as refusal:
                return str(refusal)
        return ""

    def open_view(self, request: HttpRequest) -> HttpResponse:
        """With the key of a look-up: something of the Kitbag, or of that member; without: of a visiting member."""
        user = self._worker(request)
        key = request.GET.get("key", "")
        named = _read_key(key)
        row, member = _named(named)
        if key and member is None:
            self.message_user(request, gettext("Too much time has passed. Look it up again."), messages.WARNING)
            return HttpResponseRedirect(reverse("admin:servicing_ticket_intake"))
        posted = request.POST.get("do", "") if request.method == "POST" else ""
        attached = request.FILES if posted else None
        form = OpenForm(
            request.POST if posted else None, attached, user=user, registered=row is not None,
            visiting=member is None,
        )  # fmt: skip
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

    def _answer(self, form: OpenForm, row: Registration | None, member: Member | None) -> Entitlement | None:
        """What they get, before anything is opened (R43)."""
        data, item = form.cleaned_data, self._item(form, row)
        try:
            self._require_clean(item)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
            return None
        wanted = bool(data.get("warranty"))
        claim = entitled.claim_for(item, wanted=wanted, proof=bool(data.get("files")), at=timezone.now())
        return entitled.may_i(
            member=member, item=item, centre=data["centre"], service=data["service"], wish=data.get("wish") or None,
            claim=claim,
        )  # fmt: skip

    def _open(  # noqa: PLR0917
        self, user: User, posted: str, form: OpenForm, card: VisitorForm | None, row: Registration | None,
        member: Member | None, kept: dict[str, Any],
    ) -> Ticket | None:  # fmt: skip
        """Open it, and book it in if the button says so. None if something has to be looked at again."""
        now, who, data = timezone.now(), Who(user=user), form.cleaned_data
        item = self._item(form, row)
        try:
            self._require_clean(item)
            stored: dict[str, list[StoredFile]] = {
                name: files.collect(uploads=uploads, purpose=PURPOSE, by=user, at=now) for name, uploads in kept.items()
            }
            wanted = requesting.Wanted(
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
                ticket = requesting.open_at_counter(
                    centre=data["centre"], wanted=wanted, who=who, at=now, member=member
                )
            else:
                facts = {name: value for name, value in card.cleaned_data.items() if name != "photo"}
                visitor = visiting.Visitor(photo=next(iter(stored["photo"]), None), **facts)
                ticket = visiting.open_for_visitor(
                    visitor=visitor, centre=data["centre"], wanted=wanted, who=who, at=now
                )
        except Refusal as refusal:
            _show(refusal, form, card)
            return None
        if posted == "open_and_book_in":
            try:
                ticket = requesting.book_in(ticket=ticket, who=who, at=now)
            except Refusal:  # it waits for a place: it is open, and its page says what may be done
                ticket.refresh_from_db()
        return ticket

    def _require_clean(self, item: entitled.Item) -> None:
        counter.require_not_stolen(
            product=item.product, serial_key=item.serial_key, registration=item.registration, at=timezone.now()
        )

    def _worker(self, request: HttpRequest) -> User:
        if not self.has_work_permission(request):
            raise PermissionDenied
        user: Any = request.user
        by: User = user
        return by

    def _page(self, request: HttpRequest, title: str) -> dict[str, Any]:
        return {**self.admin_site.each_context(request), "opts": self.opts, "title": title}


def _show(refusal: Refusal, form: OpenForm, card: VisitorForm | None) -> None:
    """Beside its field: the action's `item.fault` is the form's `fault`."""
    name = refusal.field.removeprefix("item.")
    told = Refusal(refusal.code, str(refusal), name)
    add_refusal(card if card is not None and name in card.fields else form, told)
