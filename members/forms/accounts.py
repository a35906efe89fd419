"""allauth's forms for joining and signing in, with the portal's wording and fields."""

from typing import Any

from allauth.account import forms as account
from allauth.mfa.base import forms as mfa
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm, EditWebAuthnForm
from django import forms
from django.conf import settings
from django.core.validators import MaxLengthValidator
from django.http import HttpRequest
from django.utils import timezone, translation
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.forms import LineField, PastedEmailInput
from cps_portal.core.lib.text import clean_password
from members import actions
from members.access import newest_terms
from members.enums import Programme
from members.forms.common import SPECIALTIES, NameFields, country_choices, terms_label
from members.models import User

MAX_EMAIL_LENGTH = 254
MAX_KEY_NAME_LENGTH = 100

PASSWORD_HINT = format_lazy(_("{n} characters or more. A short sentence works well."), n=settings.PASSWORD_MIN_LENGTH)
CODE_REQUIRED = _("Type the code.")


class PortalForm(forms.Form):
    """Sets the portal's texts and removes placeholders, which vanish while typing and only repeat the labels."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)
            if isinstance(field, forms.EmailField):
                field.widget = PastedEmailInput(attrs=field.widget.attrs)
        self.set_texts()

    def set_texts(self) -> None:
        """Set labels, help texts and error messages."""

    def set_text(self, name: str, label: Any, required: Any, help_text: Any = None) -> None:
        if field := self.fields.get(name):
            field.label = label
            field.error_messages["required"] = required
            field.help_text = field.help_text if help_text is None else help_text


class CodeFields(PortalForm):
    """A field for a six-digit code or a recovery code."""

    def set_texts(self) -> None:
        self.set_text(
            "code", _("Code"), CODE_REQUIRED, _("Six digits from your authenticator app, or a recovery code.")
        )
        self.fields["code"].widget.attrs.update({"class": "input ltr", "spellcheck": "false"})


class NewPasswordFields(PortalForm):
    """A new password, typed twice, because a typing mistake would lock the member out."""

    def set_texts(self) -> None:
        self.set_text("oldpassword", _("Current password"), _("Type your current password."))
        self.set_text("password1", _("New password"), _("Choose a password."), PASSWORD_HINT)
        self.set_text("password2", _("New password again"), _("Type the new password again."))

    def clean_password2(self) -> str:
        """The same composition as the first one gets from the adapter: the two keyboards may differ."""
        return clean_password(self.cleaned_data["password2"])


class JoinForm(NameFields, account.SignupForm):  # type: ignore[misc]
    """Joining the free programme (R8): name, address, country, password, age, terms."""

    country = forms.ChoiceField(
        label=_("Country"),
        error_messages={
            "required": _("Choose your country."),
            "invalid_choice": _("The free programme isn’t available in this country. Please choose another one."),
        },
        widget=forms.Select(attrs={"autocomplete": "country"}),
    )
    specialty = forms.ChoiceField(label=_("What do you mostly shoot?"), choices=SPECIALTIES, required=False)
    adult = forms.BooleanField(
        label=_("I’m 18 or over"), error_messages={"required": _("You need to be 18 or over to join.")}
    )
    terms = forms.BooleanField(
        label=terms_label(),
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
            self.fields[name].widget.attrs["data-mirror"] = "#card-name"  # app.js shows it on the sample card
        email, password = self.fields["email"], self.fields["password1"]
        email.widget = PastedEmailInput(attrs=email.widget.attrs)
        email.validators.append(MaxLengthValidator(MAX_EMAIL_LENGTH))  # allauth would cut longer ones silently
        email.widget.attrs["maxlength"] = str(MAX_EMAIL_LENGTH)
        email.help_text = _("We’ll send a link to confirm it.")
        email.error_messages["required"] = _("Type your email address.")
        email.error_messages["invalid"] = _("Type your email with an @, like name@studio.com.")
        password.help_text = PASSWORD_HINT
        password.error_messages["required"] = _("Choose a password.")
        for field in (email, password):
            field.widget.attrs.pop("placeholder", None)

    def signup(self, request: HttpRequest, user: User) -> None:
        """Make the new user a member; called by allauth. A Refusal rolls the whole sign-up back."""
        terms = newest_terms()
        if terms is None:
            raise Refusal("terms", _("You can’t join right now. Please try again later."))
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


class SignInForm(PortalForm, account.LoginForm):  # type: ignore[misc]  # allauth has no types
    def set_texts(self) -> None:
        self.set_text("login", _("Email"), _("Type your email address."))
        self.set_text("password", _("Password"), _("Type your password."))
        self.set_text("remember", _("Keep me signed in on this device"), "")
        self.fields["login"].widget.attrs |= {"autocomplete": "username", "inputmode": "email", "spellcheck": "false"}
        self.fields["remember"].initial = True


class ChangePasswordForm(NewPasswordFields, account.ChangePasswordForm):  # type: ignore[misc]
    pass


class SetPasswordForm(NewPasswordFields, account.SetPasswordForm):  # type: ignore[misc]
    pass


class ResetPasswordKeyForm(NewPasswordFields, account.ResetPasswordKeyForm):  # type: ignore[misc]
    pass


class ResetPasswordForm(PortalForm, account.ResetPasswordForm):  # type: ignore[misc]
    def set_texts(self) -> None:
        self.set_text("email", _("Email"), _("Type your email address."))


class AddEmailForm(PortalForm, account.AddEmailForm):  # type: ignore[misc]
    def set_texts(self) -> None:
        self.set_text("email", _("New email"), _("Type your new email address."), _("We’ll send a link to confirm it."))


class ReauthenticateForm(PortalForm, account.ReauthenticateForm):  # type: ignore[misc]
    def set_texts(self) -> None:
        self.set_text("password", _("Password"), _("Type your password."))


class SecondStepForm(CodeFields, mfa.AuthenticateForm):  # type: ignore[misc]
    pass


class ReauthenticateByCodeForm(CodeFields, mfa.ReauthenticateForm):  # type: ignore[misc]
    pass


class ActivateAppForm(CodeFields, ActivateTOTPForm):  # type: ignore[misc]
    def set_texts(self) -> None:
        super().set_texts()
        self.fields["code"].widget.attrs["inputmode"] = "numeric"
        self.fields["code"].help_text = _("The six digits the app shows now.")


class AddPasskeyForm(PortalForm, AddWebAuthnForm):  # type: ignore[misc]
    name = LineField(required=False, max_length=MAX_KEY_NAME_LENGTH)

    def set_texts(self) -> None:
        self.set_text("name", _("Name"), "", _("To recognise it later, for example “Phone” or “Blue key”."))
        self.set_text(
            "passwordless",
            _("Sign in with this passkey alone"),
            "",
            _("No password or code, just your face, fingerprint or PIN. Untick it for a key that’s your second step."),
        )
        self.fields["passwordless"].initial = True
        self.fields["credential"].error_messages["required"] = _("Your device didn’t send a passkey. Please try again.")


class RenamePasskeyForm(PortalForm, EditWebAuthnForm):  # type: ignore[misc]
    name = LineField(max_length=MAX_KEY_NAME_LENGTH)

    def set_texts(self) -> None:
        self.set_text("name", _("Name"), _("Type a name."))
