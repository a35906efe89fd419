"""The desk's pages of what a load of the catalogue proposes for products that members hold (R22)."""

from collections.abc import Sequence
from datetime import date
from typing import Any, cast

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.admin import ReadOnlyAdmin
from cps_portal.core.lib.errors import Refusal
from kitbag.actions.planning import PlansRefused, decline_proposal, earliest_day
from kitbag.admin.plan_forms import MAX_PER_REQUEST, DayForm
from kitbag.admin.planning import PlanningAdmin, by_of, keys_of, may_plan, need_to_plan
from kitbag.admin.wishes import Wish
from kitbag.enums import ProposalState
from kitbag.models import CatalogueProposal, StageChange

LIST = "admin:kitbag_catalogueproposal_changelist"


@admin.register(CatalogueProposal)
class CatalogueProposalAdmin(ReadOnlyAdmin[CatalogueProposal]):
    """Read-only: accepted from a day on, over the preview, or declined."""

    change_form_template = "admin/kitbag/catalogueproposal/change_form.html"
    page_template = "admin/kitbag/catalogueproposal/decide.html"
    fields = ["product", "differences", "state", "proposed_at", "closed_at"]
    list_display = ["product", "differences", "state", "proposed_at", "closed_at"]
    list_filter = ["state", "proposed_at"]
    list_select_related = ["product"]
    search_fields = ["product__name", "product__slug"]
    date_hierarchy = "proposed_at"
    actions = ["plan_chosen", "decline_chosen"]

    @admin.display(description=_("now → proposed"))
    def differences(self, proposal: CatalogueProposal) -> str:
        return format_html_join(
            "", "{}: {} → {}. ", ((name, now, then) for name, (now, then) in sorted(proposal.changes.items()))
        )

    def has_plan_permission(self, request: HttpRequest) -> bool:
        return may_plan(request)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("plan/", view(self.plan_view), name="kitbag_catalogueproposal_plan"),
            path("decline/", view(self.decline_view), name="kitbag_catalogueproposal_decline"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        is_open = row is not None and row.state == ProposalState.OPEN
        context = {**(extra_context or {}), "may_plan": is_open and may_plan(request)}
        return super().change_view(request, object_id, form_url, context)

    @admin.action(description=_("Plan the chosen ones…"), permissions=["plan"])
    def plan_chosen(self, request: HttpRequest, queryset: QuerySet[CatalogueProposal]) -> HttpResponse | None:
        return self._lead(request, queryset, "plan")

    @admin.action(description=_("Decline the chosen ones…"), permissions=["plan"])
    def decline_chosen(self, request: HttpRequest, queryset: QuerySet[CatalogueProposal]) -> HttpResponse | None:
        return self._lead(request, queryset, "decline")

    def _lead(self, request: HttpRequest, rows: QuerySet[CatalogueProposal], page: str) -> HttpResponse | None:
        keys = list(rows.filter(state=ProposalState.OPEN).values_list("pk", flat=True)[: MAX_PER_REQUEST + 1])
        if len(keys) > MAX_PER_REQUEST:
            messages.error(request, _("Choose at most %(most)s at once.") % {"most": MAX_PER_REQUEST})
            return None
        if not keys:
            messages.error(request, _("None of these is open any more."))
            return None
        url = reverse(f"admin:kitbag_catalogueproposal_{page}")
        return HttpResponseRedirect(f"{url}?proposals={','.join(map(str, keys))}")

    def _chosen(self, request: HttpRequest) -> Sequence[CatalogueProposal]:
        """Those that the address names and that are open."""
        keys = keys_of(request.GET.get("proposals", ""))
        found = CatalogueProposal.objects.filter(pk__in=keys).select_related("product__successor")
        rows = list(found.order_by("product__name"))
        if not rows:
            raise Http404
        still_open = [row for row in rows if row.state == ProposalState.OPEN]
        if len(still_open) < len(rows):
            messages.warning(request, _("Some of these were closed meanwhile and are left out."))
        return still_open

    def plan_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for the day, then show the preview."""
        need_to_plan(request)
        rows = self._chosen(request)
        if not rows:
            return HttpResponseRedirect(reverse(LIST))
        form = DayForm(
            request.POST if request.method == "POST" else None,
            initial={"effective_on": request.GET.get("on", "") or earliest_day(timezone.now())},
        )
        if form.is_valid():
            try:
                return self._review(request, rows, form.cleaned_data["effective_on"])
            except PlansRefused as refused:
                for refusal_of, refusal in refused.rows.items():
                    form.add_error("effective_on", f"{self._plans(rows)[refusal_of]}: {refusal}")
        return self._page(request, {"title": _("Plan what was proposed"), "rows": rows, "form": form})

    def _plans(self, rows: Sequence[CatalogueProposal]) -> list[str]:
        """The products of those that amount to a plan, in their order."""
        return [row.product.name for row in rows if row.changes.keys() - {"registrable"}]

    def _review(self, request: HttpRequest, rows: Sequence[CatalogueProposal], on: date) -> HttpResponse:
        desk = cast("PlanningAdmin", self.admin_site.get_model_admin(StageChange))
        return desk.review(request, Wish.of_proposals(rows, on))

    def decline_view(self, request: HttpRequest) -> HttpResponse:
        """Ask, then leave the products as they are."""
        need_to_plan(request)
        rows = self._chosen(request)
        if request.method != "POST" and rows:
            return self._page(request, {"title": _("Decline what was proposed"), "rows": rows, "form": None})
        done = 0
        for row in rows:
            try:
                decline_proposal(proposal=row, by=by_of(request), at=timezone.now())
            except Refusal as refusal:
                messages.error(request, f"{row}: {refusal}")
            else:
                self.log_change(request, row, gettext("Declined."))
                done += 1
        if done:
            messages.success(request, ngettext("%(n)d declined.", "%(n)d declined.", done) % {"n": done})
        return HttpResponseRedirect(reverse(LIST))

    def _page(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        whole = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        return TemplateResponse(request, self.page_template, whole)
