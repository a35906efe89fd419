"""How allauth's sign-in pages reach the rest of the portal: their mails go through the outbox too."""

import uuid
from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cps_portal.core.outbox import actions as outbox
from cps_portal.core.outbox.mail import common_context

LINKS = ("activate_url", "password_reset_url", "signup_url")


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "account_inactive": _("This account is closed. Write to us if that’s a mistake."),
        "duplicate_email": _("That’s your address already. Type another one."),
        "email_password_mismatch": _("That email and password don’t go together. Check both."),
        "enter_current_password": _("That’s not your current password. Type it again."),
        "incorrect_password": _("That’s not your password. Type it again."),
        "rate_limited": _("Too many tries. Wait a few minutes, then try again."),
        "too_many_login_attempts": _("Too many tries. Wait a few minutes, then try again."),
    }

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Post the mail instead of sending it, so that it leaves if and only if the transaction commits."""
        everything = {**common_context(), "request": self.request, "email": email, **context}
        everything |= {name: at_home(everything[name]) for name in LINKS if name in everything}
        mail = self.render_mail(template_prefix, email, everything)
        payload = {"subject": mail.subject, "text": mail.body}
        for alternative in getattr(mail, "alternatives", ()):
            payload["html"] = alternative[0]
        with transaction.atomic():
            outbox.enqueue(key=f"account-{uuid.uuid4()}", kind="mail", to=email, payload=payload)


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "add_email_blocked": _("Turn two-step sign-in and passkeys off first, then change your address."),
        "incorrect_code": _("That code isn’t right, or its half minute is over. Type the newest one."),
        "unverified_email": _("Confirm your email first: follow the link we mailed you. Then come back here."),
    }

    def generate_authenticator_name(self, user: AbstractBaseUser, type: str) -> str:  # noqa: A002  # its name there
        number = user.authenticator_set.filter(type=type).count() + 1  # type: ignore[attr-defined]
        return gettext("Passkey %(number)d") % {"number": number}


def at_home(url: str) -> str:
    """The same page at SITE_URL: allauth takes the host from the request, which its sender may choose."""
    home: str = settings.SITE_URL
    return home + urlsplit(url)._replace(scheme="", netloc="").geturl()
