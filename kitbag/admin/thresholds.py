"""Admin pages of threshold plans: plan new thresholds after a preview, cancel them, follow them (R10, R22)."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.signing import BadSignature, Signer
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.admin import EventAdmin, ReadOnlyAdmin, event_model
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.forms import LineField
from kitbag.admin.staff import staff_user
from kitbag.queries.preview import preview_thresholds
from members import actions
from members.enums import ChangeState
from members.models import LevelThreshold, Member, ThresholdAnnouncement, ThresholdPlan

PLAN = "members.plan_thresholds"
LEVELS = ("silver", "gold", "platinum")


class ThresholdsForm(forms.Form):
    """The thresholds of all levels from one day on."""

    effective_on = forms.DateField(
        label=_("From"),
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
        error_messages={
            "required": _("Choose the first day."),
            "invalid": _("This is not a date. Write it as 2027-03-01."),
        },
    )
    silver = forms.IntegerField(label=_("Points for Silver"), min_value=1, max_value=1_000_000)
    gold = forms.IntegerField(label=_("Points for Gold"), min_value=1, max_value=1_000_000)
    platinum = forms.IntegerField(label=_("Points for Platinum"), min_value=1, max_value=1_000_000)
    short_notice_reason = LineField(
        label=_("Why at short notice"),
        max_length=200,
        required=False,
        widget=forms.TextInput({"class": "vTextField"}),
        help_text=_("Only for a day before the notice period ends; kept with the plan."),
    )

    def seen(self) -> str:
        """The input, signed, to check later that what is planned is what the preview showed."""
        return Signer(salt="threshold-plan").sign_object({name: str(self.cleaned_data[name]) for name in self.fields})

    def was_seen(self, sealed: str) -> bool:
        try:
            seen: dict[str, str] = Signer(salt="threshold-plan").unsign_object(sealed)
        except BadSignature:
            return False
        return seen == {name: str(self.cleaned_data[name]) for name in self.fields}


@admin.register(ThresholdPlan)
class ThresholdPlanAdmin(ReadOnlyAdmin[ThresholdPlan]):
    """Read-only. Planned and cancelled on pages that call actions."""

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

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("plan/", view(self.plan_view), name="members_thresholdplan_plan"),
            path("<int:pk>/cancel/", view(self.cancel_view), name="members_thresholdplan_cancel"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {**(extra_context or {}), "may_plan": request.user.has_perm(PLAN)})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        plan = self.get_object(request, object_id)
        planned = plan is not None and plan.state == ChangeState.PLANNED
        is_due = planned and plan is not None and plan.effective_on <= timezone.localdate()
        context = {
            "may_cancel": planned and request.user.has_perm(PLAN),
            "is_late": is_due and plan is not None and plan.announced_at is not None and not plan.told_in_time,
        }
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **context})

    def plan_view(self, request: HttpRequest) -> HttpResponse:
        """Show the form, then the form with a preview, then plan it."""
        if not request.user.has_perm(PLAN):
            raise PermissionDenied
        form = ThresholdsForm(request.POST if request.method == "POST" else None, initial=_initial())
        if not form.is_valid():
            return self._page(request, {"form": form})
        thresholds = dict(form.cleaned_data)
        by, now = staff_user(request), timezone.now()
        confirmed = form.was_seen(request.POST.get("seen", ""))
        try:
            if confirmed:
                plan = actions.plan_thresholds(**thresholds, by=by, at=now)
                self.log_addition(request, plan, gettext("Planned."))
                messages.success(request, _("Planned. Members whose level will change will be notified soon."))
                return HttpResponseRedirect(reverse("admin:members_thresholdplan_change", args=[plan.pk]))
            draft = actions.draft_thresholds(**thresholds, by=by, at=now)
        except Refusal as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
            return self._page(request, {"form": form})
        effects = preview_thresholds(draft.thresholds, draft.effective_on)
        return self._page(request, {"form": form, "effects": effects, "seen": form.seen()})

    def cancel_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show how many members would be notified, then cancel the plan."""
        if not request.user.has_perm(PLAN):
            raise PermissionDenied
        plan = get_object_or_404(ThresholdPlan, pk=pk)
        here = HttpResponseRedirect(reverse("admin:members_thresholdplan_change", args=[pk]))
        if request.method != "POST":
            notified = plan.announcements.filter(withdrawn_at=None).count()
            context = {"title": _("Cancel"), "original": plan, "notified": notified}
            return self._page(request, context, "admin/kitbag/thresholds/cancel.html")
        try:
            actions.cancel_plan(plan=plan, by=staff_user(request), at=timezone.now())
        except Refusal as refusal:
            messages.error(request, str(refusal))
            return here
        self.log_change(request, plan, gettext("Cancelled."))
        messages.success(request, _("Cancelled. Members who had been notified will get a second message."))
        return here

    def _page(
        self, request: HttpRequest, context: dict[str, Any], template: str = "admin/kitbag/thresholds/plan.html"
    ) -> HttpResponse:
        whole = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Plan new thresholds for the levels"),
            "earliest": _earliest(),
            "may_see_members": request.user.has_perm("members.view_member"),
            **context,
        }
        return TemplateResponse(request, template, whole)


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


def _earliest() -> date:
    return timezone.localdate() + timedelta(days=settings.NOTICE_DAYS + 1)


def _initial() -> dict[str, object]:
    now = LevelThreshold.objects.in_force()
    return {"effective_on": _earliest(), **{name: now[name] for name in LEVELS if name in now}}


admin.site.register(event_model(ThresholdPlan), EventAdmin)
