"""Admin pages of planned changes: what is planned, how far each run is, and its history (R22)."""

from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.admin import EventAdmin, ReadOnlyAdmin, event_model
from cps_portal.core.lib.dates import write_day
from kitbag.actions.planning import earliest_day
from kitbag.admin.planning import PlanningAdmin, may_plan, points_at_stages
from kitbag.models import Announcement, StageChange
from members.enums import ChangeState
from members.models import Member


def grouped(number: int) -> str:
    return str(number_format(number, use_l10n=True, force_grouping=True))


def notified_summary(change: StageChange) -> str:
    """How far the notifications are."""
    if change.state == ChangeState.CANCELLED:
        if not change.told and not change.announced_at:
            return "–"
        return gettext("withdrawn") if change.recalled_at else gettext("being withdrawn")
    if change.announced_at is None:
        return gettext("not everyone yet")
    day = write_day(change.announced_at)
    return gettext("%(members)s on %(day)s") % {"members": grouped(change.told), "day": day}


@admin.register(StageChange)
class StageChangeAdmin(PlanningAdmin):
    """Read-only. Planned, changed and cancelled by buttons that call actions."""

    change_form_template = "admin/kitbag/stagechange/change_form.html"
    change_list_template = "admin/kitbag/stagechange/change_list.html"
    progress_template = "admin/kitbag/stagechange/_progress.html"
    list_display = ["product", "to_stage", "points", "effective_on", "state", "notified", "progress", "planned_by"]
    list_filter = ["state", "to_stage", "cause", "effective_on", ("announced_at", admin.EmptyFieldListFilter)]
    list_select_related = ["product", "planned_by"]
    search_fields = ["product__name", "product__slug", "successor__name", "planned_by__email"]
    fieldsets = [
        (
            None,
            {"fields": ["product", "to_stage", "points", "own_points", "successor", "effective_on", "state", "cause"]},
        ),
        (
            _("Planning"),
            {"fields": ["planned_at", "planned_by", "short_notice_reason", "replaces", "replaced_by_change"]},
        ),
        (_("Notification"), {"fields": ["notified", "announced_at", "cancelled_at", "recalled_at"]}),
        (_("Applying"), {"fields": ["flipped_at", "holders", "settled", "finished_at"]}),
    ]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.progress_view)
        return [path("<int:pk>/progress/", view, name="kitbag_stagechange_progress"), *super().get_urls()]

    @admin.display(description=_("points before → after"))
    def points(self, change: StageChange) -> str:
        return f"{change.before} → {change.after}"

    @admin.display(description=_("points it sets"))
    def own_points(self, change: StageChange) -> str:
        return ", ".join(f"{label}: {points}" for label, points in points_at_stages(change)) or "–"

    @admin.display(description=_("members notified"), ordering="announced_at")
    def notified(self, change: StageChange) -> str:
        return notified_summary(change)

    @admin.display(description=_("replaced by"))
    def replaced_by_change(self, change: StageChange) -> str:
        replacement = StageChange.objects.filter(replaces=change).select_related("product").first()
        if replacement is None:
            return "–"
        return format_html(
            '<a href="{}">{}</a>', reverse("admin:kitbag_stagechange_change", args=[replacement.pk]), replacement
        )

    @admin.display(description=_("progress"))
    def progress(self, change: StageChange) -> str:
        if change.holders is None:
            return "–"
        done = change.holders if change.state == ChangeState.DONE else min(change.settled, change.holders)
        text = gettext("%(done)s of %(all)s") % {"done": grouped(done), "all": grouped(change.holders)}
        if change.state == ChangeState.DONE:
            return text
        return format_html(
            '{} <progress value="{}" max="{}" aria-label="{}"></progress>',
            text,
            done,
            change.holders or 1,
            gettext("registrations updated"),
        )

    # The page

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        change = self.get_object(request, object_id)
        context = {**(extra_context or {}), **(self._progress_context(request, change) if change else {})}
        return super().change_view(request, object_id, form_url, context)

    def progress_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The part of the page that htmx asks for again while the change is running."""
        change = self.get_object(request, str(pk))
        if change is None or not self.has_view_permission(request, change):
            raise Http404
        return TemplateResponse(request, self.progress_template, self._progress_context(request, change))

    def _progress_context(self, request: HttpRequest, change: StageChange) -> dict[str, Any]:
        today = timezone.localdate()
        planned = change.state == ChangeState.PLANNED
        telling = (planned and change.announced_at is None) or (
            change.state == ChangeState.CANCELLED and change.recalled_at is None
        )
        return {
            "original": change,
            "may_plan": planned and may_plan(request),
            "is_due": planned and change.effective_on <= today,
            "is_late": planned and change.announced_at is not None and not change.told_in_time,
            "earliest": earliest_day(timezone.now()),
            "telling": telling,
            "moving": telling or change.state == ChangeState.RUNNING,
            "notified_so_far": change.announcements.filter(withdrawn_at=None).count(),
            "progress": self.progress(change),
        }


@admin.register(Announcement)
class AnnouncementAdmin(ReadOnlyAdmin[Announcement]):
    """Who was notified of which change."""

    list_display = ["at", "member", "change", "withdrawn_at"]
    list_filter = ["at", ("withdrawn_at", admin.EmptyFieldListFilter)]
    list_select_related = ["member", "change__product"]
    search_fields = ["=member__number", "=member__user__email", "change__product__name"]
    ordering = ["-pk"]

    def search_conditions(self, term: str) -> list[Q]:
        return [
            Q(member__in=Member.objects.search(term)),
            Q(change__product__name__icontains=term),
        ]


@admin.register(event_model(StageChange))
class StageChangeEventAdmin(EventAdmin):
    list_select_related = ["pgh_context", "product"]

    def what(self, event: Any) -> str:
        return f"{event.product}: {event.get_to_stage_display()}, {write_day(event.effective_on)}"
