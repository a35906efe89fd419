"""allauth's forms for joining and signing in, with the portal's wording and fields."""

from typing import Any

from allauth.account import forms as account
from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.core import context
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
from django.utils.translation import pgettext_lazy

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.forms import LineField, PastedEmailInput
from cps_portal.core.lib.long_select import LongSelect
from cps_portal.core.lib.text import clean_email, clean_password, latin_digits
from cps_portal.core.lib.throttle import client_network
from cps_portal.core.limits.attempts import count_for, wait_for
from members import actions
from members.access import newest_terms
from members.enums import Programme
from members.forms.common import SPECIALTIES, NameFields, country_choices, terms_label
from members.forms.limits import (
    RESET_OTHERWISE,
    SECOND_STEP_OTHERWISE,
    count_for_account,
    refuse_for,
    too_many_attempts,
)
from members.forms.passwords import refuse_guessable
from members.models import EmailChange, User

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

    user: User

    def set_texts(self) -> None:
        self.set_text(
            "code", _("Code"), CODE_REQUIRED, _("Six digits from your authenticator app, or a recovery code.")
        )
        self.fields["code"].widget.attrs.update({"class": "input ltr", "spellcheck": "false"})

    def clean_code(self) -> str:
        """With the digits of any keyboard."""
        self.cleaned_data["code"] = latin_digits(self.cleaned_data["code"])
        return str(super().clean_code())  # type: ignore[misc]  # of allauth's form


class NewPasswordFields(PortalForm):
    """A new password, typed twice, because a typing mistake would lock the member out."""

    def set_texts(self) -> None:
        self.set_text("oldpassword", _("Current password"), _("Type your current password."))
        self.set_text("password1", _("New password"), _("Choose a password."), PASSWORD_HINT)
        self.set_text("password2", _("New password again"), _("Type the new password again."))

    def clean_password2(self) -> str:
        """The same composition as the first one gets from the adapter: the two keyboards may differ."""
        return clean_password(self.cleaned_data["password2"])


def tell_owner(email: str) -> None:
    """That somebody tried to join with their address, once a day at most."""
    if not count_for("join-mail", settings.JOIN_MAIL_LIMIT, email):
        get_adapter().send_account_already_exists_mail(email)


