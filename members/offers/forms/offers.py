"""The admin form of offers: audience, dates and places (R59)."""

from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.countries import list_countries
from members.enums import Level
from members.models import CountryProgramme
from members.offers.enums import OfferKind, PlaceState
from members.offers.models import Offer, SignUp

YEARS = range(2000, 2101)
MOMENTS = ("since", "until", "starts_at", "ends_at")
GUESTS = ("open_to_travellers", "open_to_visitors")


class OfferForm(forms.ModelForm[Offer]):
    levels = forms.MultipleChoiceField(
        label=_("Levels"),
        choices=Level.choices,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one level.")},
    )
    countries = forms.MultipleChoiceField(
        label=_("Countries"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Choose none for all countries."),
    )
    link = forms.URLField(
        label=_("Link"), required=False, assume_scheme="https", help_text=_("A page with more information.")
    )

    class Meta:
        model = Offer
        fields = [
            "kind",
            "title",
            "slug",
            "summary",
            "text",
            "link",
            "code",
            "levels",
            "countries",
            "open_to_travellers",
            "open_to_visitors",
            "since",
            "until",
            "starts_at",
            "ends_at",
            "venue",
            "places",
            "sample",
            "translations",
        ]
        help_texts = {
            "slug": _("Last part of the URL. It stays the same when the title changes."),
            "summary": _("Shown in the list of offers and in the e-mail."),
            "since": _("Shown from then on."),
            "until": _("Shown until then. Leave empty to show it until it is withdrawn."),
            "starts_at": _("When the event begins. Sign-up ends then."),
            "venue": _("Where the event takes place."),
            "places": _("Leave empty for no limit. When all are taken, members join the waiting list."),
            "sample": _("Shown with the word “Sample”."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        countries = self.fields.get("countries")
        if isinstance(countries, forms.MultipleChoiceField):  # missing on the read-only page
            codes = {str(code) for code in CountryProgramme.objects.in_force().values_list("country", flat=True)}
            codes |= set(self.instance.countries or [])
            countries.choices = list_countries(codes)

    def clean_link(self) -> str:
        link: str = self.cleaned_data["link"]
        if link and not link.startswith(("https://", "http://")):
            raise ValidationError(_("Enter a URL that starts with https://."))
        return link

    def clean_places(self) -> int | None:
        places: int | None = self.cleaned_data["places"]
        if places is None:
            return None
        if places < 1:
            raise ValidationError(_("Enter at least 1, or leave it empty for no limit."))
        taken = SignUp.objects.filter(offer=self.instance, state=PlaceState.HELD).count() if self.instance.pk else 0
        if places < taken:
            raise ValidationError(
                _("%(taken)s places are taken already. Enter at least that number.") % {"taken": taken}
            )
        return places

    def clean(self) -> None:
        """Check what the constraints check too, to show the message at the right field."""
        super().clean()
        values = {name: self._value(name) for name in (*MOMENTS, *GUESTS, "kind", "venue")}
        for name in MOMENTS:
            if values[name] and values[name].year not in YEARS:
                self._add_error_once(name, _("Check the year."))
                values[name] = None
        if _both(values["since"], values["until"]) and values["until"] <= values["since"]:
            self._add_error_once("until", _("The end is before the start. Choose a later end."))
        if _both(values["starts_at"], values["ends_at"]) and values["ends_at"] <= values["starts_at"]:
            self._add_error_once("ends_at", _("The event ends before it begins. Choose a later end."))
        if values["ends_at"] and not values["starts_at"] and "starts_at" not in self.errors:
            self._add_error_once("starts_at", _("Enter a start, too, since there is an end."))
        self._check_event(values)

    def _check_event(self, values: dict[str, Any]) -> None:
        """An event needs a place and a time; nothing else can welcome members from elsewhere (R4, R5)."""
        if values["kind"] == OfferKind.EVENT:
            if not values["starts_at"]:
                self._add_error_once("starts_at", _("Enter when the event begins."))
            if not values["venue"]:
                self._add_error_once("venue", _("Enter where the event takes place."))
            return
        for name in GUESTS:
            if values[name]:
                self._add_error_once(name, _("Only events can welcome members from elsewhere."))

    def _value(self, name: str) -> Any:
        """The value typed, or the stored one if the field is read-only."""
        return self.cleaned_data.get(name) if name in self.fields else getattr(self.instance, name)

    def _add_error_once(self, name: str, message: Any) -> None:
        if name in self.fields and name not in self.errors:
            self.add_error(name, message)


def _both(first: datetime | None, second: datetime | None) -> bool:
    return first is not None and second is not None


def new_since() -> datetime:
    """Initial start of a new offer: now, to the minute."""
    return timezone.now().replace(second=0, microsecond=0)
