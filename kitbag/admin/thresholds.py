"""Admin pages of threshold plans: plan new thresholds after a preview, cancel them, follow them (R10, R22)."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.admin import EventAdmin, ReadOnlyAdmin, event_model
from kitbag.admin.announced_plans import AnnouncedPlanAdmin, AnnouncedPlanForm
from kitbag.queries.preview import preview_thresholds
from members import actions
from members.models import LevelThreshold, Member, ThresholdAnnouncement, ThresholdPlan, User

LEVELS = ("silver", "gold", "platinum")


class ThresholdsForm(AnnouncedPlanForm):
    """The thresholds of all levels from one day on."""

    salt = "threshold-plan"
    field_order = ("effective_on", *LEVELS, "short_notice_reason")

    silver = forms.IntegerField(label=_("Points for Silver"), min_value=1, max_value=1_000_000)
    gold = forms.IntegerField(label=_("Points for Gold"), min_value=1, max_value=1_000_000)
    platinum = forms.IntegerField(label=_("Points for Platinum"), min_value=1, max_value=1_000_000)


@admin.register(ThresholdPlan)
class ThresholdPlanAdmin(AnnouncedPlanAdmin[ThresholdPlan]):
    permission = "members.plan_thresholds"
    form_class = ThresholdsForm
    plan_title = _("Plan new thresholds for the levels")
    plan_template = "admin/kitbag/thresholds/plan.html"
    cancel_title = _("Cancel")
    cancel_template = "admin/kitbag/thresholds/cancel.html"
    planned_message = _("Planned. Members whose level will change will be notified soon.")
    change_list_template = "admin/kitbag/thresholds/change_list.html"
    change_form_template = "admin/kitbag/thresholds/change_form.html"
    list_display = ["effective_on", "silver", "gold", "platinum", "state", "told", "moved", "planned_by"]
    list_filter = ["state", "effective_on"]
    list_select_related = ["planned_by"]
    search_fields = ["planned_by__email", "short_notice_reason"]
    fieldsets = [
        (None, {"fields": ["effective_on", "silver", "gold", "platinum", "state"]}),
        (_("Planning"), {"fields": ["planned_at", "planned_by", "short_notice_reason"]}),
        (_("Notification"), {"fields": ["told", "announced_at", "cancelled_at", "recalled_at"]}),
        (_("Applying"), {"fields": ["begun_at", "moved", "finished_at"]}),
    ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(
            request, {**(extra_context or {}), "may_plan": request.user.has_perm(self.permission)}
        )

    def initial(self, request: HttpRequest) -> dict[str, Any]:
        now = LevelThreshold.objects.in_force()
        return {name: now[name] for name in LEVELS if name in now}

    def draft(self, facts: dict[str, Any], *, by: User, at: datetime) -> ThresholdPlan:
        return actions.draft_thresholds(**facts, by=by, at=at)

    def plan(self, facts: dict[str, Any], *, by: User, at: datetime) -> ThresholdPlan:
        return actions.plan_thresholds(**facts, by=by, at=at)

    def preview(self, draft: ThresholdPlan) -> dict[str, Any]:
        return {"effects": preview_thresholds(draft.thresholds, draft.effective_on)}

    def count_notified(self, plan: ThresholdPlan) -> int:
        return plan.announcements.filter(withdrawn_at=None).count()


@admin.register(ThresholdAnnouncement)
class ThresholdAnnouncementAdmin(ReadOnlyAdmin[ThresholdAnnouncement]):
    """Who was notified of a plan, and whether that was withdrawn."""

    list_display = ["at", "plan", "member", "letter", "withdrawn_at"]
    list_filter = ["at", ("withdrawn_at", admin.EmptyFieldListFilter)]
    list_select_related = ["plan", "member"]
    search_fields = ["=member__number"]
    ordering = ["-pk"]

    def search_conditions(self, term: str) -> list[Q]:
        return [
            Q(member__in=Member.objects.search(term)),
        ]


admin.site.register(event_model(ThresholdPlan), EventAdmin)
