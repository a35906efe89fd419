"""Admin pages of the points ledger, of adjustments, and of ledger checks (R21, R54)."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, Q, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.admin import EventAdmin, ReadOnlyAdmin, event_model
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.forms import LineField
from cps_portal.core.lib.written_numbers import signed
from kitbag.actions.adjustments import MAX_POINTS, adjust_points, end_adjustment
from kitbag.admin.staff import staff_user
from kitbag.models import Adjustment, LedgerCheck, PointsEntry
from kitbag.presenters.ledger import entry_title
from kitbag.presenters.scale import Scale, build_scale
from members.enums import Level
from members.forms.common import add_refusal
from members.models import LevelThreshold, Member, User
from members.rules import level_for

ADJUST = "kitbag.adjust_points"
MEMBER = "admin:members_member_change"
SALT = "kitbag.adjustment"
INPUT = {"class": "d-input", "autocomplete": "off"}
MAX_ENTRIES_SHOWN = 4


@admin.register(PointsEntry)
class PointsEntryAdmin(ReadOnlyAdmin[PointsEntry]):
    list_display = ["at", "member", "registration", "adjustment", "change", "cause", "stage_change", "stage", "by"]
    list_filter = ["cause", "stage", "at"]
    list_select_related = [
        "member",
        "registration__product",
        "adjustment",
        "stage_change__product",
        "by",
    ]
    search_fields = ["=member__number", "=member__user__email", "registration__product__name"]

    @admin.display(description=_("amount"), ordering="amount")
    def change(self, entry: PointsEntry) -> SafeString:
        """For people; a file gets the value."""
        return format_html('<data value="{}">{}</data>', entry.amount, signed(entry.amount))

    def search_conditions(self, term: str) -> list[Q]:
        return [
            Q(member__in=Member.objects.search(term)),
            Q(registration__product__name__icontains=term),
        ]


class AdjustForm(forms.Form):
    """`previewed` is a signature of what the preview showed: the points are given if it is submitted again."""

    points = forms.IntegerField(
        label=_("Points to add"), min_value=1, max_value=MAX_POINTS, widget=forms.NumberInput(INPUT)
    )
    reason = LineField(label=_("Reason, which the member reads"), max_length=200, widget=forms.TextInput(INPUT))
    expires_on = forms.DateField(
        label=_("Ends on"),
        required=False,
        widget=forms.DateInput({"type": "date", **INPUT}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
        help_text=_("From this day they no longer count. Leave it empty if they should stay."),
        error_messages={"invalid": _("This is not a date. Write it as 2027-03-01.")},
    )
    previewed = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean_expires_on(self) -> date | None:
        day: date | None = self.cleaned_data["expires_on"]
        if day and day <= timezone.localdate():
            raise forms.ValidationError(_("This day is not in the future. Choose a later one, or leave it empty."))
        return day

    def adjustment(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("points", "reason", "expires_on")}


@admin.register(Adjustment)
class AdjustmentAdmin(ReadOnlyAdmin[Adjustment]):
    """Read-only. Points are given from the page of a member and ended here, both by actions."""

    change_form_template = "admin/kitbag/adjustment/change_form.html"
    give_template = "admin/kitbag/adjustment/give.html"
    end_template = "admin/kitbag/adjustment/end.html"
    list_display = ["made_at", "member", "points", "reason", "expires_on", "made_by", "ended_at", "ended_by", "end"]
    list_filter = [("ended_at", admin.EmptyFieldListFilter), "expires_on", "made_at"]
    list_select_related = ["member", "made_by", "ended_by"]
    search_fields = ["=member__number", "reason"]

    def search_conditions(self, term: str) -> list[Q]:
        return [
            Q(member__in=Member.objects.search(term)),
            Q(reason__icontains=term),
        ]

    def has_adjust_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(ADJUST)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("give/<int:member_pk>/", view(self.give_view), name="kitbag_adjustment_give"),
            path("<int:pk>/end/", view(self.end_view), name="kitbag_adjustment_end"),
            *super().get_urls(),
        ]

    def get_list_display(self, request: HttpRequest) -> Any:
        return self.list_display if self.has_adjust_permission(request) else self.list_display[:-1]

    @admin.display(description=_("end it"))
    def end(self, adjustment: Adjustment) -> str:
        if adjustment.ended_at:
            return "–"
        url = reverse("admin:kitbag_adjustment_end", args=[adjustment.pk])
        return format_html('<a href="{}">{}</a>', url, gettext("End now…"))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        adjustment = self.get_object(request, object_id)
        can_end = adjustment is not None and adjustment.ended_at is None and self.has_adjust_permission(request)
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "can_end": can_end})

    def give_view(self, request: HttpRequest, member_pk: int) -> HttpResponse:
        """Ask, show the level that it would give, and give the points once the preview is confirmed."""
        if not self.has_adjust_permission(request):
            raise PermissionDenied
        member = get_object_or_404(Member, pk=member_pk)
        form = AdjustForm(request.POST if request.method == "POST" else None)
        after, previewed = None, ""
        if form.is_valid():
            adjustment = self._give(request, member, form)
            if adjustment:
                self.log_addition(request, adjustment, gettext("Points added."))
                messages.success(request, _("Added. We’ll tell the member."))
                return HttpResponseRedirect(reverse(MEMBER, args=[member.pk]))
            if not form.errors:
                member.refresh_from_db()
                after = _after(member, member.points + form.cleaned_data["points"])
                previewed = _preview_signature(member, form, request)
        context = {
            "title": _("Adjust points"),
            "member": member,
            "form": form,
            "after": after,
            "previewed": previewed,
            "scale": _scale(member, after["points"]) if after else None,
            "given": _given_lately(staff_user(request)),
            "last_entries": _last_entries(member),
        }
        return self._page(request, self.give_template, context)

    def _give(self, request: HttpRequest, member: Member, form: AdjustForm) -> Adjustment | None:
        """None if there was no preview, if it is outdated, or if the action refused: then the form has the error."""
        with transaction.atomic():
            locked = Member.objects.locked().get(pk=member.pk)  # a second click waits here, and then finds other points
            if not form.cleaned_data["previewed"] or form.cleaned_data["previewed"] != _preview_signature(
                locked, form, request
            ):
                return None
            try:
                return adjust_points(member=locked, **form.adjustment(), by=staff_user(request), at=timezone.now())
            except Refusal as refusal:
                add_refusal(form, refusal)
                return None

    def end_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show what the member will have, then end it."""
        if not self.has_adjust_permission(request):
            raise PermissionDenied
        adjustment = get_object_or_404(Adjustment.objects.select_related("member"), pk=pk)
        here = HttpResponseRedirect(reverse("admin:kitbag_adjustment_change", args=[pk]))
        if request.method == "POST" or adjustment.ended_at:
            try:
                end_adjustment(adjustment=adjustment, by=staff_user(request), at=timezone.now())
            except Refusal as refusal:
                messages.error(request, str(refusal))
                return here
            self.log_change(request, adjustment, gettext("Ended."))
            messages.success(request, _("Ended. We’ll tell the member."))
            return here
        after = _after(adjustment.member, adjustment.member.points - adjustment.points)
        context = {"title": _("End now"), "original": adjustment, "member": adjustment.member, "after": after}
        return self._page(request, self.end_template, context)

    def _page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        whole = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        return TemplateResponse(request, template, whole)


