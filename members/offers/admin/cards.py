"""Admin of cards: view, replace and revoke (R37, R40, R41)."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from cps_portal.core.lib.admin import EventAdmin, ReadOnlyAdmin, event_model
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.reference import parse_reference
from cps_portal.core.lib.text import clean_code
from members.addresses import PARTS
from members.forms.common import add_refusal
from members.models import Member
from members.offers.actions.card_requests import address_for_card
from members.offers.actions.cards import replace_card, revoke_card, send_card_again
from members.offers.enums import CardEnd
from members.offers.forms.cards import EndCardForm
from members.offers.forms.pack_admin import ResendForm
from members.offers.forms.packs import PackForm
from members.offers.models import Card, CardRequest

CHANGE = "offers.change_card"


class ValidFilter(admin.SimpleListFilter):
    title = _("valid")
    parameter_name = "valid"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Valid")), ("no", _("Ended"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Card]) -> QuerySet[Card]:
        filters = {"yes": Q(revoked_at=None), "no": Q(revoked_at__isnull=False)}
        return queryset.filter(filters.get(self.value() or "", Q()))


@admin.register(Card)
class CardAdmin(ReadOnlyAdmin[Card]):
    """Does not show the token, because anybody who knows it can present the card."""

    change_form_template = "admin/offers/card/change_form.html"
    list_display = ["number_in_groups", "member", "issued_at", "revoked_at", "end"]
    ordering = ["-pk"]
    list_filter = [ValidFilter, "end", "issued_at"]
    list_select_related = ["member"]
    search_fields = ["=number"]
    search_help_text = _("Card number, member number, e-mail address or name")
    fields = ["number_in_groups", "member", "issued_at", "revoked_at", "end", "revoked_by"]
    readonly_fields = ["number_in_groups"]

    @admin.display(description=_("card number"), ordering="number")
    def number_in_groups(self, card: Card) -> str:
        return card.number_in_groups

    def search_conditions(self, term: str) -> list[Q]:
        return [
            Q(number=clean_code("".join(term.split()))),
            Q(member__in=Member.objects.search(term)),
        ]

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(CHANGE)

    def get_urls(self) -> list[URLPattern]:
        operate = require_POST(self.admin_site.admin_view(self.operate))
        return [path("<int:pk>/operate/", operate, name="offers_card_operate"), *super().get_urls()]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        card = kwargs.get("obj")
        if card is not None:
            newer = Card.objects.filter(member=card.member_id, pk__gt=card.pk).order_by("-pk").first()
            address = address_for_card(card.member)
            context |= {
                "newer": newer,
                "may_operate": self.has_operate_permission(request) and not newer and not card.member.closed_at,
                "has_address": address is not None,
                "address_lines": address.label_lines if address else [],
                "end_form": getattr(request, "end_form", None) or EndCardForm(),
            }
        return super().render_change_form(request, context, *args, **kwargs)

    def operate(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Replace or revoke the card."""
        if not self.has_operate_permission(request):
            raise PermissionDenied
        card = get_object_or_404(Card.objects.select_related("member"), pk=pk)
        form = EndCardForm(request.POST)
        if form.is_valid():
            try:
                return HttpResponseRedirect(self._perform(request, card, form.cleaned_data))
            except Refusal as refusal:
                add_refusal(form, refusal)
        for errors in form.errors.values():
            self.message_user(request, " ".join(str(error) for error in errors), messages.ERROR)
        request.method = "GET"  # to show the page again with the values chosen
        request.end_form = form  # type: ignore[attr-defined]
        return self.change_view(request, str(pk))

    def _perform(self, request: HttpRequest, card: Card, data: dict[str, Any]) -> str:
        """Call the action. Returns the URL to redirect to."""
        by: Any = request.user
        reason, now = CardEnd(data["reason"]), timezone.now()
        if request.POST.get("do") == "revoke":
            if not revoke_card(member=card.member, reason=reason, by=by, at=now):
                raise Refusal("none", _("This member has no valid card."))
            done, shown = gettext("Revoked: %(reason)s.") % {"reason": reason.label}, card
        else:
            shown = replace_card(card=card, reason=reason, post=data["post"], by=by, at=now)
            done = gettext("Replaced by %(number)s: %(reason)s.") % {
                "number": shown.number_in_groups,
                "reason": reason.label,
            }
        self.log_change(request, card, done)
        self.message_user(request, done, messages.SUCCESS)
        return reverse("admin:offers_card_change", args=[shown.pk])


@admin.register(CardRequest)
class CardRequestAdmin(ReadOnlyAdmin[CardRequest]):
    """Read-only: the partner reports the steps. A card that came back is sent again by a button (R40)."""

    change_form_template = "admin/offers/cardrequest/change_form.html"
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}
    list_display = ["__str__", "member", "state", "partner", "reported_at", "asked_at", "dispatched_at"]
    ordering = ["-pk"]
    list_filter = ["state", "partner"]
    list_select_related = ["member", "partner"]
    search_fields = ["=reference"]
    search_help_text = _("Reference, member number, e-mail address or name")

    def get_urls(self) -> list[URLPattern]:
        send_again = self.admin_site.admin_view(self.send_again)
        return [path("<int:pk>/send-again/", send_again, name="offers_cardrequest_send_again"), *super().get_urls()]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        row = kwargs.get("obj")
        if row is not None and request.user.has_perm(CHANGE):
            context["may_send_again"] = CardRequest.objects.returned().filter(pk=row.pk).exists()
        return super().render_change_form(request, context, *args, **kwargs)

    def send_again(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Send a card that came back again, to an address that is checked like the member's own form (R40)."""
        if not request.user.has_perm(CHANGE):
            raise PermissionDenied
        row = get_object_or_404(CardRequest.objects.select_related("member"), pk=pk)
        form: PackForm = ResendForm(request.POST or None, initial=_address_of(row))
        if request.POST.get("go") == "country":
            form = form.without_errors()
        elif request.method == "POST" and form.is_valid():
            try:
                again = send_card_again(request=row, address=form.address, at=timezone.now())
            except Refusal as refusal:
                add_refusal(form, refusal)
            else:
                done = gettext("The card will be sent again: %(reference)s.") % {"reference": again}
                self.log_change(request, row, done)
                self.message_user(request, done, messages.SUCCESS)
                return HttpResponseRedirect(reverse("admin:offers_cardrequest_change", args=[again.pk]))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Send the card again"),
            "opts": self.opts,
            "original": row,
            "form": form,
        }
        return TemplateResponse(request, "admin/offers/welcomepack/send_again.html", context)

    def search_conditions(self, term: str) -> list[Q]:
        return [Q(reference=parse_reference(term)), Q(member__in=Member.objects.search(term))]


def _address_of(row: CardRequest) -> dict[str, str]:
    address = {name: getattr(row, name) for name in (*PARTS, "phone")}
    return {**address, "name": row.name or row.member.full_name, "country": row.country.code}


admin.site.register(event_model(Card), EventAdmin)
