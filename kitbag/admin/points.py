"""The desk's pages of the ledger, of what staff add to it, and of its checks (R21, R54)."""

from datetime import date
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.admin import EventAdmin, ReadOnlyAdmin, event_model
from cps_portal.core.lib.errors import Refusal
from kitbag.actions.adjustments import MAX_POINTS, adjust_points, end_adjustment
from kitbag.admin.planning import by_of
from kitbag.models import Adjustment, LedgerCheck, PointsEntry
from members.enums import Level
from members.forms.profile import add_refusal
from members.models import LevelThreshold, Member
from members.rules import level_for

ADJUST = "kitbag.adjust_points"
MEMBER = "admin:members_member_change"
SALT = "kitbag.adjustment"


@admin.register(PointsEntry)
class PointsEntryAdmin(ReadOnlyAdmin[PointsEntry]):
    list_display = ["at", "member", "registration", "adjustment", "amount", "cause", "stage_change", "stage", "by"]
    list_filter = ["cause", "stage", "at"]
    list_select_related = [
        "member",
        "registration__product",
        "adjustment",
        "stage_change__product",
        "by",
    ]
    search_fields = ["=member__number", "=member__user__email", "registration__product__name"]
    date_hierarchy = "at"


class AdjustForm(forms.Form):
    """``looked_at`` is what was shown of it: it is given when the same is asked for again."""

    points = forms.IntegerField(label=_("Points to add"), min_value=1, max_value=MAX_POINTS)
    reason = forms.CharField(
        label=_("Reason, as the member reads it"), max_length=200, widget=forms.TextInput({"class": "vTextField"})
    )
    expires_on = forms.DateField(
        label=_("Ends on"),
        required=False,
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
        help_text=_("From this day on they no longer count. Empty: they stay."),
        error_messages={"invalid": _("This is not a day. Write it as 2027-03-01.")},
    )
    looked_at = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean_expires_on(self) -> date | None:
        day: date | None = self.cleaned_data["expires_on"]
        if day and day <= timezone.localdate():
            raise forms.ValidationError(_("This day is not in the future. Choose a later one, or none."))
        return day

    def asked(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("points", "reason", "expires_on")}


