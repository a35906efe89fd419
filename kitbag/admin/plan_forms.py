"""What staff fill in to plan changes (R20, R22)."""

from datetime import date
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.utils.translation import gettext_lazy as _

from kitbag.actions.planning import Plan
from kitbag.catalogue.plans_reader import MAX_BYTES
from kitbag.catalogue.reader import MAX_POINTS
from kitbag.enums import Stage
from kitbag.models import POINTS_FIELDS, Product, StageChange

MAX_PER_REQUEST = 100
NEXT = {
    Stage.CURRENT: Stage.SUPERSEDED,
    Stage.SUPERSEDED: Stage.UNSERVICEABLE,
    Stage.UNSERVICEABLE: Stage.SUPERSEDED,
}


class DayForm(forms.Form):
    """The one day of all rows."""

    effective_on = forms.DateField(
        label=_("From"),
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
        error_messages={
            "required": _("Choose the day from which it is so."),
            "invalid": _("This is not a day. Write it as 2027-03-01."),
        },
    )


class ReasonForm(forms.Form):
    """Asked for when members would be told less than the notice period before."""

    short_notice_reason = forms.CharField(
        label=_("Why it cannot wait"),
        max_length=200,
        widget=forms.TextInput({"class": "vTextField"}),
        help_text=_("Kept with the change."),
        error_messages={"required": _("Say why it cannot wait for the notice period, or go back to a later day.")},
    )


class PlanForm(forms.Form):
    """What is to become of one product."""

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
        help_text=_("Empty: as the catalogue says."),
    )

    def clean(self) -> dict[str, Any] | None:
        values = super().clean()
        slug = self.cleaned_data.get("successor_slug")
        if slug and not self.cleaned_data.get("successor"):
            found = Product.objects.filter(slug=slug).first()
            if found is None:
                self.add_error("successor", _("There is no product with this slug."))
            self.cleaned_data["successor"] = found
        return values

    def plan(self, effective_on: date, besides: dict[Stage, int] | None = None) -> Plan:
        """`besides` are points of other stages that are to stay planned."""
        facts = self.cleaned_data
        stage = Stage(facts["stage"])
        points = {key: value for key, value in (besides or {}).items() if key != stage}
        if facts["points"] is not None:
            points[stage] = facts["points"]
        return Plan(facts["product"], stage, effective_on, facts["successor"], points or None)


PlanSet = forms.formset_factory(
    PlanForm,
    extra=0,
    min_num=1,
    max_num=MAX_PER_REQUEST,
    absolute_max=MAX_PER_REQUEST,
    validate_min=True,
    validate_max=True,
)


def first_values(product: Product) -> dict[str, Any]:
    """What is most likely wanted: the next stage, with the successor that the catalogue names."""
    stage = NEXT[Stage(product.stage)]
    return {"product": product.pk, "stage": stage, "successor": product.successor_id}


def values_of(plan: Plan) -> dict[str, Any]:
    """A plan as the form has it."""
    return {
        "product": plan.product.pk,
        "stage": plan.stage,
        "successor": plan.successor.pk if plan.successor else None,
        "points": (plan.points or {}).get(plan.stage),
    }


def plan_as_it_stands(change: StageChange) -> Plan:
    """The plan that a planned change amounts to."""
    own = {stage: getattr(change, name) for stage, name in POINTS_FIELDS.items()}
    points = {stage: value for stage, value in own.items() if value is not None}
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
            raise forms.ValidationError(_("The file is larger than 1 MB. Load it in parts."))
        return file
