"""Parts that the forms of members and of other apps share."""

from urllib.parse import urlencode

from django import forms
from django.urls import reverse
from django.utils.functional import Promise, lazy
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.countries import list_countries
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.forms import PersonNameField
from members.enums import Specialty
from members.models import CountryProgramme

SPECIALTIES = [("", _("Choose one, if you like")), *Specialty.choices]


def add_refusal(form: forms.Form, refusal: Refusal) -> None:
    """Add the message of a refusal to its field, or to the whole form if the form has no such field."""
    message: str | Promise = refusal.message
    form.add_error(refusal.field if refusal.field in form.fields else None, str(message))


def country_choices(kind: str | None = None) -> list[tuple[str, str]]:
    """The countries in the programme today (R1), sorted by name."""
    programmes = CountryProgramme.objects.in_force()
    if kind:
        programmes = programmes.filter(kind=kind)
    return list_countries(programmes.values_list("country", flat=True))


def _terms_label(country: str = "") -> str:
    query = f"?{urlencode({'country': country})}" if country else ""
    return format_html(
        str(_('I’ve read the <a href="{terms}">terms of use</a> and the <a href="{privacy}">privacy notice</a>')),
        terms=f"{reverse('terms')}{query}",
        privacy=reverse("privacy"),
    )


terms_label = lazy(_terms_label, str)


class NameFields(forms.Form):
    """First and last name. Many people have only one name."""

    first_name = PersonNameField(
        label=_("First name"),
        max_length=80,
        error_messages={"required": _("Type your first name.")},
        widget=forms.TextInput(attrs={"autocomplete": "given-name"}),
    )
    last_name = PersonNameField(
        label=_("Last name (if you have one)"),
        max_length=80,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "family-name"}),
    )
