"""The desk's pages of planned changes: what is ahead, how far a run is, and the whole story of each (R22)."""

from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.admin import EventAdmin, ReadOnlyAdmin, event_model
from kitbag.actions.planning import earliest_day
from kitbag.admin.planning import PlanningAdmin, may_plan, points_at_stages
from kitbag.models import Announcement, StageChange
from members.enums import ChangeState


def grouped(number: int) -> str:
    return str(number_format(number, use_l10n=True, force_grouping=True))


def told_of(row: StageChange) -> str:
    """How far the telling is."""
    if row.state == ChangeState.CANCELLED:
        if not row.told and not row.announced_at:
            return "–"
        return gettext("taken back") if row.recalled_at else gettext("being taken back")
    if row.announced_at is None:
        return gettext("not everybody yet")
    day = timezone.localdate(row.announced_at).isoformat()
    return gettext("%(members)s on %(day)s") % {"members": grouped(row.told), "day": day}


@admin.register(StageChange)
class StageChangeAdmin(PlanningAdmin):
    """Read-only: planned, changed and cancelled by buttons that call actions."""

    change_form_template = "admin/kitbag/stagechange/change_form.html"
    change_list_template = "admin/kitbag/stagechange/change_list.html"
    progress_template = "admin/kitbag/stagechange/_progress.html"
    list_display = ["product", "to_stage", "points", "effective_on", "state", "told_when", "progress", "planned_by"]
    list_filter = ["state", "to_stage", "cause", "effective_on", ("announced_at", admin.EmptyFieldListFilter)]
    list_select_related = ["product", "planned_by"]
    search_fields = ["product__name", "product__slug", "successor__name", "planned_by__email"]
    date_hierarchy = "effective_on"
    fieldsets = [
        (
            None,
            {"fields": ["product", "to_stage", "points", "own_points", "successor", "effective_on", "state", "cause"]},
        ),
        (_("Planning"), {"fields": ["planned_at", "planned_by", "short_notice_reason", "replaces", "instead"]}),
        (_("Telling"), {"fields": ["told_when", "announced_at", "cancelled_at", "recalled_at"]}),
        (_("Applying"), {"fields": ["flipped_at", "holders", "settled", "finished_at"]}),
    ]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.progress_view)
        return [path("<int:pk>/progress/", view, name="kitbag_stagechange_progress"), *super().get_urls()]

    @admin.display(description=_("points before → after"))
    def points(self, row: StageChange) -> str:
        return f"{row.before} → {row.after}"

    @admin.display(description=_("points that it sets"))
    def own_points(self, row: StageChange) -> str:
        return ", ".join(f"{label}: {points}" for label, points in points_at_stages(row)) or "–"

    @admin.display(description=_("members told"), ordering="announced_at")
    def told_when(self, row: StageChange) -> str:
        return told_of(row)

    @admin.display(description=_("changed to"))
    def instead(self, row: StageChange) -> str:
        following = StageChange.objects.filter(replaces=row).select_related("product").first()
        if following is None:
            return "–"
        return format_html(
            '<a href="{}">{}</a>', reverse("admin:kitbag_stagechange_change", args=[following.pk]), following
        )

    @admin.display(description=_("progress"))
    def progress(self, row: StageChange) -> str:
        if row.holders is None:
            return "–"
        done = row.holders if row.state == ChangeState.DONE else min(row.settled, row.holders)
        text = gettext("%(done)s of %(all)s") % {"done": grouped(done), "all": grouped(row.holders)}
        if row.state == ChangeState.DONE:
            return text
        return format_html(
            '{} <progress value="{}" max="{}" aria-label="{}"></progress>',
            text,
            done,
            row.holders or 1,
            gettext("registrations settled"),
        )

    # The page

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        context = {**(extra_context or {}), **(self._story(request, row) if row else {})}
        return super().change_view(request, object_id, form_url, context)

    def progress_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The part of the page that moves, asked for again and again while it does."""
        row = self.get_object(request, str(pk))
        if row is None or not self.has_view_permission(request, row):
            raise Http404
        return TemplateResponse(request, self.progress_template, self._story(request, row))

    def _story(self, request: HttpRequest, row: StageChange) -> dict[str, Any]:
        today = timezone.localdate()
        planned = row.state == ChangeState.PLANNED
        telling = (planned and row.announced_at is None) or (
            row.state == ChangeState.CANCELLED and row.recalled_at is None
        )
        return {
            "original": row,
            "may_plan": planned and may_plan(request),
            "is_due": planned and row.effective_on <= today,
            "is_late": planned and row.announced_at is not None and not row.told_in_time,
            "earliest": earliest_day(timezone.now()),
            "telling": telling,
            "moving": telling or row.state == ChangeState.RUNNING,
            "told_so_far": row.announcements.filter(withdrawn_at=None).count(),
            "progress": self.progress(row),
        }


@admin.register(Announcement)
class AnnouncementAdmin(ReadOnlyAdmin[Announcement]):
    """Who was told of which change."""

    list_display = ["at", "member", "change", "withdrawn_at"]
    list_filter = ["at", ("withdrawn_at", admin.EmptyFieldListFilter)]
    list_select_related = ["member", "change__product"]
    search_fields = ["=member__number", "=member__user__email", "change__product__name"]
    date_hierarchy = "at"
    ordering = ["-pk"]


@admin.register(event_model(StageChange))
class StageChangeEventAdmin(EventAdmin):
    list_select_related = ["pgh_context", "product"]

    def what(self, event: Any) -> str:
        return f"{event.product}: {event.get_to_stage_display()}, {event.effective_on}"
