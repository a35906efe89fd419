"""The forms of a loan's admin page (R53)."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.forms import LineField, MultiLineField
from servicing.actions.loans import MAX_CONDITION_LENGTH


class HandOutForm(forms.Form):
    condition = MultiLineField(
        label=_("Condition and what goes with it"),
        max_length=MAX_CONDITION_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    due_back = forms.DateField(
        label=_("Due back"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("Leave it empty: it’s due after the repair. A day here is the earliest."),
    )


class ExtendForm(forms.Form):
    due_back = forms.DateField(label=_("Due back"), widget=forms.DateInput(attrs={"type": "date"}))


class TakeBackForm(forms.Form):
    condition = MultiLineField(
        label=_("Condition and what is missing"),
        max_length=MAX_CONDITION_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


ACCESSORIES = {
    "battery": _("Battery"),
    "second_battery": _("Second battery"),
    "charger": _("Charger"),
    "strap": _("Strap"),
    "caps": _("Caps"),
    "hood": _("Hood"),
    "case": _("Case"),
}


class ScanUnitForm(forms.Form):
    scan = LineField(label=_("Scan a unit or a job"), max_length=300, required=False)


class MoveForm(forms.Form):
    """A unit goes out or comes back. `scanned` is the number on the unit in hand."""

    scanned = LineField(
        label=_("Scan the unit"),
        max_length=40,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    goes_with = forms.MultipleChoiceField(
        label=_("Goes with it"),
        choices=list(ACCESSORIES.items()),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    condition = MultiLineField(
        label=_("Condition now"),
        max_length=MAX_CONDITION_LENGTH - 150,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "class": "input"}),
    )
    due_back = forms.DateField(
        label=_("Not due before"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        error_messages={"invalid": _("Write the day like 2026-03-31.")},
    )

    def __init__(self, *args: Any, is_out: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if is_out:
            self.fields["goes_with"].label = _("Came back with it")
            del self.fields["due_back"]

    @property
    def text(self) -> str:
        """The condition with what goes along. Only for a valid form."""
        things = ", ".join(str(ACCESSORIES[key]) for key in self.cleaned_data["goes_with"])
        return "\n".join(part for part in (self.cleaned_data["condition"], things) if part)
