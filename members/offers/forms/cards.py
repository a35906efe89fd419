"""What the desk types about cards."""

from django import forms
from django.utils.translation import gettext_lazy as _

from members.offers.enums import CardEnd

REASONS = [(reason.value, reason.label) for reason in CardEnd if reason != CardEnd.CLOSED]


class EndCardForm(forms.Form):
    """Replacing a card, or stopping it."""

    reason = forms.ChoiceField(label=_("Why"), choices=[("", _("Choose…")), *REASONS])
    post = forms.BooleanField(
        label=_("Ask the fulfilment house to print the new card and post it to the Welcome Pack’s address"),
        required=False,
    )
