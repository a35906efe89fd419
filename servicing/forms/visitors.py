"""Foreign cards: what is copied from them, and the doubts that staff answer (R5)."""

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files.forms import UploadsField
from cps_portal.core.lib.forms import LineField, PastedEmailInput, PersonNameField
from members.models import User
from members.offers.models import Offer
from members.offers.queries import events_at
from servicing.enums import CardRegion
from servicing.forms.ticket_steps import day_input, long_errors
from servicing.models import CardRule, ServiceCentre
from servicing.queries.file_access import PURPOSE
from servicing.queries.visitors import find_doubts

AGAIN = _("Look again. If it really is like this, tick the box below.")


class ForeignCardForm(forms.Form):
    """The card of a member of another region. What its rule doubts is taken once `as_on_card` is ticked."""

    region = forms.ChoiceField(
        label=_("Where the card is from"),
        choices=[("", "–"), *CardRegion.choices],
        error_messages={
            "required": _("Choose where the card is from."),
            "invalid_choice": _("Choose a region from the list."),
        },
    )
    region_text = LineField(
        label=_("If another region: which"), max_length=60, required=False, error_messages=long_errors()
    )
    card_number = LineField(
        label=_("Number on the card"), max_length=40, error_messages=long_errors(_("Copy this from the card."))
    )
    expires_on = forms.DateField(
        label=_("Valid until"),
        widget=day_input(),
        error_messages={"required": _("Copy this from the card."), "invalid": _("Write the day like 2026-03-31.")},
    )
    as_on_card = forms.BooleanField(label=_("It really is like this on the card"), required=False)
    name = PersonNameField(label=_("Name"), max_length=120, error_messages=long_errors(_("Copy this from the card.")))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.has_doubts = False

    @property
    def shown_fields(self) -> list[forms.BoundField]:
        """What is typed, and the tick that takes what is doubted if there is something."""
        return [field for field in self if field.name != "as_on_card" or self.has_doubts]

    @property
    def rules(self) -> list[CardRule]:
        """What to check on the cards of each region, in the order of the list to choose from."""
        by_region = {rule.region: rule for rule in CardRule.objects.all()}
        return [by_region[region] for region in CardRegion if region in by_region]

    def clean_region_text(self) -> str:
        """What is on the card, if the region is another one; else nothing."""
        if self.cleaned_data.get("region") != CardRegion.OTHER:
            return ""
        text: str = self.cleaned_data["region_text"]
        if not text:
            raise forms.ValidationError(_("Copy this from the card."))
        return text

    def clean(self) -> dict[str, Any]:
        data = dict(self.cleaned_data)
        doubts = find_doubts(
            region=data.get("region", ""),
            number=data.get("card_number", ""),
            expires_on=data.get("expires_on"),
            today=timezone.localdate(),
        )
        self.has_doubts = bool(doubts)
        if not data.pop("as_on_card", False):
            for doubt in doubts:
                self.add_error(doubt.value, f"{doubt.label} {AGAIN}")
        return data


class VisitorForm(ForeignCardForm):
    """The card of a visiting member at the counter, and how to reach them (R5)."""

    email = forms.EmailField(
        label=_("Email"),
        required=False,
        error_messages={"invalid": _("Type the email with an @, like name@studio.com.")},
        help_text=_("So that we can keep them informed."),
        widget=PastedEmailInput,
    )
    phone = LineField(label=_("Phone"), max_length=16, required=False, error_messages=long_errors())
    photo = UploadsField(purpose=PURPOSE, label=_("Photo of the card"))


class CardCheckForm(ForeignCardForm):
    """A card that is checked without a job, for a centre or at the door of an event (R5)."""

    centre = forms.ModelChoiceField(
        label=_("For which centre"),
        queryset=ServiceCentre.objects.none(),
        empty_label="–",
        required=False,
        error_messages={"invalid_choice": _("Choose a centre from the list.")},
    )
    event = forms.ModelChoiceField(
        label=_("At which event"),
        queryset=Offer.objects.none(),
        empty_label="–",
        required=False,
        error_messages={"invalid_choice": _("Choose an event from the list.")},
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        centres = ServiceCentre.objects.seen_by(user).order_by("name")
        fields["centre"].queryset, fields["event"].queryset = centres, events_at(timezone.now())
        first_two = list(centres[:2])
        if len(first_two) == 1:
            fields["centre"].initial = first_two[0].pk
