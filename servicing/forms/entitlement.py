"""The form that asks what the member gets for a product at each centre (R43)."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from kitbag.models import Registration
from servicing.enums import ServiceKind


class CheckForm(forms.Form):
    """The product and the service to check."""

    product = forms.TypedChoiceField(
        label=_("Product"),
        coerce=int,
        error_messages={"required": _("Choose a product."), "invalid_choice": _("Choose a product from your Kitbag.")},
    )
    service = forms.ChoiceField(
        label=_("What should be done?"),
        choices=ServiceKind.choices,
        error_messages={"required": _("Choose what should be done."), "invalid_choice": _("Choose one of the three.")},
    )

    def __init__(self, data: Any, registrations: Sequence[Registration]) -> None:
        if data is not None and "service" not in data:
            data = data.copy()
            data["service"] = ServiceKind.REPAIR.value
        super().__init__(data)
        choices = [
            (registration.pk, f"{registration.product.name} {registration.serial}".strip())
            for registration in registrations
        ]
        self.fields["product"].choices = [("", _("Choose a product")), *choices]  # type: ignore[attr-defined]
