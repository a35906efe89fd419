"""Admin pages of catalogue proposals: changes that a load found for products that members have (R22)."""

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
from kitbag.admin.plan_requests import PlanRequest
from kitbag.admin.planning import PlanningAdmin, keys_of, may_plan, require_may_plan
from kitbag.admin.staff import staff_user
from kitbag.enums import ProposalState
from kitbag.models import CatalogueProposal, StageChange

LIST = "admin:kitbag_catalogueproposal_changelist"


@admin.register(CatalogueProposal)
class CatalogueProposalAdmin(ReadOnlyAdmin[CatalogueProposal]):
    """Read-only. Proposals are planned for a day, after a preview, or declined."""

    change_form_template = "admin/kitbag/catalogueproposal/change_form.html"
    page_template = "admin/kitbag/catalogueproposal/decide.html"
    fields = ["product", "differences", "state", "proposed_at", "closed_at"]
    list_display = ["product", "differences", "state", "proposed_at", "closed_at"]
    list_filter = ["state", "proposed_at"]
    list_select_related = ["product"]
    search_fields = ["product__name", "product__slug"]
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
        proposal = self.get_object(request, object_id)
        is_open = proposal is not None and proposal.state == ProposalState.OPEN
        context = {**(extra_context or {}), "may_plan": is_open and may_plan(request)}
        return super().change_view(request, object_id, form_url, context)

    @admin.action(description=_("Plan the selected proposals…"), permissions=["plan"])
    def plan_chosen(self, request: HttpRequest, queryset: QuerySet[CatalogueProposal]) -> HttpResponse | None:
        return self._redirect_to(request, queryset, "plan")

    @admin.action(description=_("Decline the selected proposals…"), permissions=["plan"])
    def decline_chosen(self, request: HttpRequest, queryset: QuerySet[CatalogueProposal]) -> HttpResponse | None:
        return self._redirect_to(request, queryset, "decline")

    def _redirect_to(
        self, request: HttpRequest, proposals: QuerySet[CatalogueProposal], page: str
    ) -> HttpResponse | None:
        keys = list(proposals.filter(state=ProposalState.OPEN).values_list("pk", flat=True)[: MAX_PER_REQUEST + 1])
        if len(keys) > MAX_PER_REQUEST:
            messages.error(request, _("Choose at most %(max)s at once.") % {"max": MAX_PER_REQUEST})
            return None
        if not keys:
            messages.error(request, _("None of these is still open."))
            return None
        url = reverse(f"admin:kitbag_catalogueproposal_{page}")
        return HttpResponseRedirect(f"{url}?proposals={','.join(map(str, keys))}")

    def _chosen(self, request: HttpRequest) -> Sequence[CatalogueProposal]:
        """The open proposals that the URL names."""
        keys = keys_of(request.GET.get("proposals", ""))
        chosen = CatalogueProposal.objects.filter(pk__in=keys).select_related("product__successor")
        proposals = list(chosen.order_by("product__name"))
        if not proposals:
            raise Http404
        still_open = [proposal for proposal in proposals if proposal.state == ProposalState.OPEN]
        if len(still_open) < len(proposals):
            messages.warning(request, _("Some of these have been closed in the meantime and are left out."))
        return still_open

    def plan_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for the day, then show the preview."""
        require_may_plan(request)
        proposals = self._chosen(request)
        if not proposals:
            return HttpResponseRedirect(reverse(LIST))
        form = DayForm(
            request.POST if request.method == "POST" else None,
            initial={"effective_on": request.GET.get("on", "") or earliest_day(timezone.now())},
        )
        if form.is_valid():
            try:
                return self._review(request, proposals, form.cleaned_data["effective_on"])
            except PlansRefused as refused:
                for index, refusal in refused.rows.items():
                    form.add_error("effective_on", f"{self._planned_products(proposals)[index]}: {refusal}")
        return self._page(request, {"title": _("Plan what was proposed"), "proposals": proposals, "form": form})

    def _planned_products(self, proposals: Sequence[CatalogueProposal]) -> list[str]:
        """The names of the products that would get a plan, in the order of the plans."""
        return [proposal.product.name for proposal in proposals if proposal.changes.keys() - {"registrable"}]

    def _review(self, request: HttpRequest, proposals: Sequence[CatalogueProposal], on: date) -> HttpResponse:
        planning_admin = cast("PlanningAdmin", self.admin_site.get_model_admin(StageChange))
        return planning_admin.review(request, PlanRequest.of_proposals(proposals, on))

    def decline_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for confirmation, then leave the products as they are."""
        require_may_plan(request)
        proposals = self._chosen(request)
        if request.method != "POST" and proposals:
            return self._page(request, {"title": _("Decline what was proposed"), "proposals": proposals, "form": None})
        done = 0
        for proposal in proposals:
            try:
                decline_proposal(proposal=proposal, by=staff_user(request), at=timezone.now())
            except Refusal as refusal:
                messages.error(request, f"{proposal}: {refusal}")
            else:
                self.log_change(request, proposal, gettext("Declined."))
                done += 1
        if done:
            messages.success(request, ngettext("%(n)d declined.", "%(n)d declined.", done) % {"n": done})
        return HttpResponseRedirect(reverse(LIST))

    def _page(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        whole = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        return TemplateResponse(request, self.page_template, whole)
