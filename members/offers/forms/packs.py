"""Where a Welcome Pack goes, in the parts that each country has (R36). Form only, the action decides."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse_lazy
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from members.enums import Programme
from members.forms.profile import clean_line, country_choices
from members.models import CountryProgramme
from members.offers import addresses
from members.offers.actions.packs import Address

MAX_LINES = 4
MAX_STREET_LENGTH = 300
KEPT = "country_area_kept"  # a region typed for one country, while another's list of regions is shown
LABELS: dict[str, dict[str, str | Promise]] = {  # what each country calls its parts, by the kinds of the library
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
OTHERWISE: dict[str, str | Promise] = {
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
    """Where a pack can be sent to: the countries that take part (R1), by name. A studio may be abroad."""
    without = set(CountryProgramme.objects.in_force().filter(kind=Programme.NONE).values_list("country", flat=True))
    return [choice for choice in country_choices() if choice[0] not in without]


class PackForm(forms.Form):
    """Name, address and phone of a parcel. Which parts it asks for follows from the country that is chosen."""

    name = forms.CharField(
        label=_("Name on the parcel"),
        max_length=120,
        error_messages={"required": _("Type the name that is on your letterbox.")},
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    country = forms.ChoiceField(
        label=_("Country"),
        error_messages={
            "required": _("Choose the country the parcel goes to."),
            "invalid_choice": _("We can’t send parcels there. Choose another country."),
        },
        widget=forms.Select(
            attrs={
                "autocomplete": "country",
                "hx-post": reverse_lazy("offers:pack"),
                "hx-vals": '{"go": "country"}',
                "hx-trigger": "change",
                "hx-target": "#pack-form",
                "hx-swap": "outerHTML",
            }
        ),
    )
    phone = forms.CharField(
        label=_("Mobile number for the courier"),
        max_length=40,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel", "inputmode": "tel", "class": "input ltr"}),
    )

    def __init__(self, data: Any = None, *, initial: dict[str, Any]) -> None:
        super().__init__(data, initial=initial)
        choices = parcel_countries()
        self.fields["country"].choices = [("", _("Choose a country")), *choices]  # type: ignore[attr-defined]
        known = {code for code, _name in choices}
        wanted = (data or initial).get("country") or ""
        self.parcel_country = str(wanted if wanted in known else initial["country"])
        self.parts = addresses.address_parts(self.parcel_country)
        for part in self.parts:
            self.fields[part.name] = self._field(part)
        self._say_phone()
        self.order_fields(["name", "country", *(part.name for part in self.parts), "phone"])
        self._keep()

    def _field(self, part: addresses.Part) -> forms.Field:
        if part.name == "street":
            return forms.CharField(
                label=str(LABELS["street"][""]),
                max_length=MAX_STREET_LENGTH,
                help_text=_(
                    "Street and number, flat, building, company. Latin letters or your own script, as you like."
                ),
                error_messages={"required": _("Type the street and the number, or what people there go by.")},
                widget=forms.Textarea(attrs={"rows": 3, "class": "input", "autocomplete": "street-address"}),
            )
        label = str(LABELS[part.name].get(part.kind) or OTHERWISE[part.name])
        needed = _("This is needed for a parcel there: %(label)s.")
        messages = {"required": str(needed) % {"label": label}}
        if part.choices:
            return forms.CharField(
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
        return forms.CharField(
            label=label,
            required=part.required,
            max_length=MAX_LENGTHS[part.name],
            help_text=hint,
            error_messages=messages,
            widget=forms.TextInput(attrs={**attributes, **({"class": "input ltr"} if "code" in part.name else {})}),
        )

    def _say_phone(self) -> None:
        example = {"example": addresses.phone_example(self.parcel_country)}
        phone = self.fields["phone"]
        phone.help_text = str(_("As you dial it there, or with the country code: %(example)s")) % example
        phone.error_messages["required"] = str(_("Type a number the courier can call, such as %(example)s.")) % example

    def _keep(self) -> None:
        """What was typed for another country stays in the form, hidden, until the country is changed back."""
        shown = {part.name for part in self.parts}
        self.kept = {name: self._typed(name) for name in (*addresses.PARTS, KEPT) if name not in shown}
        region = next((part for part in self.parts if part.name == "country_area"), None)
        if region is None or not self.is_bound:
            return
        typed = self._typed("country_area")
        before = self._typed(KEPT)
        if not region.choices:
            self._retype("country_area", typed or before)
            self.kept[KEPT] = ""
            return
        found = addresses.find_region(self.parcel_country, typed) if typed else None
        if found is None and before:
            found = addresses.find_region(self.parcel_country, before)
        self.kept[KEPT] = before if typed and typed == found else typed or before
        self._retype("country_area", found or "")

    def _typed(self, name: str) -> str:
        value = self.data.get(name) if self.is_bound else self.initial.get(name)
        return value if isinstance(value, str) else ""

    def _retype(self, name: str, value: str) -> None:
        self.data = {**{key: self.data.get(key) for key in self.data}, name: value}

    def hidden_values(self) -> list[tuple[str, str]]:
        """What is typed and not shown here."""
        return [(name, value) for name, value in self.kept.items() if value]

    def all_values(self) -> list[tuple[str, str]]:
        """Everything that was typed, as it was typed."""
        return [*((name, self._typed(name)) for name in self.fields), *self.hidden_values()]

    def unchecked(self) -> "PackForm":
        """As typed, shown again without a word about what is missing: another country was chosen."""
        return type(self)(initial={**self.initial, **dict(self.all_values()), "country": self.parcel_country})

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        for name in ("name", "city", "city_area", "country_area", "sorting_code"):
            if data.get(name):
                self._set(name, lambda value=data[name]: clean_line(addresses.strip_bidi_controls(value)))
        return data

    def _set(self, name: str, read: Any) -> None:
        try:
            self.cleaned_data[name] = read()
        except ValidationError as error:
            self.add_error(name, error)
        else:
            if not self.cleaned_data[name] and self.fields[name].required:
                self.add_error(name, str(self.fields[name].error_messages["required"]))

    def clean_street(self) -> str:
        typed = addresses.strip_bidi_controls(self.cleaned_data["street"])
        lines = [line for line in (clean_line(line) for line in typed.splitlines()) if line]
        if not lines:
            raise ValidationError(self.fields["street"].error_messages["required"], code="required")
        if len(lines) > MAX_LINES:
            raise ValidationError(_("There is room for four lines on the label. Put it in fewer."), code="lines")
        return "\n".join(lines)

    def clean_country_area(self) -> str:
        typed: str = self.cleaned_data["country_area"]
        part = next(part for part in self.parts if part.name == "country_area")
        if not (part.choices and typed):
            return typed
        found = addresses.find_region(self.parcel_country, typed)
        if found is None:
            raise ValidationError(_("Choose one from the list."), code="region")
        return found

    def clean_postal_code(self) -> str:
        typed: str = self.cleaned_data["postal_code"]
        if not typed:
            return ""
        code = addresses.read_postal_code(clean_line(addresses.strip_bidi_controls(typed)), self.parcel_country)
        if code is None or len(code) > MAX_LENGTHS["postal_code"]:
            example = addresses.postal_example(self.parcel_country)
            message = _("That isn’t a postal code there. They look like %(example)s.")
            raise ValidationError(message, params={"example": example}, code="postal_code")
        return code

    def clean_phone(self) -> str:
        number = addresses.read_phone(addresses.strip_bidi_controls(self.cleaned_data["phone"]), self.parcel_country)
        if number is None:
            example = addresses.phone_example(self.parcel_country)
            message = _(
                "That isn’t a phone number there. Type it like %(example)s, abroad with + and the country code."
            )
            raise ValidationError(message, params={"example": example}, code="phone")
        return number

    # --- What was understood; only once valid ---

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
        """How it will stand on the parcel."""
        data = self.cleaned_data
        parts = {name: data.get(name) or "" for name in addresses.PARTS}
        return addresses.label(data["name"], data["country"], parts)

    @property
    def is_latin(self) -> bool:
        return addresses.is_latin("".join(self.label_lines[:-1]))

    @property
    def is_elsewhere(self) -> bool:
        """Whether the postal code looks as if it were another region's."""
        data = self.cleaned_data
        return addresses.is_elsewhere(data.get("postal_code", ""), data["country"], data.get("country_area", ""))

    @property
    def region(self) -> str:
        data = self.cleaned_data
        return addresses.region_name(data["country"], data.get("country_area", ""), latin=True)

    @property
    def phone_shown(self) -> str:
        return addresses.phone_in_groups(self.cleaned_data["phone"])