def _after(member: Member, points: int) -> dict[str, Any]:
    level = Level(level_for(points, LevelThreshold.objects.in_force()))
    return {"points": points, "level": level.label, "moves": level != member.level}


def _scale(member: Member, points: int) -> Scale:
    """The levels with the points of today, and those after the adjustment."""
    return build_scale(points=member.points, second_points=points, thresholds=LevelThreshold.objects.in_force())


def _given_lately(user: User) -> dict[str, Any]:
    """How often this person has adjusted points in the last seven days, and by how much in all."""
    rows = Adjustment.objects.filter(made_by=user, made_at__gt=timezone.now() - timedelta(days=7))
    return rows.aggregate(count=Count("pk"), points=Coalesce(Sum("points"), 0))


def _last_entries(member: Member) -> list[tuple[PointsEntry, str]]:
    entries = PointsEntry.objects.filter(member=member).select_related("registration__product").order_by("-pk")
    return [
        (entry, entry_title(entry.cause, entry.registration.product.name if entry.registration else ""))
        for entry in entries[:MAX_ENTRIES_SHOWN]
    ]


def _preview_signature(member: Member, form: AdjustForm, request: HttpRequest) -> str:
    """Changes with the input, the member of staff, and the points, level and adjustments of the member."""
    last = Adjustment.objects.filter(member=member).values_list("pk", flat=True).first()
    facts = [
        member.pk,
        member.points,
        member.level,
        last,
        staff_user(request).pk,
        *map(str, form.adjustment().values()),
    ]
    return signing.Signer(salt=SALT).signature("/".join(map(str, facts)))


@admin.register(LedgerCheck)
class LedgerCheckAdmin(ReadOnlyAdmin[LedgerCheck]):
    """Comparisons of the whole ledger with the rules, newest first (R11, R21)."""

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
    search_help_text = _("E-mail address of the member who started it")
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
        "members_who_differ",
        "by",
    ]

    @admin.display(description=_("agrees"), boolean=True)
    def agrees(self, check: LedgerCheck) -> bool | None:
        return None if check.finished_at is None else check.is_clean

    @admin.display(description=_("result"))
    def verdict(self, check: LedgerCheck) -> str:
        if check.finished_at is None:
            return gettext("not finished")
        if check.is_clean:
            return gettext("everything agrees")
        return gettext("differs, mended") if check.mended else gettext("differs")

    @admin.display(description=_("took"))
    def took(self, check: LedgerCheck) -> str:
        if check.finished_at is None:
            return "–"
        return gettext("%(n)s s") % {"n": f"{(check.finished_at - check.started_at).total_seconds():.1f}"}

    @admin.display(description=_("members who differ"))
    def members_who_differ(self, check: LedgerCheck) -> str:
        numbers = [str(number) for number in check.differing]
        url = reverse("admin:members_member_changelist")
        return format_html_join(", ", '<a href="{}?q={}">{}</a>', ((url, n, n) for n in numbers)) or "–"


admin.site.register(event_model(Adjustment), EventAdmin)
