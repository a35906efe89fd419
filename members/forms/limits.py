"""Limits of what is tried on an account: how they are counted, and what the person who is refused reads."""

from collections.abc import Mapping

from allauth.account.utils import filter_users_by_email
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from cps_portal.core.lib.throttle import Limit, client_network
from cps_portal.core.limits.attempts import Attempt, count_attempt
from cps_portal.core.limits.store import count_refusal
from members.access import known_device
from members.models import User

SECONDS_PER_MINUTE = 60
SIGN_IN_OTHERWISE = _("Or set a new password by email, or use a device on which you’ve signed in before.")
SECOND_STEP_OTHERWISE = _("Or use a passkey, or a device on which you’ve signed in before.")
RESET_OTHERWISE = _("Look for the emails that we’ve sent to the address already: the link in each of them works.")


def count_for_account(
    request: HttpRequest, scope: str, limits: Mapping[str, Limit], *, email: str = "", user: User | None = None
) -> Attempt:
    """Count an attempt on the account of `user`, or on that with this address; unknown ones are counted likewise."""
    owner = user or _owner_of(email)
    account = f"user {owner.pk}" if owner else f"email {email}"
    return count_attempt(
        scope, limits, account=account, address=client_network(request), device=known_device(request, owner)
    )


def _owner_of(email: str) -> User | None:
    """The account with this address; None if it is nobody's, or only several want to change to it.

    Whoever wants to change to it is found as well, and must not be taken for the owner: attempts on the owner would
    then count for them, and in a browser that knows them as those of a known device.
    """
    if owner := User.objects.filter(email=email.lower()).first():
        return owner
    users: list[User] = filter_users_by_email(email)
    return users[0] if len(users) == 1 else None


def too_many_attempts(request: HttpRequest, attempt: Attempt, otherwise: str | Promise) -> ValidationError:
    """The error to show, with when it works again and what else can be done; the answer becomes 429."""
    return refuse_for(request, attempt.wait, otherwise)


def refuse_for(request: HttpRequest, seconds: int, otherwise: str | Promise = "") -> ValidationError:
    count_refusal("too_many")
    request.retry_after = seconds  # type: ignore[attr-defined]  # SignInMiddleware answers 429 with it
    minutes = -(-seconds // SECONDS_PER_MINUTE)
    when = ngettext(
        "Too many attempts. Try again in %(n)d minute.", "Too many attempts. Try again in %(n)d minutes.", minutes
    )
    return ValidationError(f"{when % {'n': minutes}} {otherwise}".strip(), code="too_many_attempts")
