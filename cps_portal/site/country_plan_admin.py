"""Desk pages of planned changes of countries: plan one after a preview, undo it before its day, follow it (R1, R22)."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.signing import BadSignature, Signer
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.admin import ReadOnlyAdmin
from cps_portal.core.lib.countries import list_countries
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.forms import LineField
from cps_portal.site.presenters.programme_lists import programme_text
from cps_portal.site.queries.country_plans import read_touched
from kitbag.admin.staff import staff_user
from members import actions
from members.enums import ChangeState, Programme, ServiceLevel
from members.models import CountryPlan, Notice, programme_in

PLAN = "members.plan_countries"
SALT = "country-plan"
SELECT = forms.Select({"class": "d-input"})


class CountryPlanForm(forms.Form):
    """Another programme of a country from one day on."""

    country = forms.ChoiceField(label=_("Country"), widget=SELECT, error_messages={"required": _("Choose a country.")})
    kind = forms.ChoiceField(
        label=_("Programme"),
        choices=[("", "---------"), *Programme.choices],
        widget=SELECT,
        error_messages={"required": _("Choose a programme.")},
    )
    service_level = forms.ChoiceField(
        label=_("Service level"),
        choices=[("", "---------"), *ServiceLevel.choices],
        widget=SELECT,
        required=False,
        help_text=_("Of the free programme only."),
    )
    link = forms.URLField(
        label=_("Page of the country"),
        required=False,
        assume_scheme="https",
        widget=forms.URLInput({"class": "d-input"}),
        help_text=_("Members are sent there. Empty: the one that the country has today."),
    )
    effective_on = forms.DateField(
        label=_("From"),
        widget=forms.DateInput({"type": "date", "class": "d-input"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
        error_messages={
            "required": _("Choose the first day."),
            "invalid": _("This is not a date. Write it as 2027-03-01."),
        },
    )
    short_notice_reason = LineField(
        label=_("Why at short notice"),
        max_length=200,
        required=False,
        widget=forms.TextInput({"class": "d-input"}),
        help_text=_("Only for a day before the notice period ends; kept with the plan."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["country"].choices = [("", "---------"), *list_countries()]  # type: ignore[attr-defined]

    def seen(self) -> str:
        """The input, signed, to check later that what is planned is what the preview showed."""
        return Signer(salt=SALT).sign_object({name: str(self.cleaned_data[name]) for name in self.fields})

    def was_seen(self, sealed: str) -> bool:
        try:
            seen: dict[str, str] = Signer(salt=SALT).unsign_object(sealed)
        except BadSignature:
            return False
        return seen == {name: str(self.cleaned_data[name]) for name in self.fields}


class CountryPlanAdmin(ReadOnlyAdmin[CountryPlan]):
    """Read-only. Planned and cancelled on pages that call actions."""

    change_form_template = "admin/members/countryplan/change_form.html"
    list_display = ["country", "kind", "service_level", "effective_on", "state", "told", "moved", "planned_by"]
    list_filter = ["state", "kind", "effective_on"]
    list_select_related = ["planned_by"]
    search_fields = ["=country", "planned_by__email", "short_notice_reason"]
    fieldsets = [
        (None, {"fields": ["country", "kind", "service_level", "link", "effective_on", "state"]}),
        (_("Planning"), {"fields": ["planned_at", "planned_by", "short_notice_reason"]}),
        (_("Notification"), {"fields": ["told", "announced_at", "cancelled_at", "recalled_at"]}),
        (_("Applying"), {"fields": ["begun_at", "moved", "finished_at"]}),
    ]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("plan/", view(self.plan_view), name="members_countryplan_plan"),
            path("<int:pk>/cancel/", view(self.cancel_view), name="members_countryplan_cancel"),
            *super().get_urls(),
        ]

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
        initial = {"effective_on": _earliest(), "country": request.GET.get("country", "")}
        form = CountryPlanForm(request.POST if request.method == "POST" else None, initial=initial)
        if not form.is_valid():
            return self._page(request, {"form": form})
        facts = dict(form.cleaned_data)
        by, now = staff_user(request), timezone.now()
        try:
            if form.was_seen(request.POST.get("seen", "")):
                plan = actions.plan_country(**facts, by=by, at=now)
                self.log_addition(request, plan, gettext("Planned."))
                messages.success(request, _("Planned. Members who live there will be notified soon."))
                return HttpResponseRedirect(reverse("admin:members_countryplan_change", args=[plan.pk]))
            draft = actions.draft_country_plan(**facts, by=by, at=now)
        except Refusal as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
            return self._page(request, {"form": form})
        touched, names = read_touched(draft), dict(settings.LANGUAGES)
        context = {
            "form": form,
            "seen": form.seen(),
            "draft": draft,
            "touched": touched,
            "languages": [(names.get(code, code), number) for code, number in touched.languages],
            "before": programme_text(programme_in(draft.country.code)),
            "after": programme_text(draft.as_programme()),
            "rests": draft.kind != Programme.FREE,
        }
        return self._page(request, context)

    def cancel_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show how many members would be notified, then cancel the plan."""
        if not request.user.has_perm(PLAN):
            raise PermissionDenied
        plan = get_object_or_404(CountryPlan, pk=pk)
        here = HttpResponseRedirect(reverse("admin:members_countryplan_change", args=[pk]))
        if request.method != "POST":
            notified = Notice.objects.filter(key__startswith=plan.notice_keys("will")).count()
            context = {"title": _("Cancel the change"), "original": plan, "notified": notified}
            return self._page(request, context, "admin/members/countryplan/cancel.html")
        try:
            actions.cancel_plan(plan=plan, by=staff_user(request), at=timezone.now())
        except Refusal as refusal:
            messages.error(request, str(refusal))
            return here
        self.log_change(request, plan, gettext("Cancelled."))
        messages.success(request, _("Cancelled. Members who had been notified will get a second message."))
        return here

    def _page(
        self, request: HttpRequest, context: dict[str, Any], template: str = "admin/members/countryplan/plan.html"
    ) -> HttpResponse:
        whole = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Change the programme of a country"),
            "earliest": _earliest(),
            **context,
        }
        return TemplateResponse(request, template, whole)


def _earliest() -> date:
    return timezone.localdate() + timedelta(days=settings.NOTICE_DAYS + 1)
