"""What a member types when asking for a service, over several pages; nothing typed is lost on the way (R49, R60)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.utils import ErrorDict
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files.actions import Uploads
from cps_portal.core.files.forms import UploadsField, keep_uploads
from cps_portal.core.lib.errors import Refusal
from kitbag.enums import Stage
from kitbag.models import Registration
from members.forms.common import clean_line
from members.models import Member, User
from members.support.forms import LongText
from servicing.actions.service_requests import MAX_FAULT_LENGTH, MAX_PRODUCTS_PER_PARCEL
from servicing.actions.shipping import MAX_TRACKING_LENGTH
from servicing.enums import PlaceWish, ServiceKind, WhyRefused
from servicing.models import Ticket
from servicing.presenters.turnaround import (
    CentreChoice,
    RequestedService,
    ServiceOffer,
    list_centre_choices,
    requested_service,
)
from servicing.queries.file_access import PURPOSE

PRODUCTS, PROBLEM, WHERE, REVIEW = STEPS = ("products", "problem", "where", "review")
IN_WARRANTY = "warranty"
SERVICES: dict[str, str | Promise] = {
    ServiceKind.REPAIR: _("Something’s wrong"),
    ServiceKind.MAINTENANCE: _("Clean and check"),
    ServiceKind.UPGRADE: _("Firmware, mounts"),
}
PAYING: dict[str, tuple[str | Promise, str | Promise]] = {
    "": (_("No, or I don’t know"), _("You get an estimate first, and nothing is done before you approve it.")),
    IN_WARRANTY: (_("Yes"), _("The centre decides, and you see the reason. It needs a proof of purchase.")),
}
OF_A_PRODUCT = re.compile(r"p([0-9]{1,12})_(service|fault|warranty|wish|photos_keys|proofs_keys)")
PROBLEM_PARTS = ("service", "fault", "warranty", "photos_keys", "proofs_keys")
IN_SERVICE = _("It is in service already.")
LOST = _("One of these is in service already or has left your Kitbag. Choose again.")


@dataclass(frozen=True)
class Shown:
    """A product of the Kitbag in the list to choose from."""

    row: Registration
    checked: bool
    why: str | Promise
    reference: str


class ProblemForm(forms.Form):
    """What is to be done with one product, and who pays (R60)."""

    service = forms.ChoiceField(
        label=_("What should we do?"),
        choices=ServiceKind.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose what we should do."), "invalid_choice": _("Choose what we should do.")},
    )
    fault = LongText(
        label=_("What happens?"),
        help_text=_("Say what you see and when. Two sentences are plenty."),
        rows=4,
        max_length=MAX_FAULT_LENGTH,
        required=False,
        error_messages={"required": _("Tell us what is wrong with it.")},
    )
    photos = UploadsField(
        purpose=PURPOSE,
        label=_("Photos"),
        help_text=_("A frame that shows the fault helps most."),
        required=False,
    )
    warranty = forms.ChoiceField(
        label=_("Is it under warranty?"),
        choices=[(code, label) for code, (label, _hint) in PAYING.items()],
        widget=forms.RadioSelect,
        required=False,
        error_messages={"invalid_choice": _("Choose yes or no.")},
    )
    proofs = UploadsField(
        purpose=PURPOSE,
        label=_("Proof of purchase"),
        help_text=_("The receipt or invoice, with the shop and the day. Needed for a warranty repair."),
        required=False,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["fault"].required = self["service"].data == ServiceKind.REPAIR

    def add_prefix(self, field_name: str) -> str:
        """Uploads take identifiers only as the name of a field."""
        return f"{self.prefix}_{field_name}"

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        service = data.get("service")
        if data.get("warranty") == IN_WARRANTY and "proofs" in data:
            if service and service != ServiceKind.REPAIR:
                self.add_error("warranty", _("The warranty covers repairs only. Choose “No”, or a repair."))
            elif not data["proofs"]:
                self.add_error("proofs", _("A warranty repair needs a proof of purchase. Add one, or choose “No”."))
        return data

    @property
    def services(self) -> Iterator[tuple[Any, str | Promise]]:
        return zip(self["service"], SERVICES.values(), strict=True)

    @property
    def paying(self) -> Iterator[tuple[Any, str | Promise]]:
        return zip(self["warranty"], [hint for _label, hint in PAYING.values()], strict=True)


class ProductsForm(forms.Form):
    """Which products travel in one parcel."""

    items = forms.TypedMultipleChoiceField(
        label=_("Products"),
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one product."), "invalid_choice": LOST},
    )

    def __init__(self, data: Any, rows: Sequence[Registration]) -> None:
        super().__init__(data)
        self.fields["items"].choices = [(row.pk, row.product.name) for row in rows]  # type: ignore[attr-defined]

    def clean_items(self) -> list[int]:
        chosen: list[int] = self.cleaned_data["items"]
        if len(chosen) > MAX_PRODUCTS_PER_PARCEL:
            raise ValidationError(
                _("Send at most %(n)d products in one parcel."), params={"n": MAX_PRODUCTS_PER_PARCEL}
            )
        return chosen


class WhereForm(forms.Form):
    """Which centre, and what shall be if all places are taken there (R49)."""

    centre = forms.ChoiceField(
        label=_("Where"),
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choose a centre."),
            "invalid_choice": _("This centre does not take all of it. Choose another one."),
        },
    )

    def __init__(self, data: Any, choices: Sequence[CentreChoice], rows: Sequence[Registration]) -> None:
        super().__init__(data)
        self.choices = [one for one in choices if one.fits]
        self.fields["centre"].choices = [(one.centre.slug, one.centre.name) for one in self.choices]  # type: ignore[attr-defined]
        self.full = [row for place, row in enumerate(rows) if any(self._asks(one, place) for one in self.choices)]
        for row in self.full:
            self.fields[f"p{row.pk}_wish"] = forms.ChoiceField(
                label=row.product.name,
                choices=PlaceWish.choices,
                widget=forms.RadioSelect,
                required=False,
                error_messages={"invalid_choice": _("Choose one of the two.")},
            )

    @staticmethod
    def _asks(choice: CentreChoice, place: int) -> bool:
        answer = choice.service_offers[place].entitlement
        return answer.needs_choice or answer.waits or "places" in answer.why_standard

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for one in self.chosen.service_offers if self.chosen else ():
            if one.entitlement.needs_choice:
                self.add_error(
                    f"p{one.registration.pk}_wish", _("All your places are taken then. Choose what we should do.")
                )
        return data

    @property
    def chosen(self) -> CentreChoice | None:
        slug = self["centre"].data
        return next((one for one in self.choices if one.centre.slug == slug), None)

    @property
    def offers(self) -> list[tuple[Any, CentreChoice]]:
        """In the own country, or quicker than elsewhere."""
        return [(radio, one) for radio, one in self._offers() if one.is_first]

    @property
    def other_offers(self) -> list[tuple[Any, CentreChoice]]:
        return [(radio, one) for radio, one in self._offers() if not one.is_first]

    @property
    def chose_other(self) -> bool:
        return bool(self.chosen and not self.chosen.is_first)

    def _offers(self) -> Iterator[tuple[Any, CentreChoice]]:
        return zip(self["centre"], self.choices, strict=True)

    @property
    def wishes(self) -> list[Any]:
        return [self[f"p{row.pk}_wish"] for row in self.full]


class Draft:
    """A request on its way through the pages; everything travels in the form itself."""

    def __init__(self, member: Member, data: QueryDict, files: Any, at: datetime) -> None:
        self.member, self.data, self.files, self.at = member, data.copy(), files, at
        rows = Registration.objects.of(member).live().select_related("product").order_by("product__name", "pk")
        running = Ticket.objects.of(member).open().exclude(registration=None).values_list("registration", "reference")
        self.in_service: dict[int, str] = {key: reference for key, reference in running if key}
        self.all_rows = list(rows)
        self.rows = [row for row in self.all_rows if row.pk not in self.in_service and not is_past(row)]
        self.products = ProductsForm(self.data, self.rows)

    @property
    def typed_items(self) -> list[int]:
        """What was chosen, possible or not: a second click finds the first parcel by it."""
        return [int(text) for text in self.data.getlist("items") if re.fullmatch("[0-9]{1,12}", text)][:100]

    @property
    def shown_rows(self) -> list[Shown]:
        """All of the Kitbag; what cannot be chosen says why."""
        wanted = set(self.typed_items)
        shown = []
        for row in self.all_rows:
            reference = self.in_service.get(row.pk, "")
            why = IN_SERVICE if reference else WhyRefused.UNSERVICEABLE.label if is_past(row) else ""
            shown.append(Shown(row, row.pk in wanted and not why, why, reference))
        return sorted(shown, key=lambda one: bool(one.why))

    @property
    def is_several(self) -> bool:
        return len(self.chosen) > 1

    @cached_property
    def chosen(self) -> list[Registration]:
        wanted = set(self.typed_items)
        return [row for row in self.rows if row.pk in wanted][:MAX_PRODUCTS_PER_PARCEL]

    @cached_property
    def problems(self) -> list[tuple[Registration, ProblemForm]]:
        for row in self.chosen:
            if f"p{row.pk}_service" not in self.data:
                self.data[f"p{row.pk}_service"] = ServiceKind.REPAIR.value
        return [(row, ProblemForm(self.data, self.files, prefix=f"p{row.pk}")) for row in self.chosen]

    def keep_files(self, by: User) -> None:
        """Store what came with the page; keys travel on. What is wrong with a file stands beside its field."""
        kept = {}
        for row, form in self.problems:
            for name in ("photos", "proofs"):
                keep_uploads(form, name, by=by, at=self.at)
                key = f"p{row.pk}_{name}_keys"
                kept[key] = form.data.getlist(key)  # type: ignore[attr-defined]
        for key, values in kept.items():
            self.data.setlist(key, values)

    @cached_property
    def where(self) -> WhereForm:
        return WhereForm(self.data, list_centre_choices(self.member, self.asked), self.chosen)

    @cached_property
    def asked(self) -> list[RequestedService]:
        return [self._asked(row) for row in self.chosen]

    def _asked(self, row: Registration) -> RequestedService:
        service, wish = self.typed(row, "service"), self.typed(row, "wish")
        return requested_service(
            row,
            service if service in ServiceKind.values else ServiceKind.REPAIR,
            at=self.at,
            wish=PlaceWish(wish) if wish in PlaceWish.values else None,
            warranty=self.typed(row, "warranty") == IN_WARRANTY,
            proof=bool(self.data.getlist(f"p{row.pk}_proofs_keys")),
        )

    def typed(self, row: Registration, part: str) -> str:
        return str(self.data.get(f"p{row.pk}_{part}", ""))

    def uploads(self, row: Registration, part: str) -> Uploads:
        return Uploads(tuple(dict.fromkeys(self.data.getlist(f"p{row.pk}_{part}_keys"))))

    def first_bad(self, until: str) -> str | None:
        """The first page before `until` on which something is to be mended."""
        for step in STEPS[: STEPS.index(until)]:
            if not all(list(map(forms.Form.is_valid, self.forms_of(step)))):  # every form of the page, for its errors
                return step
        return None

    def forms_of(self, step: str) -> list[forms.Form]:
        if step == PROBLEM:
            return [form for _row, form in self.problems]
        return [self.products] if step == PRODUCTS else [self.where] if step == WHERE else []

    def unchecked(self, step: str) -> None:
        """Show a page without saying what is missing: it was not handed in yet."""
        for form in self.forms_of(step):
            form._errors, form.cleaned_data = ErrorDict(), {}  # type: ignore[attr-defined]

    def add_refusal(self, refusal: Refusal) -> str:
        """Put what the action said beside its field; returns the page on which that is."""
        parts = refusal.field.split(".")
        row = self.chosen[int(parts[1])] if len(parts) > 1 and parts[1].isdecimal() else None
        part = parts[2] if len(parts) > 2 else ""
        if row and part == "fault":
            next(form for one, form in self.problems if one.pk == row.pk).add_error("fault", str(refusal))
            return PROBLEM
        if row and part == "wish" and f"p{row.pk}_wish" in self.where.fields:
            self.where.add_error(f"p{row.pk}_wish", str(refusal))
            return WHERE
        if refusal.code in ("refused", "places"):
            sentence = f"{row.product.name}: {refusal}" if row else str(refusal)
            self.where.add_error("centre", sentence)
            return WHERE
        if refusal.field == "files":
            self.problems[0][1].add_error("photos", str(refusal))
            return PROBLEM
        self.products.add_error("items", str(refusal))
        return PRODUCTS

    def hidden(self, step: str) -> list[tuple[str, str]]:
        """What was typed on the other pages, and what belongs to products that are not chosen now."""
        chosen = {row.pk for row in self.chosen}
        mine = {row.pk for row in self.rows}
        pairs = []
        for name, values in self.data.lists():
            found = OF_A_PRODUCT.fullmatch(name)
            key, part = (int(found[1]), found[2]) if found else (0, "")
            shown = key in chosen and (
                (step == PROBLEM and part in PROBLEM_PARTS) or (step == WHERE and name in self.where.fields)
            )
            known = key in mine if found else name in ("items", "centre")
            page = {"items": PRODUCTS, "centre": WHERE}.get(name)
            if known and not shown and page != step:
                pairs += [(name, str(value)) for value in values]
        return pairs

    @property
    def summary(self) -> list[tuple[Registration, ServiceOffer, ProblemForm]]:
        """What the last page shows of each product."""
        choice = self.where.chosen
        service_offers = choice.service_offers if choice else []
        return [(row, one, form) for (row, form), one in zip(self.problems, service_offers, strict=False)]


def is_past(row: Registration) -> bool:
    return row.product.stage == Stage.UNSERVICEABLE


class SentForm(forms.Form):
    """How a parcel travels, as far as the member knows."""

    carrier = forms.CharField(label=_("Carrier"), max_length=MAX_TRACKING_LENGTH, required=False)
    tracking = forms.CharField(
        label=_("Tracking number"),
        max_length=MAX_TRACKING_LENGTH,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "class": "input ltr"}),
    )

    def clean_carrier(self) -> str:
        return clean_line(self.cleaned_data["carrier"])

    def clean_tracking(self) -> str:
        return clean_line(self.cleaned_data["tracking"])


class CheckForm(forms.Form):
    """Which product, and what is to be done."""

    product = forms.TypedChoiceField(
        label=_("Product"),
        coerce=int,
        error_messages={"required": _("Choose a product."), "invalid_choice": _("Choose a product of your Kitbag.")},
    )
    service = forms.ChoiceField(
        label=_("What should be done?"),
        choices=ServiceKind.choices,
        error_messages={"required": _("Choose what should be done."), "invalid_choice": _("Choose one of the three.")},
    )

    def __init__(self, data: Any, rows: Sequence[Registration]) -> None:
        if data is not None and "service" not in data:
            data = data.copy()
            data["service"] = ServiceKind.REPAIR.value
        super().__init__(data)
        named = [(row.pk, f"{row.product.name} {row.serial}".strip()) for row in rows]
        self.fields["product"].choices = [("", _("Choose a product")), *named]  # type: ignore[attr-defined]
