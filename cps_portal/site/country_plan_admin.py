"""Desk pages of planned changes of countries: plan one after a preview, undo it before its day, follow it (R1, R22)."""

from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.countries import list_countries
from cps_portal.site.presenters.programme_lists import programme_text
from cps_portal.site.queries.country_plans import read_touched
from kitbag.admin.announced_plans import AnnouncedPlanAdmin, AnnouncedPlanForm
from members import actions
from members.enums import Programme, ServiceLevel
from members.models import CountryPlan, Notice, User, programme_in

SELECT = forms.Select({"class": "d-input"})


class CountryPlanForm(AnnouncedPlanForm):
    """Another programme of a country from one day on."""

    salt = "country-plan"
    field_order = ("country", "kind", "service_level", "link", "effective_on", "short_notice_reason")

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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("effective_on", "short_notice_reason"):
            self.fields[name].widget.attrs["class"] = "d-input"
        self.fields["country"].choices = [("", "---------"), *list_countries()]  # type: ignore[attr-defined]


class CountryPlanAdmin(AnnouncedPlanAdmin[CountryPlan]):
    permission = "members.plan_countries"
    form_class = CountryPlanForm
    plan_title = _("Change the programme of a country")
    plan_template = "admin/members/countryplan/plan.html"
    cancel_title = _("Cancel the change")
    cancel_template = "admin/members/countryplan/cancel.html"
    planned_message = _("Planned. Members who live there will be notified soon.")
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

    def initial(self, request: HttpRequest) -> dict[str, Any]:
        return {"country": request.GET.get("country", "")}

    def draft(self, facts: dict[str, Any], *, by: User, at: datetime) -> CountryPlan:
        return actions.draft_country_plan(**facts, by=by, at=at)

    def plan(self, facts: dict[str, Any], *, by: User, at: datetime) -> CountryPlan:
        return actions.plan_country(**facts, by=by, at=at)

    def preview(self, draft: CountryPlan) -> dict[str, Any]:
        touched, names = read_touched(draft), dict(settings.LANGUAGES)
        return {
            "draft": draft,
            "touched": touched,
            "languages": [(names.get(code, code), number) for code, number in touched.languages],
            "before": programme_text(programme_in(draft.country.code)),
            "after": programme_text(draft.as_programme()),
            "rests": draft.kind != Programme.FREE,
        }

    def count_notified(self, plan: CountryPlan) -> int:
        return Notice.objects.filter(key__startswith=plan.notice_keys("will")).count()
