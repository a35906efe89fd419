"""The forms of the Kitbag. They check the format; the rules are in the actions."""

import re
from typing import Any, cast

from django import forms
from django.utils.datastructures import MultiValueDict
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files.forms import OriginalPhotoField, OriginalPhotosField, PhotoField, UploadsField
from cps_portal.core.lib.countries import list_countries
from cps_portal.core.lib.forms import AmountField, DatePartsField, LineField, LongText
from cps_portal.core.lib.languages import ENGLISH
from cps_portal.core.lib.long_select import LongSelect
from cps_portal.core.lib.money import currency_choices, currency_of, format_amount
from kitbag import rules
from kitbag.actions.appeals import MAX_APPEAL_LENGTH
from kitbag.actions.registrations import Details
from kitbag.actions.serials import has_readable_serial, may_lack_serial
from kitbag.enums import RemovalReason, SerialPlace
from kitbag.models import Evidence, KitGroup, Registration, own_details
from kitbag.presenters.registrations import details_to_complete
from kitbag.presenters.texts import MISSING_SENTENCES
from kitbag.queries.photo_kit import MAX_KEY_LENGTH, Sighting

MAX_SEEN = 200  # cameras and lenses found in photos
SIGHTING = re.compile(r"(?P<product>\d{1,9})\.(?P<photos>\d{1,4})\.(?P<text>[^\x00]{0,80})", re.ASCII)


def country_choices(first: str) -> list[tuple[str, str | Promise]]:
    """All countries by name, `first` at the top."""
    choices = list_countries()
    top = [choice for choice in choices if choice[0] == first]
    return [("", _("Choose a country")), *top, *(choice for choice in choices if choice[0] != first)]


PURCHASE_DETAILS = ("store", "country", "purchased_on")  # the same for products bought together


class DetailsForm(forms.Form):
    """The four details (R17). Each may be left out, unless the form is `submitting`.

    `carried` is the registration that store, country and date are offered from, instead of its own (R71). `may_lack`:
    whether the product may lack a serial number, if that is known.
    """

    serial = forms.CharField(
        label=_("Serial number"),
        required=False,
        max_length=40,
        error_messages={"max_length": _("This is too long for a serial number. Type only the number.")},
        widget=forms.TextInput(
            attrs={
                "class": "input input--serial",
                "autocomplete": "off",
                "autocapitalize": "characters",
                "spellcheck": "false",
                "lang": "en",  # in Turkish, capitals of “i” are “İ”
                "dir": "ltr",
                "translate": "no",
            }
        ),
    )
    no_serial = forms.BooleanField(label=_("There’s no serial number on this item"), required=False)
    insisted = forms.BooleanField(label=_("I’ve checked it, it’s right"), required=False)
    date_insisted = forms.BooleanField(label=_("I’ve checked the date, it’s right"), required=False)
    store = LineField(
        label=_("Store"),
        required=False,
        max_length=120,
        help_text=_("Second hand? Write who you bought it from."),
        error_messages={"max_length": _("Use at most %(limit_value)d characters.")},
        widget=forms.TextInput(attrs={"class": "input", "autocomplete": "off"}),
    )
    country = forms.ChoiceField(
        label=_("Country of purchase"),
        required=False,
        error_messages={"invalid_choice": _("Choose a country from the list.")},
        widget=LongSelect(attrs={"class": "input", "autocomplete": "country"}),
    )
    purchased_on = DatePartsField(
        label=_("Date of purchase"),
        required=False,
        help_text=_("As on the receipt, for example 31 10 2025."),
    )
    photo = OriginalPhotoField(
        label=_("A photo of the label on the box"),
        help_text=_("We read the serial number from its bar code and don’t keep the photo."),
    )
    keep_photo = forms.BooleanField(label=_("Keep it as evidence, without its location"), required=False)
    show_photo = forms.BooleanField(label=_("Show it as the picture of this product"), required=False)
    evidence = UploadsField(
        purpose="evidence", label=_("Proof of purchase and a photo of the serial number"), required=False
    )

    def __init__(
        self,
        *args: Any,
        registration: Registration,
        submitting: bool = False,
        carried: Registration | None = None,
        may_lack: bool | None = None,
        **kwargs: Any,
    ) -> None:
        purchase = carried or registration
        kwargs.setdefault(
            "initial",
            {
                "serial": registration.serial,
                "no_serial": registration.no_serial,
                "country": purchase.country.code,
                "purchased_on": purchase.purchased_on,
                "store": purchase.store,
            },
        )
        super().__init__(*args, **kwargs)
        self.submitting, self.carried = submitting, carried
        country = cast(forms.ChoiceField, self.fields["country"])
        country.choices = country_choices(registration.member.country.code)
        self.fields["serial"].help_text = SerialPlace(registration.product.serial_place).label
        if may_lack is None:
            may_lack = may_lack_serial(registration.product)
        if not (may_lack or registration.no_serial):
            del self.fields["no_serial"]
        if has_readable_serial(registration.product):
            self.fields["photo"].label = _("A photo of the label on the box, or one taken with this camera")
            self.fields["photo"].help_text = _(
                "We read the serial number from the bar code, or from an original JPEG straight from the memory card,"
                " and don’t keep the photo."
            )
        # The fields that need the member come first, so that they see at a glance what to do (R18).
        waiting = details_to_complete(registration)
        self.detail_names = sorted(["serial", "store", "country", "purchased_on"], key=lambda name: name not in waiting)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if data.get("no_serial") and data.get("serial"):
            self.add_error("serial", _("Type the number, or tick that there is none, not both."))
        if self.submitting:
            for name in self._missing(data):
                if name not in self.errors:
                    self.add_error(name, MISSING_SENTENCES[name])
        return data

    def details(self) -> Details:
        data = self.cleaned_data
        return Details(
            serial=data.get("serial", ""),
            country=data.get("country", ""),
            purchased_on=data.get("purchased_on"),
            store=data.get("store", ""),
            no_serial=bool(data.get("no_serial")),
        )

    def _missing(self, data: dict[str, Any]) -> list[str]:
        return rules.missing_details(
            serial=data.get("serial") or "",
            no_serial=bool(data.get("no_serial")),
            country=data.get("country") or "",
            purchased_on=data.get("purchased_on"),
            store=data.get("store") or "",
        )