@admin.register(Adjustment)
class AdjustmentAdmin(ReadOnlyAdmin[Adjustment]):
    """Read-only: given from the page of a member, ended here, both by actions."""

    change_form_template = "admin/kitbag/adjustment/change_form.html"
    give_template = "admin/kitbag/adjustment/give.html"
    end_template = "admin/kitbag/adjustment/end.html"
    list_display = ["made_at", "member", "points", "reason", "expires_on", "made_by", "ended_at", "ended_by", "end"]
    list_filter = [("ended_at", admin.EmptyFieldListFilter), "expires_on", "made_at"]
    list_select_related = ["member", "made_by", "ended_by"]
    search_fields = ["=member__number", "=member__user__email", "member__last_name", "reason"]
    date_hierarchy = "made_at"

    def has_adjust_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(ADJUST)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("give/<int:member>/", view(self.give_view), name="kitbag_adjustment_give"),
            path("<int:pk>/end/", view(self.end_view), name="kitbag_adjustment_end"),
            *super().get_urls(),
        ]

    def get_list_display(self, request: HttpRequest) -> Any:
        return self.list_display if self.has_adjust_permission(request) else self.list_display[:-1]

    @admin.display(description=_("end it"))
    def end(self, row: Adjustment) -> str:
        if row.ended_at:
            return "–"
        url = reverse("admin:kitbag_adjustment_end", args=[row.pk])
        return format_html('<a href="{}">{}</a>', url, gettext("End now…"))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        can_end = row is not None and row.ended_at is None and self.has_adjust_permission(request)
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "can_end": can_end})

    def give_view(self, request: HttpRequest, member: int) -> HttpResponse:
        """Ask, show the level that it leads to, and give it when the same is asked for again."""
        if not self.has_adjust_permission(request):
            raise PermissionDenied
        person = get_object_or_404(Member, pk=member)
        form = AdjustForm(request.POST if request.method == "POST" else None)
        after, looked_at = None, ""
        if form.is_valid():
            row = self._give(request, person, form)
            if row:
                self.log_addition(request, row, gettext("Points added."))
                messages.success(request, _("Added. The member is told."))
                return HttpResponseRedirect(reverse(MEMBER, args=[person.pk]))
            if not form.errors:
                person.refresh_from_db()
                after = _after(person, person.points + form.cleaned_data["points"])
                looked_at = _mark(person, form, request)
        context = {"title": _("Adjust points"), "member": person, "form": form, "after": after, "looked_at": looked_at}
        return self._page(request, self.give_template, context)

    def _give(self, request: HttpRequest, person: Member, form: AdjustForm) -> Adjustment | None:
        """None if it is not what was looked at, or refused: then the form says why."""
        with transaction.atomic():
            locked = Member.objects.locked().get(pk=person.pk)  # a second press waits here, and finds other points
            if not form.cleaned_data["looked_at"] or form.cleaned_data["looked_at"] != _mark(locked, form, request):
                return None
            try:
                return adjust_points(member=locked, **form.asked(), by=by_of(request), at=timezone.now())
            except Refusal as refusal:
                add_refusal(form, refusal)
                return None

    def end_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Say what the member falls to, then end it."""
        if not self.has_adjust_permission(request):
            raise PermissionDenied
        row = get_object_or_404(Adjustment.objects.select_related("member"), pk=pk)
        here = HttpResponseRedirect(reverse("admin:kitbag_adjustment_change", args=[pk]))
        if request.method == "POST" or row.ended_at:
            try:
                end_adjustment(adjustment=row, by=by_of(request), at=timezone.now())
            except Refusal as refusal:
                messages.error(request, str(refusal))
                return here
            self.log_change(request, row, gettext("Ended."))
            messages.success(request, _("Ended. The member is told."))
            return here
        after = _after(row.member, row.member.points - row.points)
        context = {"title": _("End now"), "original": row, "member": row.member, "after": after}
        return self._page(request, self.end_template, context)

    def _page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        whole = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        return TemplateResponse(request, template, whole)


def _after(member: Member, points: int) -> dict[str, Any]:
    level = Level(level_for(max(points, 0), LevelThreshold.objects.in_force()))
    return {"points": points, "level": level.label, "moves": level != member.level}


def _mark(member: Member, form: AdjustForm, request: HttpRequest) -> str:
    """Changes whenever something else is asked for, or the member stands elsewhere."""
    last = Adjustment.objects.filter(member=member).values_list("pk", flat=True).first()
    facts = [member.pk, member.points, member.level, last, by_of(request).pk, *map(str, form.asked().values())]
    return signing.Signer(salt=SALT).signature("/".join(map(str, facts)))


@admin.register(LedgerCheck)
class LedgerCheckAdmin(ReadOnlyAdmin[LedgerCheck]):
    """Every comparison of the whole ledger with the rules, the last one first (R11, R21)."""

    list_display = [
        "started_at",
        "agrees",
        "verdict",
        "members",
        "registrations",
        "wrong_registrations",
        "wrong_points",
        "wrong_levels",
        "awaiting",
        "untold",
        "mended",
        "took",
        "by",
    ]
    list_filter = ["started_at", ("finished_at", admin.EmptyFieldListFilter)]
    list_select_related = ["by"]
    search_fields = ["=by__email"]
    search_help_text = _("E-mail address of who had it made")
    date_hierarchy = "started_at"
    fields = [
        "started_at",
        "finished_at",
        "agrees",
        "verdict",
        "members",
        "registrations",
        "wrong_registrations",
        "wrong_points",
        "wrong_levels",
        "awaiting",
        "untold",
        "mended",
        "who_differs",
        "by",
    ]

    @admin.display(description=_("agrees"), boolean=True)
    def agrees(self, row: LedgerCheck) -> bool | None:
        return None if row.finished_at is None else row.is_clean

    @admin.display(description=_("result"))
    def verdict(self, row: LedgerCheck) -> str:
        if row.finished_at is None:
            return gettext("not finished")
        if row.is_clean:
            return gettext("everything agrees")
        return gettext("differs, mended") if row.mended else gettext("differs")

    @admin.display(description=_("took"))
    def took(self, row: LedgerCheck) -> str:
        if row.finished_at is None:
            return "–"
        return gettext("%(n)s s") % {"n": f"{(row.finished_at - row.started_at).total_seconds():.1f}"}

    @admin.display(description=_("who differs, the first hundred"))
    def who_differs(self, row: LedgerCheck) -> str:
        numbers = [str(number) for number in row.differing]
        url = reverse("admin:members_member_changelist")
        return format_html_join(", ", '<a href="{}?q={}">{}</a>', ((url, n, n) for n in numbers)) or "–"


admin.site.register(event_model(Adjustment), EventAdmin)
