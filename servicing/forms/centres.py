"""The search form of the centre locator, lenient about what it finds in a URL, and a centre's form for staff (R42)."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cps_portal.core.lib.languages import NAMES
from kitbag.enums import Shelf
from servicing.enums import CentreStatus, ServiceKind
from servicing.models import ServiceCentre

CENTRE_GROUPS = [("", _("All")), ("canon", _("Canon centres")), ("partner", _("CPS partners"))]


def select_attrs(label: Any) -> dict[str, Any]:
    return {"aria-label": label, "class": "input"}


class LocatorForm(forms.Form):
    near = forms.CharField(max_length=80, required=False, label=_("Town or country"))
    lat = forms.FloatField(min_value=-90, max_value=90, required=False)
    lon = forms.FloatField(min_value=-180, max_value=180, required=False)
    only = forms.ChoiceField(choices=CENTRE_GROUPS, required=False)
    discount = forms.BooleanField(required=False)
    now = forms.BooleanField(required=False)
    service = forms.ChoiceField(
        choices=[("", _("Any service")), *ServiceKind.choices],
        required=False,
        widget=forms.Select(attrs=select_attrs(pgettext_lazy("kind of service", "Service"))),
    )
    shelf = forms.ChoiceField(
        choices=[("", _("Any kind of product")), *Shelf.choices],
        required=False,
        widget=forms.Select(attrs=select_attrs(_("Kind of product"))),
    )


class CentreForm(forms.ModelForm[ServiceCentre]):
    """A centre as staff edit it. Lists are checkboxes; each error is shown beside its field."""

    services = forms.MultipleChoiceField(
        label=_("Services"), choices=ServiceKind.choices, widget=forms.CheckboxSelectMultiple
    )
    shelves = forms.MultipleChoiceField(
        label=_("Kinds of product"), choices=Shelf.choices, widget=forms.CheckboxSelectMultiple
    )

    languages = forms.MultipleChoiceField(
        label=_("Languages"),
        choices=list(NAMES.items()),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Which of ours people are answered in there. Members read them."),
    )

    class Meta:
        model = ServiceCentre
        fields = [
            "name",
            "slug",
            "kind",
            "country",
            "city",
            "street",
            "postal_code",
            "address_is_sample",
            "phone",
            "email",
            "latitude",
            "longitude",
            "zone",
            "hours",
            "subdivision",
            "holiday_categories",
            "services",
            "shelves",
            "currency",
            "tax_percent",
            "takes_drop_off",
            "collects",
            "programme",
            "traveller_days",
            "traveller_discount",
            "traveller_return",
            "traveller_loan",
            "status",
            "notice",
            "partner",
            "languages",
            "translations",
        ]

    def clean(self) -> dict[str, Any] | None:
        data = super().clean() or {}
        if data.get("status") == CentreStatus.SUSPENDED and not data.get("notice"):
            self.add_error("notice", _("Say why it’s suspended and where members can go instead."))
        return data