class SharedPurchaseForm(forms.Form):
    """Store, country and date of products that were bought together. A row of the sheet says if one is missing."""

    store = DetailsForm.base_fields["store"]
    country = DetailsForm.base_fields["country"]
    purchased_on = DetailsForm.base_fields["purchased_on"]

    def __init__(self, *args: Any, country: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(forms.ChoiceField, self.fields["country"]).choices = country_choices(country)


class EvidenceForm(forms.Form):
    """More evidence for a registration that staff are reviewing (R25)."""

    evidence = UploadsField(purpose="evidence", label=_("Add a photo or a document"))


class OwnPhotoForm(forms.Form):
    """The member's own photo of a product, shown instead of the drawing (R25)."""

    photo = PhotoField(
        label=_("A photo of it"),
        help_text=_("Only you see it, and our staff when they help you with it. We remove the location."),
        error_messages={"required": _("Choose a photo first.")},
    )


class ProofField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """One of the files that are evidence already."""

    def label_from_instance(self, obj: Evidence) -> str:
        return f"{obj.get_kind_display()}: {obj.file.original_name or obj.file.download_name}"


class PriceForm(forms.Form):
    """What the member paid for a product, for their own lists (R25)."""

    price = AmountField(
        label=_("Price paid"),
        required=False,
        max_digits=12,
        help_text=_("As on the receipt, with commas or points. Leave it empty to forget it."),
    )
    currency = forms.ChoiceField(
        label=_("Currency"),
        error_messages={"required": _("Choose a currency."), "invalid_choice": _("Choose a currency from the list.")},
        widget=LongSelect(attrs={"class": "input"}),
    )
    proof = ProofField(
        Evidence.objects.none(),
        label=_("Proof"),
        required=False,
        empty_label=_("None"),
        error_messages={"invalid_choice": _("This file is no longer there. Choose another one.")},
        widget=forms.Select(attrs={"class": "input"}),
    )

    def __init__(self, *args: Any, registration: Registration, **kwargs: Any) -> None:
        own = own_details(registration)
        country = registration.country.code or registration.member.country.code
        price = own.price if own else None
        kwargs.setdefault(
            "initial",
            {
                "price": format_amount(price) if price is not None else "",
                "currency": own.currency if own and own.currency else currency_of(country),
                "proof": own.proof_id if own else None,
            },
        )
        super().__init__(*args, **{"auto_id": "id_own_%s", **kwargs})
        cast(forms.ChoiceField, self.fields["currency"]).choices = currency_choices(get_language() or ENGLISH)
        cast(ProofField, self.fields["proof"]).queryset = Evidence.objects.about(registration).proofs()


class GroupForm(forms.Form):
    """Which of the member's groups a product is in (R18)."""

    group = forms.ModelChoiceField(
        KitGroup.objects.none(),
        label=_("Group"),
        required=False,
        empty_label=_("In no group"),
        error_messages={"invalid_choice": _("This group is no longer there. Choose another one.")},
        widget=forms.Select(attrs={"class": "input"}),
    )

    def __init__(self, *args: Any, registration: Registration, has_groups: bool = True, **kwargs: Any) -> None:
        """`has_groups`: whether the member can have any, if the caller knows."""
        own = own_details(registration)
        kwargs.setdefault("initial", {"group": own.group_id if own else None})
        super().__init__(*args, **{"auto_id": "id_own_%s", **kwargs})
        if has_groups:
            group = cast("forms.ModelChoiceField[KitGroup]", self.fields["group"])
            group.queryset = KitGroup.objects.filter(member=registration.member_id)


class GroupNameForm(forms.Form):
    """The name of a group of products."""

    name = LineField(
        label=_("Name of the group"),
        max_length=40,
        error_messages={
            "required": _("Give the group a name."),
            "max_length": _("Use at most %(limit_value)d characters."),
        },
        widget=forms.TextInput(attrs={"class": "input", "autocomplete": "off", "maxlength": "40"}),
    )


class AppealForm(forms.Form):
    """Why the member thinks that a decision is wrong (R19)."""

    text = LongText(
        label=_("Why is it wrong?"),
        help_text=_("Tell us what to look at. Someone else will read it, not the person who decided before."),
        max_length=MAX_APPEAL_LENGTH,
        error_messages={"required": _("Tell us why you think the decision is wrong.")},
    )


class PickForm(forms.Form):
    """A product picked from the search results: its key, and how many of it the member saw in the Kitbag."""

    pick = forms.RegexField(regex=r"^[0-9]{1,12}\.[0-9]{1,6}$")

    def product_and_held(self) -> tuple[int, int]:
        product, _dot, held = self.cleaned_data["pick"].partition(".")
        return int(product), int(held)


class PhotosForm(forms.Form):
    """Original photos, and what has been found in those read before: "product.photos.serial" or "0.photos.name"."""

    photos = OriginalPhotosField(label=_("Photos straight from your memory card"), required=False)

    def seen(self) -> list[Sighting]:
        """What was found before; lines that are no such text are left out."""
        return self._sightings("seen")

    def chosen(self) -> list[Sighting]:
        return [one for one in self._sightings("take") if one.product]

    def _sightings(self, name: str) -> list[Sighting]:
        lines = cast("MultiValueDict[str, str]", self.data).getlist(name)
        return [one for line in lines[:MAX_SEEN] if (one := _sighting(line))]


def _sighting(line: str) -> Sighting | None:
    match = SIGHTING.fullmatch(line)
    if not match or not match["text"].isprintable():
        return None
    product = int(match["product"])
    name, serial = ("", match["text"]) if product else (match["text"], "")
    if serial and not 0 < len(rules.serial_key(serial)) <= MAX_KEY_LENGTH:
        return None
    return Sighting(product, name, serial, int(match["photos"]))


class RemoveForm(forms.Form):
    """Why a product is removed from the Kitbag (R26)."""

    reason = forms.ChoiceField(
        label=_("Why are you removing it?"),
        choices=RemovalReason.choices,
        error_messages={
            "required": _("Choose a reason."),
            "invalid_choice": _("Choose a reason from the list."),
        },
        widget=forms.RadioSelect,
    )
