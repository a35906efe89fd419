"""allauth's forms for signing in, in the words and with the fields of the portal. What they decide is allauth's."""

from typing import Any

from allauth.account import forms as account
from allauth.mfa.base import forms as mfa
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm, EditWebAuthnForm
from django import forms
from django.utils.translation import gettext_lazy as _

PASSWORD_HINT = _("12 characters or more. A short sentence works well.")
CODE_REQUIRED = _("Type the code.")


class PlainFields(forms.Form):
    """No placeholders: they vanish while one types, and the labels say the same."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)
        self.word()

    def word(self) -> None:
        """Labels, hints and errors."""

    def say(self, name: str, label: Any, required: Any, hint: Any = None) -> None:
        if field := self.fields.get(name):
            field.label = label
            field.error_messages["required"] = required
            field.help_text = field.help_text if hint is None else hint


class CodeFields(PlainFields):
    """A code of six digits, or one of the recovery codes."""

    def word(self) -> None:
        self.say("code", _("Code"), CODE_REQUIRED, _("Six digits from your authenticator app, or a recovery code."))
        self.fields["code"].widget.attrs.update({"class": "input ltr", "spellcheck": "false"})


class NewPasswordFields(PlainFields):
    """A new password, twice: behind a link or a sign-in nobody sees a typing mistake until it is too late."""

    def word(self) -> None:
        self.say("oldpassword", _("Current password"), _("Type your current password."))
        self.say("password1", _("New password"), _("Choose a password."), PASSWORD_HINT)
        self.say("password2", _("New password again"), _("Type the new password again."))


class SignInForm(PlainFields, account.LoginForm):  # type: ignore[misc]  # allauth has no types
    def word(self) -> None:
        self.say("login", _("Email"), _("Type your email address."))
        self.say("password", _("Password"), _("Type your password."))
        self.say("remember", _("Keep me signed in on this device"), "")
        self.fields["login"].widget.attrs |= {"autocomplete": "username", "inputmode": "email", "spellcheck": "false"}
        self.fields["remember"].initial = True


class ChangePasswordForm(NewPasswordFields, account.ChangePasswordForm):  # type: ignore[misc]
    pass


class SetPasswordForm(NewPasswordFields, account.SetPasswordForm):  # type: ignore[misc]
    pass


class ResetPasswordKeyForm(NewPasswordFields, account.ResetPasswordKeyForm):  # type: ignore[misc]
    pass


class ResetPasswordForm(PlainFields, account.ResetPasswordForm):  # type: ignore[misc]
    def word(self) -> None:
        self.say("email", _("Email"), _("Type your email address."))


class AddEmailForm(PlainFields, account.AddEmailForm):  # type: ignore[misc]
    def word(self) -> None:
        self.say("email", _("New email"), _("Type your new email address."), _("We’ll send a link to confirm it."))


class ReauthenticateForm(PlainFields, account.ReauthenticateForm):  # type: ignore[misc]
    def word(self) -> None:
        self.say("password", _("Password"), _("Type your password."))


class SecondStepForm(CodeFields, mfa.AuthenticateForm):  # type: ignore[misc]
    pass


class ReauthenticateByCodeForm(CodeFields, mfa.ReauthenticateForm):  # type: ignore[misc]
    pass


class ActivateAppForm(CodeFields, ActivateTOTPForm):  # type: ignore[misc]
    def word(self) -> None:
        super().word()
        self.fields["code"].widget.attrs["inputmode"] = "numeric"
        self.fields["code"].help_text = _("The six digits the app shows now.")


class AddPasskeyForm(PlainFields, AddWebAuthnForm):  # type: ignore[misc]
    def word(self) -> None:
        self.say("name", _("Name"), "", _("So that you know it again, like “Phone” or “Blue key”."))
        self.say(
            "passwordless",
            _("Sign in with this passkey alone"),
            "",
            _("No password, no code: your face, finger or PIN. Leave it out for a key that’s only your second step."),
        )
        self.fields["passwordless"].initial = True
        self.fields["credential"].error_messages["required"] = _("Your device gave no passkey. Try again.")


class RenamePasskeyForm(PlainFields, EditWebAuthnForm):  # type: ignore[misc]
    def word(self) -> None:
        self.say("name", _("Name"), _("Type a name."))
