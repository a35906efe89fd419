"""The desk's pages of other points for the levels: planned over a preview, cancelled, followed (R10, R22)."""

from datetime import date, timedelta
from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.signing import BadSignature, Signer
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.admin import EventAdmin, ReadOnlyAdmin, event_model
from cps_portal.core.lib.errors import Refusal
from kitbag.queries.preview import preview_thresholds
from members import actions
from members.enums import ChangeState
from members.models import LevelThreshold, ThresholdAnnouncement, ThresholdPlan, User

PLAN = "members.plan_thresholds"
LEVELS = ("silver", "gold", "platinum")


class ThresholdsForm(forms.Form):
    """The points of every level from one day on."""

    effective_on = forms.DateField(
        label=_("From"),
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
        error_messages={
            "required": _("Choose the day from which it is so."),
            "invalid": _("This is not a day. Write it as 2027-03-01."),
        },
    )
    silver = forms.IntegerField(label=_("Points for Silver"), min_value=1, max_value=1_000_000)
    gold = forms.IntegerField(label=_("Points for Gold"), min_value=1, max_value=1_000_000)
    platinum = forms.IntegerField(label=_("Points for Platinum"), min_value=1, max_value=1_000_000)
    short_notice_reason = forms.CharField(
        label=_("Why at short notice"),
        max_length=200,
        required=False,
        widget=forms.TextInput({"class": "vTextField"}),
        help_text=_("Only for a day before the notice period ends; kept with the plan."),
    )

    def seen(self) -> str:
        """Seals what was looked at, so that nothing else is planned."""
        return Signer(salt="threshold-plan").sign_object({name: str(self.cleaned_data[name]) for name in self.fields})

    def was_seen(self, sealed: str) -> bool:
        try:
            found: dict[str, str] = Signer(salt="threshold-plan").unsign_object(sealed)
        except BadSignature:
            return False
        return found == {name: str(self.cleaned_data[name]) for name in self.fields}


@admin.register(ThresholdPlan)
class ThresholdPlanAdmin(ReadOnlyAdmin[ThresholdPlan]):
    """Read-only: planned and cancelled by pages that call actions."""

    change_list_template = "admin/kitbag/thresholds/change_list.html"
    change_form_template = "admin/kitbag/thresholds/change_form.html"
    list_display = ["effective_on", "silver", "gold", "platinum", "state", "told", "moved", "planned_by"]
    list_filter = ["state", "effective_on"]
    list_select_related = ["planned_by"]
    search_fields = ["planned_by__email", "short_notice_reason"]
    date_hierarchy = "effective_on"
    fieldsets = [
        (None, {"fields": ["effective_on", "silver", "gold", "platinum", "state"]}),
        (_("Planning"), {"fields": ["planned_at", "planned_by", "short_notice_reason"]}),
        (_("Telling"), {"fields": ["told", "announced_at", "cancelled_at", "recalled_at"]}),
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
        row = self.get_object(request, object_id)
        planned = row is not None and row.state == ChangeState.PLANNED
        is_due = planned and row is not None and row.effective_on <= timezone.localdate()
        context = {
            "may_cancel": planned and request.user.has_perm(PLAN),
            "is_late": is_due and row is not None and row.announced_at is not None and not row.told_in_time,
        }
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **context})

    def plan_view(self, request: HttpRequest) -> HttpResponse:
        """The form, then the same with what it would do, then planned."""
        if not request.user.has_perm(PLAN):
            raise PermissionDenied
        form = ThresholdsForm(request.POST if request.method == "POST" else None, initial=_as_they_stand())
        if not form.is_valid():
            return self._page(request, {"form": form})
        facts = dict(form.cleaned_data)
        by, now = cast("User", request.user), timezone.now()
        sure = form.was_seen(request.POST.get("seen", ""))
        try:
            if sure:
                plan = actions.plan_thresholds(**facts, by=by, at=now)
                self.log_addition(request, plan, gettext("Planned."))
                messages.success(request, _("It is planned. Members whose level will move are told soon."))
                return HttpResponseRedirect(reverse("admin:members_thresholdplan_change", args=[plan.pk]))
            draft = actions.draft_thresholds(**facts, by=by, at=now)
        except Refusal as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
            return self._page(request, {"form": form})
        found = preview_thresholds(draft.thresholds, draft.effective_on)
        return self._page(request, {"form": form, "found": found, "seen": form.seen()})

    def cancel_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Say who would be told, then drop the plan."""
        if not request.user.has_perm(PLAN):
            raise PermissionDenied
        row = get_object_or_404(ThresholdPlan, pk=pk)
        here = HttpResponseRedirect(reverse("admin:members_thresholdplan_change", args=[pk]))
        if request.method != "POST":
            told = row.announcements.filter(withdrawn_at=None).count()
            context = {"title": _("Cancel"), "original": row, "told": told}
            return self._page(request, context, "admin/kitbag/thresholds/cancel.html")
        try:
            actions.cancel_thresholds(plan=row, by=cast("User", request.user), at=timezone.now())
        except Refusal as refusal:
            messages.error(request, str(refusal))
            return here
        self.log_change(request, row, gettext("Cancelled."))
        messages.success(request, _("Cancelled. Members who were told are told of that, too."))
        return here

    def _page(
        self, request: HttpRequest, context: dict[str, Any], template: str = "admin/kitbag/thresholds/plan.html"
    ) -> HttpResponse:
        whole = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Plan other points for the levels"),
            "earliest": _earliest(),
            "may_see_members": request.user.has_perm("members.view_member"),
            **context,
        }
        return TemplateResponse(request, template, whole)


@admin.register(ThresholdAnnouncement)
class ThresholdAnnouncementAdmin(ReadOnlyAdmin[ThresholdAnnouncement]):
    """Who was told of a plan, and whether it was taken back."""

    list_display = ["at", "plan", "member", "letter", "withdrawn_at"]
    list_filter = ["at", ("withdrawn_at", admin.EmptyFieldListFilter)]
    list_select_related = ["plan", "member"]
    search_fields = ["=member__number", "member__last_name"]
    ordering = ["-pk"]


def _earliest() -> date:
    return timezone.localdate() + timedelta(days=settings.NOTICE_DAYS + 1)


def _as_they_stand() -> dict[str, object]:
    now = LevelThreshold.objects.in_force()
    return {"effective_on": _earliest(), **{name: now[name] for name in LEVELS if name in now}}


admin.site.register(event_model(ThresholdPlan), EventAdmin)
