"""The forms for taking a product in at the counter. They check format only; the rules are in the actions (R43)."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files.forms import UploadsField
from cps_portal.core.lib.forms import LineField, LongText, clean_line
from kitbag.models import Product
from kitbag.presenters.texts import SERIAL_SENTENCES
from kitbag.queries.search import search_products
from kitbag.rules import look_up_problem
from members.models import User
from servicing.actions.service_requests import MAX_FAULT_LENGTH
from servicing.enums import PlaceWish, ServiceKind
from servicing.forms.ticket_steps import MAX_ACCESSORIES_LENGTH, MAX_CONDITION_LENGTH, long_errors
from servicing.models import ServiceCentre
from servicing.queries.file_access import PURPOSE

MAX_SEARCH_LENGTH = 300  # the whole address of a card's QR code
MAX_SERIAL_LENGTH = 40
MAX_PRODUCTS_SHOWN = 20


class LookUpForm(forms.Form):
    q = forms.CharField(
        label=_("Reference, serial number, card or member number"),
        max_length=MAX_SEARCH_LENGTH,
        required=False,
        widget=forms.TextInput(attrs={"size": 40, "autofocus": True, "autocomplete": "off", "spellcheck": "false"}),
        error_messages=long_errors(),
        help_text=_("Scan the card’s QR code or the label, or type what is printed."),
    )


class OpenTicketForm(forms.Form):
    """Opens a ticket at the counter. `product_words` searches the catalogue for a product that is in no Kitbag."""

    centre = forms.ModelChoiceField(
        label=_("Centre"),
        queryset=ServiceCentre.objects.none(),
        error_messages={"required": _("Choose the centre."), "invalid_choice": _("Choose a centre from the list.")},
    )
    product_words = forms.CharField(
        label=_("Product, as printed on it"), max_length=100, required=False, error_messages=long_errors()
    )
    product = forms.ModelChoiceField(
        label=_("Which of these"),
        queryset=Product.objects.all(),
        required=False,
        error_messages={"invalid_choice": _("Choose a product from the list.")},
    )
    serial = forms.CharField(
        label=_("Serial number"), max_length=MAX_SERIAL_LENGTH, required=False, error_messages=long_errors()
    )
    service = forms.ChoiceField(label=_("What should be done?"), choices=ServiceKind.choices)
    fault = LongText(label=_("What’s wrong?"), rows=3, max_length=MAX_FAULT_LENGTH, required=False)
    condition = LongText(label=_("Condition"), rows=2, max_length=MAX_CONDITION_LENGTH, required=False)
    accessories = LineField(
        label=_("Came with"),
        max_length=MAX_ACCESSORIES_LENGTH,
        required=False,
        error_messages=long_errors(),
        help_text=_("Battery, strap, cards, case …"),
    )
    photos = UploadsField(purpose=PURPOSE, label=_("Photos on arrival"), required=False)
    warranty = forms.BooleanField(label=_("The customer asks for a warranty repair"), required=False)
    files = UploadsField(purpose=PURPOSE, label=_("Proof of purchase"), required=False)  # type: ignore[assignment]
    wish = forms.ChoiceField(
        label=_("If all places are taken"), choices=[("", "–"), *PlaceWish.choices], required=False
    )

    def __init__(self, *args: Any, user: User, registered: bool, visiting: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        centres = ServiceCentre.objects.seen_by(user).order_by("name")
        self.fields["centre"].queryset = centres  # type: ignore[attr-defined]
        self.matches: list[Product] = []
        first_two = list(centres[:2])
        if len(first_two) == 1:
            self.fields["centre"].initial = first_two[0].pk
        if registered:
            for name in ("product_words", "product", "serial"):
                del self.fields[name]
        else:
            self._offer_matches()
        if visiting:
            for name in ("warranty", "files", "wish"):
                del self.fields[name]

    def _offer_matches(self) -> None:
        """Offer the products that match the typed words."""
        words = str(self.data.get(self.add_prefix("product_words"), "") or self.initial.get("product_words", ""))
        chosen = str(self.data.get(self.add_prefix("product"), ""))
        self.matches = search_products(words, limit=MAX_PRODUCTS_SHOWN) if words.strip() else []
        keys = {product.pk for product in self.matches} | (
            {int(chosen)} if chosen.isdecimal() and len(chosen) < 10 else set()
        )
        field: Any = self.fields["product"]
        field.queryset = Product.objects.filter(pk__in=keys)
        if not keys:
            field.widget = forms.HiddenInput()

    def clean_serial(self) -> str:
        serial = clean_line(self.cleaned_data["serial"])
        if serial and (problem := look_up_problem(serial)):
            raise forms.ValidationError(SERIAL_SENTENCES[problem])
        return serial

    def clean(self) -> dict[str, Any]:
        data = dict(self.cleaned_data)
        if "product" in self.fields and not data.get("product") and "product" not in self.errors:
            if len(self.matches) == 1:
                data["product"] = self.matches[0]
            elif self.matches:
                self.add_error("product", str(_("Choose which of these it is.")))
            else:
                self.add_error("product_words", str(_("No product has this name. Type it as printed, like EOS R5.")))
        return data
