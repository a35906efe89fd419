"""What is filled in for each product of a parcel that has arrived. Format only; the rules are in the actions (R49)."""

from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files.forms import UploadsField
from cps_portal.core.lib.forms import LineField
from kitbag.models import Product
from servicing.actions.arrivals import Arrival
from servicing.forms.intake import MAX_SERIAL_LENGTH
from servicing.forms.ticket_steps import MAX_ACCESSORIES_LENGTH, MAX_CONDITION_LENGTH, long_errors
from servicing.models import Ticket
from servicing.queries.file_access import PURPOSE

CONDITIONS = {
    "new": _("Like new"),
    "worn": _("Some wear"),
    "scratched": _("Scratched"),
    "broken": _("Broken"),
}
OF_BODIES = ("body_cap", "battery", "charger", "strap", "memory_card", "case")
OF_LENSES = ("front_cap", "rear_cap", "hood", "collar", "filter", "case")
OF_OTHERS = ("battery", "charger", "cable", "memory_card", "case")
ACCESSORIES: dict[str, str | Promise] = {
    "body_cap": _("Body cap"),
    "battery": _("Battery"),
    "charger": _("Charger"),
    "strap": _("Strap"),
    "memory_card": _("Memory card"),
    "front_cap": _("Front cap"),
    "rear_cap": _("Rear cap"),
    "hood": _("Hood"),
    "collar": _("Tripod collar"),
    "filter": _("Filter"),
    "cable": _("Cable"),
    "case": _("Case"),
}


def usual_accessories(product: Product) -> tuple[str, ...]:
    """What usually comes with a product of this kind."""
    if product.category.startswith("lens"):
        return OF_LENSES
    return OF_BODIES if product.category.startswith("camera") else OF_OTHERS


def announced_accessories(text: str) -> tuple[list[str], str]:
    """What the customer said comes with it: the keys of what we know, and the rest as text."""
    by_label = {str(label).casefold(): key for key, label in ACCESSORIES.items()}
    parts = [part.strip() for part in text.split(",") if part.strip()]
    known = [by_label[part.casefold()] for part in parts if part.casefold() in by_label]
    return known, ", ".join(part for part in parts if part.casefold() not in by_label)


class ArrivalForm(forms.Form):
    """One product. Its prefix names the ticket."""

    here = forms.BooleanField(label=_("It’s in the parcel"), required=False, initial=True)
    scanned = LineField(
        label=_("Scanned on it"),
        max_length=MAX_SERIAL_LENGTH,
        required=False,
        error_messages=long_errors(),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "data-scan": True}),
    )
    is_other = forms.BooleanField(label=_("It really is this number"), required=False)
    condition = forms.ChoiceField(
        label=_("Condition"), choices=list(CONDITIONS.items()), required=False, widget=forms.RadioSelect
    )
    marks = LineField(
        label=_("Marks and damage"), max_length=MAX_CONDITION_LENGTH // 2, required=False, error_messages=long_errors()
    )
    accessories = forms.MultipleChoiceField(
        label=_("Came with it (ticked: the customer says so)"), required=False, widget=forms.CheckboxSelectMultiple
    )
    others = LineField(
        label=_("What else"), max_length=MAX_ACCESSORIES_LENGTH // 2, required=False, error_messages=long_errors()
    )
    photos = UploadsField(purpose=PURPOSE, label=_("Photos"), required=False)

    def __init__(self, data: Any = None, files: Any = None, *, ticket: Ticket, scanned: str = "") -> None:
        known, others = announced_accessories(ticket.accessories)
        initial = {"scanned": scanned, "accessories": known, "others": others, "marks": ticket.condition}
        super().__init__(data, files, prefix=f"t{ticket.pk}", initial=initial)
        self.ticket = ticket
        offered = dict.fromkeys((*usual_accessories(ticket.product), *known))
        self.fields["accessories"].choices = [(key, ACCESSORIES[key]) for key in offered]  # type: ignore[attr-defined]
        self.fields["photos"].widget.attrs["capture"] = "environment"

    @property
    def is_here(self) -> bool:
        return bool(self["here"].value())

    def arrival(self, photos: Any = ()) -> Arrival:
        """What the action takes. Only for a valid form."""
        data = self.cleaned_data
        condition = [str(CONDITIONS[data["condition"]])] if data["condition"] else []
        accessories = [str(ACCESSORIES[key]) for key in data["accessories"]]
        return Arrival(
            ticket=self.ticket,
            scanned=data["scanned"],
            is_other=data["is_other"],
            condition=". ".join([*condition, *([data["marks"]] if data["marks"] else [])]),
            accessories=", ".join([*accessories, *([data["others"]] if data["others"] else [])]),
            photos=photos,
        )


class StoppedForm(forms.Form):
    """What happened at the counter after an intake was stopped. The desk never says why it was (R34)."""

    came = forms.ChoiceField(
        label=_("How it came"),
        choices=[("counter", _("Over the counter")), ("courier", _("By courier"))],
        initial="counter",
    )
    who = LineField(label=_("Name of the person"), max_length=120, required=False, error_messages=long_errors())
    phone = LineField(label=_("Phone, if given"), max_length=40, required=False, error_messages=long_errors())
    what = forms.ChoiceField(
        label=_("What happened"),
        choices=[
            ("waits", _("Person waits")),
            ("left", _("Person left it here")),
            ("gone", _("Person left with it")),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose what happened.")},
    )
    note = LineField(label=_("Anything else"), max_length=500, required=False, error_messages=long_errors())

    @property
    def text(self) -> str:
        """What support reads. Only for a valid form."""
        data = self.cleaned_data
        chosen = [str(dict(self.fields[name].choices)[data[name]]) for name in ("came", "what")]  # type: ignore[attr-defined]
        return "\n".join([*chosen, *(data[name] for name in ("who", "phone", "note") if data[name])])
