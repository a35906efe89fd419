"""Where a product returns to, as staff enter it: the form by country of members (R61)."""

from dataclasses import asdict
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from members.forms.addresses import PostalAddressForm
from servicing.models import ServiceCentre, Ticket
from servicing.queries.addresses import last_address

SEND, COLLECT = "send", "collect"
SHOW_COUNTRY = "country"  # the value of `go` that only shows the fields of another country
TARGET = "#return"  # the part of the page that is swapped then


class ReturnForm(forms.Form):
    back = forms.ChoiceField(
        label=_("How it gets back"),
        choices=[(SEND, _("Send it to this address")), (COLLECT, _("The customer collects it here"))],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose how it gets back."), "invalid_choice": _("Choose how it gets back.")},
    )

    def __init__(self, *args: Any, centre: ServiceCentre, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not centre.takes_drop_off:
            self.fields["back"].choices = self.fields["back"].choices[:1]  # type: ignore[attr-defined]

    @property
    def is_sent(self) -> bool:
        return bool(self["back"].value() == SEND)


class StaffAddressForm(PostalAddressForm):
    """The same fields as for members."""

    def __init__(self, data: Any = None, *, initial: dict[str, Any]) -> None:
        super().__init__(data, initial=initial)
        self.fields["name"].label = _("Name")
        self.fields["phone"].label = _("Phone for the courier")
        self.fields["country"].widget.attrs |= {
            "hx-post": "",
            "hx-vals": f'{{"go": "{SHOW_COUNTRY}"}}',
            "hx-trigger": "change",
            "hx-select": TARGET,
            "hx-target": TARGET,
            "hx-swap": "outerHTML",
        }


def return_forms(data: Any, *, ticket: Ticket) -> tuple[ReturnForm, StaffAddressForm]:
    """The forms for the parcel of a ticket, filled in with what is known of it, or with the address used last."""
    parcel = ticket.parcel
    back = SEND if parcel.returns else COLLECT
    return ReturnForm(data, initial={"back": back}, centre=parcel.centre), address_form(data, ticket=ticket)


def address_form(data: Any, *, ticket: Ticket) -> StaffAddressForm:
    member, parcel = ticket.member, ticket.parcel
    known = parcel.address if parcel.has_address else last_address(member) if member else None
    name = member.full_name if member else ticket.visitor.name if ticket.visitor else ""
    country = member.country.code if member else parcel.centre.country.code
    phone = parcel.phone or (ticket.visitor.phone if ticket.visitor else "")
    initial = {"name": name, "country": country, "phone": phone, **(asdict(known) if known else {})}
    return StaffAddressForm(data, initial=initial)
