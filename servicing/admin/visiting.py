"""Visiting members: their cards are checked here, at support and at centres, and the rules by which (R5)."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.admin import PortalModelAdmin, ReadOnlyAdmin
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.text import clean_email
from cps_portal.core.submissions.once import run_once
from members.forms.common import add_refusal
from servicing.actions import intake, visitors
from servicing.actions.events import Actor
from servicing.forms.visitors import CardCheckForm
from servicing.models import CardRule, VisitingMember
from servicing.presenters.visitors import answer_for_card
from servicing.queries.visitors import earlier_checks, find_card_rule

MAX_EARLIER = 10


@admin.register(VisitingMember)
class VisitingMemberAdmin(ReadOnlyAdmin[VisitingMember]):
    """Read-only: a row is a check of a card, or is made when a job is opened for its holder."""

    check_template = "admin/servicing/visitingmember/check.html"
    checked_template = "admin/servicing/visitingmember/checked.html"
    list_display = ["region_name", "card_number", "expires_on", "outcome", "name", "centre", "event", "by", "at"]
    list_display_links = ["region_name", "card_number"]
    list_filter = ["region", "outcome"]
    list_select_related = ["centre", "by", "event"]
    search_fields = ["card_number"]
    search_help_text = _("Number on the card, name or e-mail address")

    @admin.display(description=_("region of the card"), ordering="region")
    def region_name(self, row: VisitingMember) -> str:
        return row.region_name

    def search_conditions(self, term: str) -> list[Q]:
        return [Q(card_number__iexact=term), Q(name_words__named=term), Q(email__iexact=clean_email(term))]

    def get_queryset(self, request: HttpRequest) -> QuerySet[VisitingMember]:
        user: Any = request.user
        seen = VisitingMember.objects.seen_by(user).values("pk")
        return super().get_queryset(request).filter(pk__in=seen)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("check/", view(self.check_view), name="servicing_visitingmember_check"),
            path("<int:pk>/checked/", view(self.checked_view), name="servicing_visitingmember_checked"),
        ]
        return [*own, *super().get_urls()]

    def check_view(self, request: HttpRequest) -> HttpResponse:
        """Check a foreign card without a job: at support, at a counter, or at the door of an event."""
        user = self._checker(request)
        form = CardCheckForm(request.POST if request.method == "POST" else None, user=user)
        if form.is_valid():

            def effect() -> HttpResponse | None:
                return self._check(request, form)

            if response := run_once(request, effect):
                return response
        context = {**self._page(request, gettext("Check a visiting card")), "form": form}
        return TemplateResponse(request, self.check_template, context)

    def checked_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What was found, in words, and when the same card was checked before."""
        user = self._checker(request)
        visitor = get_object_or_404(self.get_queryset(request).select_related("centre", "event", "by"), pk=pk)
        context = {
            **self._page(request, gettext("Check a visiting card")),
            "visitor": visitor,
            "answer": answer_for_card(visitor, find_card_rule(visitor.region)),
            "earlier": list(earlier_checks(visitor, user)[:MAX_EARLIER]),
            "key": intake.make_key(visitor=visitor.pk),
        }
        return TemplateResponse(request, self.checked_template, context)

    def _check(self, request: HttpRequest, form: CardCheckForm) -> HttpResponse | None:
        """Record the check. None if the form has an error to show."""
        user: Any = request.user
        facts = dict(form.cleaned_data)
        centre, event = facts.pop("centre"), facts.pop("event")
        try:
            row = visitors.check_card(
                visitor=visitors.Visitor(**facts),
                centre=centre,
                event=event,
                actor=Actor(user=user),
                at=timezone.now(),
            )
        except Refusal as refusal:
            add_refusal(form, refusal)
            return None
        return HttpResponseRedirect(reverse("admin:servicing_visitingmember_checked", args=[row.pk]))

    def _checker(self, request: HttpRequest) -> Any:
        """The user, if they work with the products of customers. Raises PermissionDenied."""
        if not request.user.has_perm("servicing.work_on_ticket"):
            raise PermissionDenied
        return request.user

    def _page(self, request: HttpRequest, title: str) -> dict[str, Any]:
        return {**self.admin_site.each_context(request), "opts": self.opts, "title": title}


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