class JoinForm(NameFields, account.SignupForm):  # type: ignore[misc]
    """Joining the free programme (R8): name, address, country, password, age, terms."""

    country = forms.ChoiceField(
        label=_("Country"),
        error_messages={
            "required": _("Choose your country."),
            "invalid_choice": _("The free programme isn’t available in this country. Please choose another one."),
        },
        widget=LongSelect(attrs={"autocomplete": "country"}),
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
        choices = [("", _("Choose your country")), *country_choices(Programme.FREE)]
        self.fields["country"].choices = choices  # type: ignore[attr-defined]
        if (country := self["country"].value()) in dict(choices):
            self.fields["terms"].label = terms_label(country)
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

    def clean_email(self) -> str:
        """Joining signs in at once (R8), so that an address has an account cannot be hidden: only limited, and told."""
        network = client_network(context.request)
        if seconds := wait_for("join-taken", settings.JOIN_TAKEN_LIMIT, network):
            raise refuse_for(context.request, seconds)
        try:
            email: str = super().clean_email()
        except forms.ValidationError as error:
            if error.code == "email_taken":
                count_for("join-taken", settings.JOIN_TAKEN_LIMIT, network)
                tell_owner(self.cleaned_data["email"].lower())
            raise
        return email

    def validate_unique_email(self, value: str) -> str:
        """Whoever only wants to change to the address, and has not confirmed it, keeps nobody from joining with it."""
        self.account_already_exists = False
        is_confirmed = EmailAddress.objects.filter(email=value, verified=True).exists()
        if is_confirmed or User.objects.filter(email__iexact=value).exists():
            value = super().validate_unique_email(value)
        return value

    def clean(self) -> dict[str, Any]:
        """The password is also compared with the names, which belong to no account yet."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if password := cleaned.get("password1"):
            try:
                refuse_guessable(password, [cleaned.get(name, "") for name in ("first_name", "last_name", "email")])
            except forms.ValidationError as error:
                self.add_error("password1", error)
        return cleaned

    def signup(self, request: HttpRequest, user: User) -> None:
        """Make the new user a member; called by allauth. A Refusal rolls the whole sign-up back."""
        terms = newest_terms(self.cleaned_data["country"])
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
        self.fields["remember"].initial = False


class ChangePasswordForm(NewPasswordFields, account.ChangePasswordForm):  # type: ignore[misc]
    pass


class SetPasswordForm(NewPasswordFields, account.SetPasswordForm):  # type: ignore[misc]
    pass


class ResetPasswordKeyForm(NewPasswordFields, account.ResetPasswordKeyForm):  # type: ignore[misc]
    pass


class ResetPasswordForm(PortalForm, account.ResetPasswordForm):  # type: ignore[misc]
    """Sends a link for a new password; the answer is the same whatever is sent, and to whom."""

    users: list[User]

    def set_texts(self) -> None:
        self.set_text("email", _("Email"), _("Type your email address."))

    def clean_email(self) -> str:
        """Nothing goes to an address that somebody wants to change to and has not confirmed: nobody could undo that."""
        email: str = super().clean_email()
        self.users = [user for user in self.users if user.email.lower() == email.lower()]
        return email

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if email := cleaned.get("email"):
            attempt = count_for_account(context.request, "reset", settings.RESET_LIMITS, email=clean_email(email))
            if attempt.wait:
                raise too_many_attempts(context.request, attempt, RESET_OTHERWISE)
        return cleaned

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        """A young address gets none yet, and the address before it is told; an address of before gets the undo link."""
        email: str = self.cleaned_data["email"]
        now = timezone.now()
        if user := next((user for user in self.users if EmailChange.objects.recent(now).filter(user=user)), None):
            actions.hold_reset(user=user, at=now)
            return email
        former = EmailChange.objects.can_be_undone(now).filter(old_email=email.lower()).first()
        if former and not self.users:
            actions.send_undo_link_again(change=former, at=now)
            return email
        super().save(request, **kwargs)
        return email


class AddEmailForm(PortalForm, account.AddEmailForm):  # type: ignore[misc]
    def set_texts(self) -> None:
        self.set_text("email", _("New email"), _("Type your new email address."), _("We’ll send a link to confirm it."))


class ReauthenticateForm(PortalForm, account.ReauthenticateForm):  # type: ignore[misc]
    def set_texts(self) -> None:
        self.set_text("password", _("Password"), _("Type your password."))


class LimitedCode(CodeFields):
    """Counts the codes that are tried, so that whoever has the password cannot keep the owner from typing theirs."""

    def clean_code(self) -> str:
        limits = settings.SECOND_STEP_LIMITS
        attempt = count_for_account(context.request, "second-step", limits, user=self.user)
        if attempt.wait:
            raise too_many_attempts(context.request, attempt, SECOND_STEP_OTHERWISE)
        code = super().clean_code()
        attempt.give_back()
        return code


class SecondStepForm(LimitedCode, mfa.AuthenticateForm):  # type: ignore[misc]
    pass


class ReauthenticateByCodeForm(LimitedCode, mfa.ReauthenticateForm):  # type: ignore[misc]
    pass


class ActivateAppForm(CodeFields, ActivateTOTPForm):  # type: ignore[misc]
    def set_texts(self) -> None:
        super().set_texts()
        self.fields["code"].widget.attrs["inputmode"] = "numeric"
        self.fields["code"].help_text = _("The six digits the app shows now.")


class AddPasskeyForm(PortalForm, AddWebAuthnForm):  # type: ignore[misc]
    name = LineField(required=False, max_length=MAX_KEY_NAME_LENGTH)

    def set_texts(self) -> None:
        self.set_text(
            "name",
            pgettext_lazy("of a passkey", "Name"),
            "",
            _("To recognise it later, for example “Phone” or “Blue key”."),
        )
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
        self.set_text("name", pgettext_lazy("of a passkey", "Name"), _("Type a name."))
