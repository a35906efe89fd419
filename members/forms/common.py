"""Parts that the forms of members and of other apps share."""

import unicodedata
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.functional import Promise, lazy
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.text import clean_email, clean_name
from members.enums import Specialty
from members.models import CountryProgramme

SPECIALTIES = [("", _("Choose one, if you like")), *Specialty.choices]


def clean_line(text: str) -> str:
    """A line of text without invisible signs. Raises ValidationError for control characters, or if nothing is left."""
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in " ".join(text.split())):
        raise ValidationError(_("This contains characters that can’t be printed. Please type it again."), code="signs")
    line = clean_name(text)
    if text.strip() and not line:
        raise ValidationError(_("Nothing of this can be seen. Please type it again."), code="invisible")
    return line


class PastedEmailInput(forms.EmailInput):
    """Reads an address without the blanks and invisible signs that come along when it is pasted."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> str | None:
        value = super().value_from_datadict(data, files, name)
        return clean_email(value) if isinstance(value, str) else value


def add_refusal(form: forms.Form, refusal: Refusal) -> None:
    """Add the message of a refusal to its field, or to the whole form if the form has no such field."""
    message: str | Promise = refusal.message
    form.add_error(refusal.field if refusal.field in form.fields else None, str(message))


def country_choices(kind: str | None = None) -> list[tuple[str, str]]:
    """The countries in the programme today (R1), sorted by name."""
    programmes = CountryProgramme.objects.in_force()
    if kind:
        programmes = programmes.filter(kind=kind)
    return sorted(((row.country.code, str(row.country.name)) for row in programmes), key=lambda choice: choice[1])


def _terms_label() -> str:
    return format_html(
        str(_('I’ve read the <a href="{terms}">terms of use</a> and the <a href="{privacy}">privacy notice</a>')),
        terms=reverse("terms"),
        privacy=reverse("privacy"),
    )


terms_label = lazy(_terms_label, str)


class NameFields(forms.Form):
    """First and last name."""

    first_name = forms.CharField(
        label=_("First name"),
        max_length=80,
        error_messages={"required": _("Type your first name.")},
        widget=forms.TextInput(attrs={"autocomplete": "given-name"}),
    )
    last_name = forms.CharField(
        label=_("Last name"),
        max_length=80,
        error_messages={"required": _("Type your last name.")},
        widget=forms.TextInput(attrs={"autocomplete": "family-name"}),
    )

    def clean_first_name(self) -> str:
        return clean_line(self.cleaned_data["first_name"])

    def clean_last_name(self) -> str:
        return clean_line(self.cleaned_data["last_name"])
