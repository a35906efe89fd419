"""The forms of a loan's admin page (R53)."""

from django import forms
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.forms import MultiLineField
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
