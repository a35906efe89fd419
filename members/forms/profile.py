"""What members type about themselves: read and checked for form, never decided on."""

import unicodedata
from typing import Any

from allauth.account.forms import SignupForm
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.functional import Promise, lazy
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from members import actions
from members.access import newest_terms
from members.enums import Programme, Specialty
from members.models import CountryProgramme, Member, User

MAX_EMAIL_LENGTH = 254
SPECIALTIES = [("", _("Choose one, if you like")), *Specialty.choices]


def clean_line(text: str) -> str:
    """One line of plain text: runs of blanks become one, signs that cannot be seen are refused."""
    line = " ".join(text.split())
    if any(unicodedata.category(sign) in ("Cc", "Cs") for sign in line):
        raise ValidationError(_("This has signs that can’t be printed. Type it again."), code="signs")
    return line


def country_choices(kind: str | None = None) -> list[tuple[str, str]]:
    """The countries that take part today (R1), by name."""
    rows = CountryProgramme.objects.in_force()
    if kind:
        rows = rows.filter(kind=kind)
    return sorted(((row.country.code, str(row.country.name)) for row in rows), key=lambda choice: choice[1])


def _terms_label() -> str:
    return format_html(
        str(_('I’ve read the <a href="{terms}">terms of use</a> and the <a href="{privacy}">privacy notice</a>')),
        terms=reverse("terms"),
        privacy=reverse("privacy"),
    )


class NameFields(forms.Form):
    """The two names, on joining and later."""

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


class JoinForm(NameFields, SignupForm):  # type: ignore[misc]
    """Joining the free programme (R8): name, address, country, password, age, terms."""

    country = forms.ChoiceField(
        label=_("Country"),
        error_messages={
            "required": _("Choose your country."),
            "invalid_choice": _("The free programme is not offered in this country. Choose another one."),
        },
        widget=forms.Select(attrs={"autocomplete": "country"}),
    )
    specialty = forms.ChoiceField(label=_("What do you mostly shoot?"), choices=SPECIALTIES, required=False)
    adult = forms.BooleanField(
        label=_("I’m 18 or over"), error_messages={"required": _("You need to be 18 or over to join.")}
    )
    terms = forms.BooleanField(
        label=lazy(_terms_label, str)(),
        error_messages={"required": _("Read and accept the terms of use to join.")},
    )
    news = forms.BooleanField(label=_("Email me about events and offers, about once a month"), required=False)

    field_order = [
        "first_name",
        "last_name",
        "email",
        "country",
        "specialty",
        "password1",
        "adult",
        "terms",
        "news",
    ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["country"].choices = [("", _("Choose your country")), *country_choices(Programme.FREE)]  # type: ignore[attr-defined]
        for name in ("first_name", "last_name"):
            self.fields[name].widget.attrs["data-mirror"] = "#card-name"  # app.js writes it on the card
        email, password = self.fields["email"], self.fields["password1"]
        email.validators.append(MaxLengthValidator(MAX_EMAIL_LENGTH))  # allauth would cut it and go on
        email.widget.attrs["maxlength"] = str(MAX_EMAIL_LENGTH)
        email.help_text = _("We’ll send a link to confirm it.")
        email.error_messages["required"] = _("Type your email address.")
        email.error_messages["invalid"] = _("Type your email with an @, like name@studio.com.")
        password.help_text = _("12 characters or more. A short sentence works well.")
        password.error_messages["required"] = _("Choose a password.")
        for field in (email, password):
            field.widget.attrs.pop("placeholder", None)

    def signup(self, request: HttpRequest, user: User) -> None:
        """Make the new user a member. Raises Refusal, which undoes the whole sign-up."""
        terms = newest_terms()
        if terms is None:
            raise Refusal("terms", _("Nobody can join at the moment: there are no terms of use. Try again later."))
        actions.join(
            user=user,
            profile=actions.Profile(
                first_name=self.cleaned_data["first_name"],
                last_name=self.cleaned_data["last_name"],
                country=self.cleaned_data["country"],
                language=translation.get_language() or settings.LANGUAGE_CODE,
                specialty=self.cleaned_data["specialty"],
                wants_news=self.cleaned_data["news"],
            ),
            is_adult=self.cleaned_data["adult"],
            terms=terms,
            at=timezone.now(),
        )


CHOICES = ("wants_news", "wants_counted", "wants_reminders")  # what else they hear (R56)


class ProfileForm(NameFields):
    """What members change about themselves."""

    specialty = forms.ChoiceField(label=_("What do you mostly shoot?"), choices=SPECIALTIES, required=False)
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    wants_news = forms.BooleanField(label=_("Email me about events and offers, about once a month"), required=False)
    wants_counted = forms.BooleanField(label=_("Email me each time a product of mine counts"), required=False)
    wants_reminders = forms.BooleanField(
        label=_("Remind me of products that I have not finished, once a month"),
        required=False,
        help_text=_("What changes without your doing we always tell you: points, your level, decisions, your account."),
    )

    def __init__(self, *args: Any, member: Member, **kwargs: Any) -> None:
        names = ("first_name", "last_name", "specialty", "language", *CHOICES)
        kwargs["initial"] = {name: getattr(member, name) for name in names}
        super().__init__(*args, **kwargs)
        if len(settings.LANGUAGES) < 2:
            del self.fields["language"]


class MoveForm(forms.Form):
    """Which country a member moves to (R6)."""

    country = forms.ChoiceField(
        label=_("Where do you live now?"),
        error_messages={
            "required": _("Choose a country from the list."),
            "invalid_choice": _("Choose a country from the list."),
        },
        widget=forms.Select(attrs={"autocomplete": "country"}),
    )

    def __init__(self, *args: Any, member: Member, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others = [choice for choice in country_choices() if choice[0] != member.country.code]
        self.fields["country"].choices = [("", _("Choose a country")), *others]  # type: ignore[attr-defined]


class TermsForm(forms.Form):
    """Accepting a new version of the terms (R9)."""

    terms = forms.BooleanField(
        label=lazy(_terms_label, str)(),
        error_messages={"required": _("Read and accept the terms of use to go on.")},
    )


def add_refusal(form: forms.Form, refusal: Refusal) -> None:
    """Show what an action refused beside its field, or above the form if it has none here."""
    message: str | Promise = refusal.message
    form.add_error(refusal.field if refusal.field in form.fields else None, str(message))


class CloseForm(forms.Form):
    """The last question before an account is closed (R14)."""

    sure = forms.BooleanField(
        label=_("Close my account"), error_messages={"required": _("Tick the box if you are sure.")}
    )
