"""The forms of a service request, which spans several pages and keeps everything typed (R49, R60)."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.utils import ErrorDict
from django.http import QueryDict
from django.utils.functional import Promise, cached_property
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files.actions import Uploads
from cps_portal.core.files.forms import UploadsField, keep_uploads
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.forms import LongText
from kitbag.enums import Stage
from kitbag.models import Registration
from members.addresses import PARTS, Address, phone_in_groups
from members.forms.addresses import HIDDEN_REGION, INSISTED
from members.models import Member, User
from servicing.actions.service_requests import MAX_FAULT_LENGTH, MAX_PRODUCTS_PER_PARCEL
from servicing.actions.shipping import ReturnTo, travel_ways
from servicing.enums import PlaceWish, ServiceKind, WhyRefused
from servicing.forms.shipping import ELSEWHERE, LAST, AddressForm, ShippingForm
from servicing.models import Ticket
from servicing.presenters.turnaround import (
    CentreChoice,
    RequestedService,
    ServiceOffer,
    list_centre_choices,
    requested_service,
)
from servicing.queries.addresses import last_address
from servicing.queries.file_access import PURPOSE

PRODUCTS, PROBLEM, WHERE, SHIPPING, REVIEW = STEPS = ("products", "problem", "where", "shipping", "review")
IN_WARRANTY = "warranty"
SERVICES: dict[str, str | Promise] = {
    ServiceKind.REPAIR: _("Something’s wrong"),
    ServiceKind.MAINTENANCE: _("Clean and check"),
    ServiceKind.UPGRADE: _("Firmware, mounts"),
}
WARRANTY_ANSWERS: dict[str, tuple[str | Promise, str | Promise]] = {
    "": (_("No, or I don’t know"), _("You get an estimate first, and nothing is done before you approve it.")),
    IN_WARRANTY: (_("Yes"), _("The centre decides, and you see the reason. It needs a proof of purchase.")),
}
PRODUCT_FIELD = re.compile(r"p([0-9]{1,12})_(service|fault|warranty|wish|photos_keys|proofs_keys)")
SHIPPING_FIELDS = (*ShippingForm.base_fields, "name", "country", *PARTS, INSISTED, HIDDEN_REGION)
PROBLEM_PARTS = ("service", "fault", "warranty", "photos_keys", "proofs_keys")
ALREADY_IN_SERVICE = _("It’s already in service.")
NO_LONGER_AVAILABLE = _("One of these is already in service or has left your Kitbag. Please choose again.")


@dataclass(frozen=True)
class ProductChoice:
    """A product of the Kitbag in the list of choices; `why` says why it cannot be chosen."""

    row: Registration
    checked: bool
    why: str | Promise
    reference: str


class ProblemForm(forms.Form):
    """The service for one product and who pays for it (R60)."""

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
        error_messages={"required": _("Tell us what’s wrong with it.")},
    )
    photos = UploadsField(
        purpose=PURPOSE,
        label=_("Photos"),
        help_text=_("A frame that shows the fault helps most."),
        required=False,
    )
    warranty = forms.ChoiceField(
        label=_("Is it under warranty?"),
        choices=[(code, label) for code, (label, _hint) in WARRANTY_ANSWERS.items()],
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
        """Join with an underscore, because upload fields accept only identifiers as names."""
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
        return zip(self["warranty"], [hint for _label, hint in WARRANTY_ANSWERS.values()], strict=True)


class ProductsForm(forms.Form):
    """Which products travel in one parcel."""

    items = forms.TypedMultipleChoiceField(
        label=_("Products"),
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one product."), "invalid_choice": NO_LONGER_AVAILABLE},
    )

    def __init__(self, data: Any, registrations: Sequence[Registration]) -> None:
        super().__init__(data)
        self.fields["items"].choices = [(registration.pk, registration.product.name) for registration in registrations]  # type: ignore[attr-defined]

    def clean_items(self) -> list[int]:
        chosen: list[int] = self.cleaned_data["items"]
        if len(chosen) > MAX_PRODUCTS_PER_PARCEL:
            raise ValidationError(
                _("Send at most %(n)d products in one parcel."), params={"n": MAX_PRODUCTS_PER_PARCEL}
            )
        return chosen


class WhereForm(forms.Form):
    """The centre, and what to do with products for which no Fast Track place is free (R49)."""

    centre = forms.ChoiceField(
        label=_("Where"),
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choose a centre."),
            "invalid_choice": _("This centre can’t take all of these. Choose another one."),
        },
    )

    def __init__(self, data: Any, choices: Sequence[CentreChoice], registrations: Sequence[Registration]) -> None:
        super().__init__(data)
        self.choices = [choice for choice in choices if choice.fits]
        self.fields["centre"].choices = [(choice.centre.slug, choice.centre.name) for choice in self.choices]  # type: ignore[attr-defined]
        self.full = [
            registration
            for place, registration in enumerate(registrations)
            if any(self._asks_for_wish(choice, place) for choice in self.choices)
        ]
        for registration in self.full:
            self.fields[f"p{registration.pk}_wish"] = forms.ChoiceField(
                label=registration.product.name,
                choices=PlaceWish.choices,
                widget=forms.RadioSelect,
                required=False,
                error_messages={"invalid_choice": _("Choose one of the two.")},
            )

    @staticmethod
    def _asks_for_wish(choice: CentreChoice, place: int) -> bool:
        answer = choice.service_offers[place].entitlement
        return answer.needs_choice or answer.waits or "places" in answer.why_standard

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for choice in self.chosen.service_offers if self.chosen else ():
            if choice.entitlement.needs_choice:
                self.add_error(
                    f"p{choice.registration.pk}_wish", _("All your places are taken then. Choose what we should do.")
                )
        return data

    @property
    def chosen(self) -> CentreChoice | None:
        slug = self["centre"].data
        return next((choice for choice in self.choices if choice.centre.slug == slug), None)

    @property
    def offers(self) -> list[tuple[Any, CentreChoice]]:
        """Centres in the member's own country, or faster than any there."""
        return [(radio, choice) for radio, choice in self._offers() if choice.is_first]

    @property
    def other_offers(self) -> list[tuple[Any, CentreChoice]]:
        return [(radio, choice) for radio, choice in self._offers() if not choice.is_first]

    @property
    def chose_other(self) -> bool:
        return bool(self.chosen and not self.chosen.is_first)

    def _offers(self) -> Iterator[tuple[Any, CentreChoice]]:
        return zip(self["centre"], self.choices, strict=True)

    @property
    def wishes(self) -> list[Any]:
        return [self[f"p{registration.pk}_wish"] for registration in self.full]


