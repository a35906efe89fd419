"""What the desk types about partners."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from cps_portal.lib.errors import Refusal
from cps_portal.partners import actions
from cps_portal.partners.models import WebhookEndpoint


class EndpointForm(forms.ModelForm[WebhookEndpoint]):
    types = forms.MultipleChoiceField(
        label=_("Events"),
        required=False,
        help_text=_("What this address is told. None chosen: everything that concerns the partner."),
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = WebhookEndpoint
        fields = ["partner", "url", "types"]
        field_classes = {"url": forms.CharField}  # `clean_url` knows better than the one for any address

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known: dict[str, StrOrPromise] = dict(settings.WEBHOOK_TYPES)
        for kept in self.instance.types or []:
            known.setdefault(kept, kept)
        types = self.fields.get("types")
        if isinstance(types, forms.MultipleChoiceField):  # whoever only looks has none
            types.choices = [(code, f"{code}: {label}") for code, label in known.items()]

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        try:
            actions.check_url(url)
        except Refusal as refusal:
            raise ValidationError(str(refusal.message), code=refusal.code) from refusal
        return url


class SuspendForm(forms.Form):
    reason = forms.CharField(
        label=_("Why it is suspended"),
        max_length=200,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        error_messages={"required": _("Say why: whoever finds it suspended will want to know.")},
    )
