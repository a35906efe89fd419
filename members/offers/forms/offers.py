"""What staff type about an offer: whom it is for, when, and how many places it has (R59)."""

from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_countries import countries as every_country

from members.enums import Level
from members.models import CountryProgramme
from members.offers.enums import OfferKind, PlaceState
from members.offers.models import Offer, SignUp

YEARS = range(2000, 2101)
MOMENTS = ("since", "until", "starts_at", "ends_at")


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
        help_text=_("None chosen: every country."),
    )
    link = forms.URLField(
        label=_("Link"), required=False, assume_scheme="https", help_text=_("A page with more about it.")
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
            "since",
            "until",
            "starts_at",
            "ends_at",
            "venue",
            "places",
            "sample",
        ]
        help_texts = {
            "slug": _("The end of its address; it stays when the title changes."),
            "summary": _("Stands on the shelf and in the mail."),
            "since": _("Shown from this moment on."),
            "until": _("Shown until then. Empty: until it is withdrawn."),
            "starts_at": _("When an event begins. Signing up ends then."),
            "venue": _("Where an event is."),
            "places": _("Empty: without a limit. When all are taken, members wait in line."),
            "sample": _("Shown with the word “Sample”."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        countries = self.fields.get("countries")
        if isinstance(countries, forms.MultipleChoiceField):  # whoever only looks has none
            codes = {str(code) for code in CountryProgramme.objects.in_force().values_list("country", flat=True)}
            codes |= set(self.instance.countries or [])
            named = sorted((str(every_country.name(code) or code), code) for code in codes)
            countries.choices = [(code, name) for name, code in named]

    def clean_link(self) -> str:
        link: str = self.cleaned_data["link"]
        if link and not link.startswith(("https://", "http://")):
            raise ValidationError(_("Write an address that begins with https://."))
        return link

    def clean_places(self) -> int | None:
        places: int | None = self.cleaned_data["places"]
        if places is None:
            return None
        if places < 1:
            raise ValidationError(_("Write at least 1, or leave it empty for no limit."))
        taken = SignUp.objects.filter(offer=self.instance, state=PlaceState.HELD).count() if self.instance.pk else 0
        if places < taken:
            raise ValidationError(
                _("%(taken)s places are taken. Write at least that; nobody who has a place loses it.")
                % {"taken": taken}
            )
        return places

    def clean(self) -> None:
        """What the constraints also hold, said beside the field it is about."""
        super().clean()
        now = {name: self._now(name) for name in (*MOMENTS, "kind", "venue")}
        for name in MOMENTS:
            if now[name] and now[name].year not in YEARS:
                self._say(name, _("Check the year."))
                now[name] = None
        if _both(now["since"], now["until"]) and now["until"] <= now["since"]:
            self._say("until", _("It ends before it begins. Choose a later end."))
        if _both(now["starts_at"], now["ends_at"]) and now["ends_at"] <= now["starts_at"]:
            self._say("ends_at", _("The event ends before it begins. Choose a later end."))
        if now["ends_at"] and not now["starts_at"] and "starts_at" not in self.errors:
            self._say("starts_at", _("It has an end. Say when it begins, too."))
        if now["kind"] == OfferKind.EVENT:
            if not now["starts_at"]:
                self._say("starts_at", _("Say when the event begins."))
            if not now["venue"]:
                self._say("venue", _("Say where the event is."))

    def _now(self, name: str) -> Any:
        """As typed, or as it stands where it is only shown."""
        return self.cleaned_data.get(name) if name in self.fields else getattr(self.instance, name)

    def _say(self, name: str, message: Any) -> None:
        if name in self.fields and name not in self.errors:
            self.add_error(name, message)


def _both(first: datetime | None, second: datetime | None) -> bool:
    return first is not None and second is not None


def new_since() -> datetime:
    """What a new offer's start says before anybody typed one."""
    return timezone.now().replace(second=0, microsecond=0)