class Draft:
    """A request that is being filled in. All of its state travels in the form itself."""

    def __init__(self, member: Member, data: QueryDict, files: Any, at: datetime) -> None:
        self.member, self.data, self.files, self.at = member, data.copy(), files, at
        rows = Registration.objects.of(member).live().select_related("product").order_by("product__name", "pk")
        running = Ticket.objects.of(member).open().exclude(registration=None).values_list("registration", "reference")
        self.in_service: dict[int, str] = {key: reference for key, reference in running if key}
        self.all_rows = list(rows)
        self.rows = [
            registration
            for registration in self.all_rows
            if registration.pk not in self.in_service and not is_past(registration)
        ]
        self.products = ProductsForm(self.data, self.rows)

    @property
    def typed_items(self) -> list[int]:
        """What was chosen, possible or not; a second click finds the parcel of the first one by it."""
        return [int(text) for text in self.data.getlist("items") if re.fullmatch("[0-9]{1,12}", text)][:100]

    @property
    def shown_rows(self) -> list[ProductChoice]:
        """All products of the Kitbag, those that cannot be chosen last."""
        chosen_pks = set(self.typed_items)
        shown = []
        for registration in self.all_rows:
            reference = self.in_service.get(registration.pk, "")
            why = ALREADY_IN_SERVICE if reference else WhyRefused.UNSERVICEABLE.label if is_past(registration) else ""
            shown.append(ProductChoice(registration, registration.pk in chosen_pks and not why, why, reference))
        return sorted(shown, key=lambda product_choice: bool(product_choice.why))

    @property
    def is_several(self) -> bool:
        return len(self.chosen) > 1

    @cached_property
    def chosen(self) -> list[Registration]:
        chosen_pks = set(self.typed_items)
        return [registration for registration in self.rows if registration.pk in chosen_pks][:MAX_PRODUCTS_PER_PARCEL]

    @cached_property
    def problems(self) -> list[tuple[Registration, ProblemForm]]:
        for registration in self.chosen:
            if f"p{registration.pk}_service" not in self.data:
                self.data[f"p{registration.pk}_service"] = ServiceKind.REPAIR.value
        return [
            (registration, ProblemForm(self.data, self.files, prefix=f"p{registration.pk}"))
            for registration in self.chosen
        ]

    def keep_files(self, by: User) -> None:
        """Store the uploads and keep their keys in the form. Errors are added beside the upload fields."""
        file_keys = {}
        for registration, form in self.problems:
            for name in ("photos", "proofs"):
                keep_uploads(form, name, by=by, at=self.at)
                key = f"p{registration.pk}_{name}_keys"
                file_keys[key] = form.data.getlist(key)  # type: ignore[attr-defined]
        for key, values in file_keys.items():
            self.data.setlist(key, values)

    @cached_property
    def where(self) -> WhereForm:
        return WhereForm(self.data, list_centre_choices(self.member, self.asked), self.chosen)

    @cached_property
    def last_address(self) -> Address | None:
        return last_address(self.member)

    @cached_property
    def shipping(self) -> ShippingForm | None:
        """How it travels; None until a centre is chosen, because the ways depend on it."""
        choice = self.where.chosen
        if choice is None:
            return None
        if "travel" not in self.data:  # not shown yet: what is most likely is chosen already
            last = self.last_address
            self.data.setdefault("back", LAST if last else ELSEWHERE)
            self.data.setdefault("phone", phone_in_groups(last.phone) if last and last.phone else "")
            self.data["travel"] = next(iter(travel_ways(choice.centre)), "")
        return ShippingForm(
            self.data,
            centre=choice.centre,
            last=self.last_address,
            country=self.member.country.code,
            at=self.at,
            offers_loan=any(offer.entitlement.courtesy_loan for offer in choice.service_offers),
        )

    @cached_property
    def address(self) -> AddressForm:
        """Where it returns to, if that is not the address of last time."""
        for name, value in (("name", self.member.full_name), ("country", self.member.country.code)):
            self.data.setdefault(name, value)
        return AddressForm(self.data, initial={"country": self.member.country.code, "name": self.member.full_name})

    @property
    def shipping_forms(self) -> list[forms.Form]:
        if self.shipping is None:
            return []
        return [self.shipping, self.address] if self.shipping.is_elsewhere else [self.shipping]

    @property
    def returns(self) -> ReturnTo | None:
        """What was chosen, for the action; None until it is valid."""
        if self.shipping is None or not all(form.is_valid() for form in self.shipping_forms):
            return None
        return self.shipping.return_to(self.address.address if self.shipping.is_elsewhere else None)

    @property
    def wants_loan(self) -> bool:
        return str(self.data.get("loan", "")) == "yes"

    @cached_property
    def asked(self) -> list[RequestedService]:
        return [self._asked(registration) for registration in self.chosen]

    def _asked(self, registration: Registration) -> RequestedService:
        service, wish = self.typed(registration, "service"), self.typed(registration, "wish")
        return requested_service(
            registration,
            service if service in ServiceKind.values else ServiceKind.REPAIR,
            at=self.at,
            wish=PlaceWish(wish) if wish in PlaceWish.values else None,
            warranty=self.typed(registration, "warranty") == IN_WARRANTY,
            proof=bool(self.data.getlist(f"p{registration.pk}_proofs_keys")),
        )

    def typed(self, registration: Registration, part: str) -> str:
        return str(self.data.get(f"p{registration.pk}_{part}", ""))

    def uploads(self, registration: Registration, part: str) -> Uploads:
        return Uploads(tuple(dict.fromkeys(self.data.getlist(f"p{registration.pk}_{part}_keys"))))

    def first_bad(self, until: str) -> str | None:
        """The first step before `until` that has an error, or None."""
        for step in STEPS[: STEPS.index(until)]:
            if not all(list(map(forms.Form.is_valid, self.forms_of(step)))):
                return step
        return None

    def forms_of(self, step: str) -> list[forms.Form]:
        forms_by_step: dict[str, Callable[[], list[forms.Form]]] = {
            PRODUCTS: lambda: [self.products],
            PROBLEM: lambda: [form for _row, form in self.problems],
            WHERE: lambda: [self.where],
            SHIPPING: lambda: self.shipping_forms,
            REVIEW: list,
        }
        return forms_by_step[step]()

    def unchecked(self, step: str) -> None:
        """Clear the errors of a step that has not been submitted yet."""
        for form in self.forms_of(step):
            form._errors, form.cleaned_data = ErrorDict(), {}  # type: ignore[attr-defined]

    def add_refusal(self, refusal: Refusal) -> str:
        """Add a refusal of the action beside its field and return the step that shows it."""
        parts = refusal.field.split(".")
        registration = self.chosen[int(parts[1])] if len(parts) > 1 and parts[1].isdecimal() else None
        part = parts[2] if len(parts) > 2 else ""
        if registration and part == "fault":
            next(form for candidate, form in self.problems if candidate.pk == registration.pk).add_error(
                "fault", str(refusal)
            )
            return PROBLEM
        if registration and part == "wish" and f"p{registration.pk}_wish" in self.where.fields:
            self.where.add_error(f"p{registration.pk}_wish", str(refusal))
            return WHERE
        if self.shipping and refusal.field in self.shipping.fields:
            self.shipping.add_error(refusal.field, str(refusal))
            return SHIPPING
        if refusal.code in ("refused", "places"):
            sentence = f"{registration.product.name}: {refusal}" if registration else str(refusal)
            self.where.add_error("centre", sentence)
            return WHERE
        if refusal.field == "files":
            self.problems[0][1].add_error("photos", str(refusal))
            return PROBLEM
        self.products.add_error("items", str(refusal))
        return PRODUCTS

    def hidden(self, step: str) -> list[tuple[str, str]]:
        """Values to carry as hidden fields: those of other steps, and of products that are not chosen now."""
        chosen = {registration.pk for registration in self.chosen}
        own = {registration.pk for registration in self.rows}
        pairs = []
        for name, values in self.data.lists():
            match = PRODUCT_FIELD.fullmatch(name)
            key, part = (int(match[1]), match[2]) if match else (0, "")
            is_visible = key in chosen and (
                (step == PROBLEM and part in PROBLEM_PARTS) or (step == WHERE and name in self.where.fields)
            )
            is_expected = key in own if match else name in ("items", "centre", *SHIPPING_FIELDS)
            page = SHIPPING if name in SHIPPING_FIELDS else {"items": PRODUCTS, "centre": WHERE}.get(name)
            if is_expected and not is_visible and page != step:
                pairs += [(name, str(value)) for value in values]
        return pairs

    @property
    def summary(self) -> list[tuple[Registration, ServiceOffer, ProblemForm]]:
        """What the review step shows for each product."""
        choice = self.where.chosen
        service_offers = choice.service_offers if choice else []
        return [
            (registration, offer, form)
            for (registration, form), offer in zip(self.problems, service_offers, strict=False)
        ]


def is_past(registration: Registration) -> bool:
    return registration.product.stage == Stage.UNSERVICEABLE
