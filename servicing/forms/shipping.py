"""How a parcel travels to the centre, and where it returns to (R61)."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.forms import LineField
from members import addresses
from members.addresses import Address
from members.forms.addresses import PostalAddressForm
from members.models import Member
from servicing.actions.shipping import FIRST_COLLECTION, LAST_COLLECTION, MAX_CARRIER_LENGTH, ReturnTo, travel_ways
from servicing.enums import Travel
from servicing.models import Parcel, ServiceCentre
from servicing.models.parcels import MAX_NUMBER_LENGTH

LAST, ELSEWHERE, AT_THE_CENTRE = "last", "elsewhere", "centre"
TRAVEL: dict[str, tuple[str | Promise, str | Promise]] = {
    Travel.COLLECTION: (
        _("A courier picks it up"),
        _("Choose the day. The centre tells you the price, if there is one."),
    ),
    Travel.COURIER: (_("I send it"), _("You get a label. Any post office or courier.")),
    Travel.DROP_OFF: (_("I bring it"), _("No label needed. Show your card at the counter.")),
}
LOAN: dict[str, tuple[str | Promise, str | Promise]] = {
    "yes": (_("Yes, keep one ready"), _("The same model, or the nearest they have.")),
    "no": (_("No, I can manage"), _("You can still ask later.")),
}


class ShippingForm(forms.Form):
    """The way there, the way back, and a phone number. `centre` decides what is offered."""

    travel = forms.ChoiceField(
        label=_("How does it get there?"),
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choose how it gets there."),
            "invalid_choice": _("This centre doesn’t offer that. Choose another way."),
        },
    )
    collect_on = forms.DateField(
        label=_("Day of collection"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": _("Choose the day on which it can be collected.")},
    )
    back = forms.ChoiceField(
        label=_("Where do we send it back?"),
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choose where it goes back to."),
            "invalid_choice": _("Choose where it goes back to."),
        },
    )
    phone = LineField(
        label=_("Phone for the courier and the technician"),
        max_length=40,
        help_text=_("One call beats three emails when something is unclear."),
        error_messages={"required": _("Type a number on which you can be called.")},
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel", "inputmode": "tel", "class": "input ltr"}),
    )
    loan = forms.ChoiceField(
        label=_("If we miss the target, would you like to borrow one?"),
        choices=[(key, label) for key, (label, _hint) in LOAN.items()],
        widget=forms.RadioSelect,
        required=False,
        error_messages={"invalid_choice": _("Choose yes or no.")},
    )

    def __init__(
        self,
        data: Any = None,
        *,
        initial: dict[str, Any] | None = None,
        centre: ServiceCentre,
        last: Address | None,
        country: str,
        at: datetime,
        offers_loan: bool = False,
    ) -> None:
        """`last` is the address that was used last; `country` that of the member; `at` is now."""
        super().__init__(data, initial=initial)
        self.centre, self.last, self.country = centre, last, country
        ways = travel_ways(centre)
        self.fields["travel"].choices = [(way, TRAVEL[way][0]) for way in TRAVEL if way in ways]  # type: ignore[attr-defined]
        back = {LAST: _("The same address as last time")} if last else {}
        back |= {ELSEWHERE: _("Somewhere else") if last else _("To this address")}
        if centre.takes_drop_off:
            back[AT_THE_CENTRE] = _("I’ll collect it")
        self.fields["back"].choices = list(back.items())  # type: ignore[attr-defined]
        today = centre.today(at)
        self.fields["collect_on"].widget.attrs |= {
            "min": (today + FIRST_COLLECTION).isoformat(),
            "max": (today + LAST_COLLECTION).isoformat(),
        }
        if Travel.COLLECTION not in ways:
            del self.fields["collect_on"]
        if not offers_loan:
            del self.fields["loan"]

    @property
    def is_elsewhere(self) -> bool:
        """Whether an address has to be typed."""
        return self["back"].data == ELSEWHERE if self.is_bound else not self.last

    def clean_phone(self) -> str:
        country = self.last.country if self.last and not self.is_elsewhere else self.country
        number = addresses.read_phone(self.cleaned_data["phone"], country)
        if number is None:
            example = addresses.phone_example(country)
            message = _(
                "That isn’t a phone number. Type it like %(example)s, with + and the country code if it’s abroad."
            )
            raise ValidationError(message, params={"example": example}, code="phone")
        return number

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("travel") == Travel.COLLECTION and not data.get("collect_on") and "collect_on" not in self.errors:
            self.add_error("collect_on", _("Choose the day on which it can be collected."))
        return data

    @property
    def ways(self) -> Iterator[tuple[Any, str | Promise]]:
        """Each radio button of the way there, with its hint."""
        return ((radio, TRAVEL[radio.data["value"]][1]) for radio in self["travel"])

    @property
    def loan_answers(self) -> Iterator[tuple[Any, str | Promise]]:
        return ((radio, LOAN[radio.data["value"]][1]) for radio in self["loan"])

    def return_to(self, typed: Address | None) -> ReturnTo:
        """What was chosen, for the action; `typed` is the address of `AddressForm`. Only for a valid form."""
        data = self.cleaned_data
        address = {LAST: self.last, ELSEWHERE: typed, AT_THE_CENTRE: None}[data["back"]]
        return ReturnTo(
            travel=Travel(data["travel"]),
            address=address,
            collect_on=data.get("collect_on"),
            phone=data["phone"],
        )


class AddressForm(PostalAddressForm):
    """The address typed for the way back. The phone number is asked for once, in `ShippingForm`."""

    def __init__(self, data: Any = None, *, initial: dict[str, Any]) -> None:
        super().__init__(data, initial=initial)
        del self.fields["phone"]
        self.fields["name"].label = _("Name")
        self.fields["country"].widget.attrs |= {
            "hx-post": "",
            "hx-vals": '{"go": "shipping"}',
            "hx-trigger": "change",
            "hx-select": "#request",
            "hx-target": "#request",
            "hx-swap": "outerHTML",
        }

    @property
    def address(self) -> Address:
        data = self.cleaned_data
        parts = {name: data.get(name) or "" for name in addresses.PARTS}
        return Address(name=data["name"], country=data["country"], **parts)


def shipping_forms(data: Any, *, parcel: Parcel, member: Member, at: datetime) -> tuple[ShippingForm, AddressForm]:
    """The forms to change how a parcel travels, filled in with what is known."""
    current = parcel.address if parcel.has_address else None
    back = LAST if current else ELSEWHERE if parcel.returns else AT_THE_CENTRE
    initial = {
        "travel": parcel.travel,
        "collect_on": parcel.collect_on,
        "back": back,
        "phone": parcel.phone_in_groups,
    }
    form = ShippingForm(data, initial=initial, centre=parcel.centre, last=current, country=member.country.code, at=at)
    return form, AddressForm(data, initial={"country": member.country.code, "name": member.full_name})


class SentForm(forms.Form):
    """The carrier and tracking number of a parcel, both optional."""

    carrier = LineField(
        label=_("Carrier"),
        max_length=MAX_CARRIER_LENGTH,
        required=False,
        widget=forms.TextInput(attrs={"list": "carriers", "autocomplete": "off"}),
    )
    tracking = LineField(
        label=_("Tracking number"),
        max_length=MAX_NUMBER_LENGTH,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "class": "input ltr"}),
    )
