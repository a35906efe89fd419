"""The scan field of the page on which boxes are packed and shipped (R61). Format only; the rules are in the actions."""

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.forms import LineField
from servicing.actions.shipping import MAX_CARRIER_LENGTH, MAX_URL_LENGTH, Tracking
from servicing.forms.ticket_steps import CARRIERS_LIST, day_input, long_errors
from servicing.models import Carrier, Shipment
from servicing.models.parcels import MAX_NUMBER_LENGTH

MAX_SCAN_LENGTH = 300


class ScanForm(forms.Form):
    """`now` is the job whose tracking number is expected."""

    scan = LineField(
        label=_("Scan"),
        max_length=MAX_SCAN_LENGTH,
        required=False,
        error_messages=long_errors(),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autofocus": True}),
    )
    now = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1, widget=forms.HiddenInput)
    carrier = LineField(
        label=_("Carrier"),
        max_length=MAX_CARRIER_LENGTH,
        required=False,
        error_messages=long_errors(),
        widget=forms.Select,
    )
    expected_on = forms.DateField(
        label=_("Expected"),
        required=False,
        widget=day_input(),
        error_messages={"invalid": _("Write the day like 2026-03-31.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = Carrier.objects.filter(is_offered=True).values_list("name", flat=True)
        self.fields["carrier"].widget.choices = [("", _("Another")), *((name, name) for name in names)]

    @property
    def day(self) -> date | None:
        day: date | None = self.cleaned_data.get("expected_on")
        return day


class NumberField(LineField):
    """A tracking number typed in the row of a job."""

    def __init__(self) -> None:
        super().__init__(max_length=MAX_NUMBER_LENGTH, required=False, error_messages=long_errors())


class ShipmentForm(forms.Form):
    """What is known of a box that travels."""

    carrier = LineField(
        label=_("Carrier"),
        max_length=MAX_CARRIER_LENGTH,
        required=False,
        widget=forms.TextInput(attrs={"list": CARRIERS_LIST, "autocomplete": "off"}),
        error_messages=long_errors(),
    )
    tracking = LineField(
        label=_("Tracking number"), max_length=MAX_NUMBER_LENGTH, required=False, error_messages=long_errors()
    )
    tracking_url = forms.CharField(
        label=_("Tracking page"),
        max_length=MAX_URL_LENGTH,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "url"}),
        error_messages=long_errors(),
        help_text=_("Only if it differs from that of the carrier."),
    )
    expected_on = forms.DateField(
        label=_("Expected"),
        required=False,
        widget=day_input(),
        error_messages={"invalid": _("Write the day like 2026-03-31.")},
    )

    @property
    def tracking_facts(self) -> Tracking:
        """Only for a valid form."""
        data = self.cleaned_data
        return Tracking(data["carrier"], data["tracking"], data["tracking_url"], data["expected_on"])


def shipment_form(data: Any, shipment: Shipment) -> ShipmentForm:
    initial = {
        "carrier": shipment.carrier_text,
        "tracking": shipment.number,
        "tracking_url": shipment.url,
        "expected_on": shipment.expected_on,
    }
    return ShipmentForm(data, initial=initial)
