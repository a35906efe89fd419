"""Forms to plan changes of stages and points (R20, R22)."""

from datetime import date
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.forms import LineField
from kitbag.actions.planning import Plan
from kitbag.catalogue.plans_reader import MAX_BYTES
from kitbag.catalogue.reader import MAX_POINTS
from kitbag.enums import Stage
from kitbag.models import POINTS_FIELDS, Product, StageChange

MAX_PER_REQUEST = 100
NEXT_STAGE = {
    Stage.CURRENT: Stage.SUPERSEDED,
    Stage.SUPERSEDED: Stage.UNSERVICEABLE,
    Stage.UNSERVICEABLE: Stage.SUPERSEDED,
}


class DayForm(forms.Form):
    """The day of all changes of the page."""

    effective_on = forms.DateField(
        label=_("From"),
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
        error_messages={
            "required": _("Choose the first day."),
            "invalid": _("This is not a date. Write it as 2027-03-01."),
        },
    )


class ReasonForm(forms.Form):
    """Asked for when members would get less notice than the notice period."""

    short_notice_reason = LineField(
        label=_("Why it can’t wait"),
        max_length=200,
        widget=forms.TextInput({"class": "vTextField"}),
        help_text=_("Kept with the change."),
        error_messages={
            "required": _("Give a reason why it can’t wait for the notice period, or go back and choose a later day.")
        },
    )


class PlanForm(forms.Form):
    """The change of one product."""

    product = forms.ModelChoiceField(Product.objects.all(), widget=forms.HiddenInput)
    stage = forms.ChoiceField(label=_("Stage"), choices=Stage.choices)
    successor = forms.ModelChoiceField(
        Product.objects.all(),
        label=_("Successor"),
        required=False,
        widget=AutocompleteSelect(StageChange._meta.get_field("successor"), admin.site),
    )
    successor_slug = forms.SlugField(label=_("Successor, by its slug"), required=False, max_length=120)
    points = forms.IntegerField(
        label=_("Points at that stage"),
        required=False,
        min_value=0,
        max_value=MAX_POINTS,
        help_text=_("Leave it empty for the points in the catalogue."),
    )

    def clean(self) -> dict[str, Any] | None:
        values = super().clean()
        slug = self.cleaned_data.get("successor_slug")
        if slug and not self.cleaned_data.get("successor"):
            successor = Product.objects.filter(slug=slug).first()
            if successor is None:
                self.add_error("successor", _("There is no product with this slug."))
            self.cleaned_data["successor"] = successor
        return values

    def plan(self, effective_on: date, other_points: dict[Stage, int] | None = None) -> Plan:
        """`other_points` are points of other stages that stay planned."""
        data = self.cleaned_data
        stage = Stage(data["stage"])
        points = {key: value for key, value in (other_points or {}).items() if key != stage}
        if data["points"] is not None:
            points[stage] = data["points"]
        return Plan(data["product"], stage, effective_on, data["successor"], points or None)


PlanSet = forms.formset_factory(
    PlanForm,
    extra=0,
    min_num=1,
    max_num=MAX_PER_REQUEST,
    absolute_max=MAX_PER_REQUEST,
    validate_min=True,
    validate_max=True,
)


def initial_for_product(product: Product) -> dict[str, Any]:
    """The most likely change: the next stage, with the successor that the catalogue names."""
    stage = NEXT_STAGE[Stage(product.stage)]
    return {"product": product.pk, "stage": stage, "successor": product.successor_id}


def initial_for_plan(plan: Plan) -> dict[str, Any]:
    """The initial values of the form for a plan."""
    return {
        "product": plan.product.pk,
        "stage": plan.stage,
        "successor": plan.successor.pk if plan.successor else None,
        "points": (plan.points or {}).get(plan.stage),
    }


def plan_of_change(change: StageChange) -> Plan:
    """The plan that a planned change came from."""
    points_by_stage = {stage: getattr(change, name) for stage, name in POINTS_FIELDS.items()}
    points = {stage: value for stage, value in points_by_stage.items() if value is not None}
    return Plan(change.product, Stage(change.to_stage), change.effective_on, change.successor, points or None)


class LoadForm(forms.Form):
    file = forms.FileField(
        label=_("CSV file"),
        allow_empty_file=True,
        widget=forms.ClearableFileInput({"accept": ".csv,text/csv"}),
        error_messages={"required": _("Choose a file.")},
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MAX_BYTES:
            raise forms.ValidationError(
                _("The file is larger than %(megabytes)s MB. Split it and load the parts.")
                % {"megabytes": MAX_BYTES // 1024**2}
            )
        return file
