"""Visiting members, read-only, and the rules by which staff check their cards (R5)."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.admin import PortalModelAdmin, ReadOnlyAdmin
from cps_portal.core.lib.text import clean_email
from servicing.admin.tickets import VIEW_EVERY_TICKET
from servicing.models import CardRule, Ticket, VisitingMember


@admin.register(VisitingMember)
class VisitingMemberAdmin(ReadOnlyAdmin[VisitingMember]):
    list_display = ["region_name", "card_number", "expires_on", "name", "centre", "by", "at", "erased_at"]
    list_display_links = ["region_name", "card_number"]
    list_filter = ["region"]
    list_select_related = ["centre", "by"]
    search_fields = ["card_number"]
    search_help_text = _("Number on the card, name or e-mail address")

    @admin.display(description=_("region of the card"), ordering="region")
    def region_name(self, row: VisitingMember) -> str:
        return row.region_name

    def search_conditions(self, term: str) -> list[Q]:
        return [Q(card_number__iexact=term), Q(name_words__named=term), Q(email__iexact=clean_email(term))]

    def get_queryset(self, request: HttpRequest) -> QuerySet[VisitingMember]:
        user: Any = request.user
        visitors = super().get_queryset(request)
        if user.has_perm(VIEW_EVERY_TICKET):
            return visitors
        return visitors.filter(pk__in=Ticket.objects.seen_by(user).values("visitor"))


@admin.register(CardRule)
class CardRuleAdmin(PortalModelAdmin[CardRule]):
    """The programme's staff write down what cards of each region look like, and what their holders get (R5)."""

    list_display = ["region", "number_shapes", "max_years_valid", "check_on_card", "what_they_get", "sample"]
    list_filter = ["sample"]
    search_fields = ["check_on_card", "what_they_get"]
    fields = ["region", "number_shapes", "max_years_valid", "check_on_card", "what_they_get", "sample"]

    def get_readonly_fields(self, request: HttpRequest, obj: CardRule | None = None) -> list[str]:
        """The region of a rule stays."""
        return ["region"] if obj else []
