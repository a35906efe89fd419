"""Form for ending cards in the admin."""

from django import forms
from django.utils.translation import gettext_lazy as _

from members.offers.enums import CardEnd

REASONS = [(reason.value, reason.label) for reason in CardEnd if reason != CardEnd.CLOSED]


class EndCardForm(forms.Form):
    """Replace or revoke a card."""

    reason = forms.ChoiceField(label=_("Reason"), choices=[("", _("Choose…")), *REASONS])
    post = forms.BooleanField(
        label=_("Ask the fulfilment partner to print the new card and post it to the member"),
        required=False,
    )
