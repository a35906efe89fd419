"""allauth's adapters: error messages, mails through the outbox, sealed secrets, names of passkeys."""

import uuid
from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.account.signals import email_changed, email_confirmed
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added
from anymail.signals import AnymailTrackingEvent, tracking
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import IntegrityError, transaction
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.sealing import Purpose, seal, unseal
from cps_portal.core.lib.text import clean_email, clean_password
from cps_portal.core.limits.store import count_refusal
from cps_portal.core.outbox import actions as outbox
from cps_portal.core.outbox import suppressions
from cps_portal.core.outbox.mail import common_context, essential, render_parts
from members import actions
from members.emails import joined_context
from members.forms.limits import SIGN_IN_OTHERWISE, count_for_account, too_many_attempts
from members.models import AccountFreeze, Member, User

REFUSALS = {  # allauth's codes of errors when signing in, and the reasons under which they are counted
    "email_password_mismatch": "password",
    "incorrect_password": "password",
    "incorrect_code": "second_factor",
    "too_many_login_attempts": "too_many",
    "rate_limited": "too_many",
    "account_inactive": "inactive",
}
JOINED = "account/email/email_confirmation_signup"
LINKS = ("activate_url", "password_reset_url", "signup_url")


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "account_inactive": _("This account is closed. If that’s a mistake, please write to us."),
        "duplicate_email": _("That’s already your address. Type a different one."),
        "email_password_mismatch": _("That email and password don’t match. Please check both."),
        "email_taken": _("There’s an account with this address already. Sign in, or set a new password."),
        "enter_current_password": _("That’s not your current password. Please try again."),
        "incorrect_password": _("That’s not your password. Please try again."),
        "rate_limited": _("Too many attempts. Please wait a few minutes and try again."),
        "too_many_login_attempts": _("Too many attempts. Please wait a few minutes and try again."),
    }

    def validation_error(self, code: str, *args: Any) -> Any:
        return _counted(code, super().validation_error(code, *args))

    def clean_password(self, password: str, user: User | None = None) -> str:
        """Validate a new password in the form in which it is hashed."""
        cleaned: str = super().clean_password(clean_password(password), user=user)
        return cleaned

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the attempt instead of allauth, whose limit by account would let strangers lock the owner out."""
        email = clean_email(credentials.get("email", ""))
        self.attempt = count_for_account(request, "sign-in", settings.SIGN_IN_LIMITS, email=email)
        if self.attempt.wait:
            raise too_many_attempts(request, self.attempt, SIGN_IN_OTHERWISE)

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        user: User | None = super().authenticate(request, **credentials)
        if user:
            self.attempt.give_back()
        # Not when somebody who is signed in types it again: this request would save its session with the old hash.
        if user and not request.user.is_authenticated:
            actions.renew_hash(user=user, password=credentials.get("password", ""))
        return user

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        """Only whoever has the right password or passkey gets here (R69)."""
        if AccountFreeze.objects.standing().filter(member__user=user).exists():
            return redirect("account_stopped")
        if Member.objects.filter(user=user, merged_into__isnull=False, erased_at=None).exists():
            return redirect("account_merged")
        response: HttpResponse = super().respond_user_inactive(request, user)
        return response

    def send_notification_mail(
        self, template_prefix: str, user: User, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        """Not about a new address: `record_change` tells the old one, with a link that undoes it."""
        if template_prefix != "account/email/email_changed":
            super().send_notification_mail(template_prefix, user, context, email)

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        """The new address, and what lets the old one undo it, are written together.

        False if another account has the address, confirmed or not.
        """
        try:
            with transaction.atomic():
                confirmed: bool = super().confirm_email(request, email_address)
        except IntegrityError:  # allauth looks only for other accounts that have confirmed it
            context = {"email": email_address.email}
            self.add_message(request, messages.ERROR, "account/messages/email_confirmation_failed.txt", context)
            return False
        return confirmed

    def get_reauthentication_methods(self, user: User | AnonymousUser) -> list[dict[str, Any]]:
        """Not by password for staff with a second factor: it would not be enough for what they want to do (R54)."""
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        others = [method for method in methods if method["id"] != "reauthenticate"]
        return others if others and getattr(user, "is_staff", False) else methods

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Post the mail instead of sending it, so that it leaves if and only if the transaction commits."""
        full_context = {**common_context(), "request": self.request, "email": email, **context}
        full_context |= {name: with_site_url(full_context[name]) for name in LINKS if name in full_context}
        if template_prefix == JOINED:
            full_context |= joined_context(context["user"].member)
        payload = render_parts(f"{template_prefix}_subject.txt", f"{template_prefix}_message.html", full_context)
        with transaction.atomic():
            outbox.enqueue(key=f"account-{uuid.uuid4()}", kind="mail", to=email, payload=essential(payload))


@receiver(email_changed)
def record_change(
    user: User, from_email_address: EmailAddress | None, to_email_address: EmailAddress, **_kwargs: Any
) -> None:
    """An address that nobody confirmed gets no link: it may belong to somebody else, who could take the account."""
    old = from_email_address
    if old is None or not old.verified or old.email == to_email_address.email:
        return
    actions.record_email_change(user=user, old_email=old.email, new_email=to_email_address.email, at=timezone.now())


@receiver(tracking)
def hear_of_mail(event: AnymailTrackingEvent, **_kwargs: Any) -> None:
    actions.record_mail_event(event=event, at=timezone.now())


@receiver(email_confirmed)
def write_to_confirmed_address(email_address: EmailAddress, **_kwargs: Any) -> None:
    """Mails go to it again, if they came back before."""
    suppressions.lift(address=email_address.email, at=timezone.now())


@receiver(email_changed)
def forget_old_address(from_email_address: EmailAddress | None, **_kwargs: Any) -> None:
    """Nobody is told of mails to an address that is no longer theirs."""
    if from_email_address is not None:
        suppressions.forget(addresses=[from_email_address.email])


@receiver(authenticator_added)
def offer_no_passkey(user: User, authenticator: Authenticator, **_kwargs: Any) -> None:
    if authenticator.type == Authenticator.Type.WEBAUTHN:
        actions.stop_offering_passkey(user=user)


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

    def validation_error(self, code: str, *args: Any) -> Any:
        return _counted(code, super().validation_error(code, *args))

    def generate_authenticator_name(self, user: AbstractBaseUser, type: str) -> str:  # noqa: A002  # its name there
        number = user.authenticator_set.filter(type=type).count() + 1  # type: ignore[attr-defined]
        return gettext("Passkey %(number)d") % {"number": number}


def _counted(code: str, error: Any) -> Any:
    """The same error, counted if it refuses to sign somebody in."""
    if reason := REFUSALS.get(code):
        count_refusal(reason)
    return error


def with_site_url(url: str) -> str:
    """The same path at SITE_URL. allauth takes the host from the request, where an attacker can set it."""
    site_url: str = settings.SITE_URL
    return site_url + urlsplit(url)._replace(scheme="", netloc="").geturl()
