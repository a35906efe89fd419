"""allauth's adapters: error messages, mails through the outbox, sealed secrets, names of passkeys."""

import uuid
from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.sealing import Purpose, seal, unseal
from cps_portal.core.lib.text import clean_password
from cps_portal.core.outbox import actions as outbox
from cps_portal.core.outbox.mail import common_context
from members.models import User

LINKS = ("activate_url", "password_reset_url", "signup_url")


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "account_inactive": _("This account is closed. If that’s a mistake, please write to us."),
        "duplicate_email": _("That’s already your address. Type a different one."),
        "email_password_mismatch": _("That email and password don’t match. Please check both."),
        "enter_current_password": _("That’s not your current password. Please try again."),
        "incorrect_password": _("That’s not your password. Please try again."),
        "rate_limited": _("Too many attempts. Please wait a few minutes and try again."),
        "too_many_login_attempts": _("Too many attempts. Please wait a few minutes and try again."),
    }

    def clean_password(self, password: str, user: User | None = None) -> str:
        """Validate a new password in the form in which it is hashed."""
        cleaned: str = super().clean_password(clean_password(password), user=user)
        return cleaned

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        user: User | None = super().authenticate(request, **credentials)
        # Not when somebody who is signed in types it again: a new hash would end that session.
        if user and not request.user.is_authenticated:
            user.keep_composed_password(credentials.get("password", ""))
        return user

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Post the mail instead of sending it, so that it leaves if and only if the transaction commits."""
        full_context = {**common_context(), "request": self.request, "email": email, **context}
        full_context |= {name: with_site_url(full_context[name]) for name in LINKS if name in full_context}
        mail = self.render_mail(template_prefix, email, full_context)
        payload = {"subject": mail.subject, "text": mail.body}
        for alternative in getattr(mail, "alternatives", ()):
            payload["html"] = alternative[0]
        with transaction.atomic():
            outbox.enqueue(key=f"account-{uuid.uuid4()}", kind="mail", to=email, payload=payload)


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "add_email_blocked": _("Turn off two-step sign-in and passkeys first, then change your address."),
        "incorrect_code": _("That code isn’t right or has expired. Type the latest one."),
        "unverified_email": _("Please confirm your email first with the link we sent you. Then come back here."),
    }

    def encrypt(self, text: str) -> str:
        return seal(text, Purpose.SECOND_FACTORS)

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(encrypted_text, Purpose.SECOND_FACTORS)

    def generate_authenticator_name(self, user: AbstractBaseUser, type: str) -> str:  # noqa: A002  # its name there
        number = user.authenticator_set.filter(type=type).count() + 1  # type: ignore[attr-defined]
        return gettext("Passkey %(number)d") % {"number": number}


def with_site_url(url: str) -> str:
    """The same path at SITE_URL. allauth takes the host from the request, where an attacker can set it."""
    site_url: str = settings.SITE_URL
    return site_url + urlsplit(url)._replace(scheme="", netloc="").geturl()
