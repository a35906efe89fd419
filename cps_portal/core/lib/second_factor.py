"""The second factor of staff: whether this session has given one, and how long ago."""

import time
from urllib.parse import urlencode

from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse

METHODS = {  # the page on which it is given again, by the kind of factor
    Authenticator.Type.TOTP: "mfa_reauthenticate",
    Authenticator.Type.WEBAUTHN: "mfa_reauthenticate_webauthn",
}


def is_staff(request: HttpRequest) -> bool:
    return bool(request.user.is_authenticated and request.user.is_active and getattr(request.user, "is_staff", False))


def second_factors(request: HttpRequest) -> list[str]:
    """The kinds of second factors that the user has set up, authenticator apps first."""
    rows = Authenticator.objects.filter(user_id=request.user.pk, type__in=METHODS)
    kinds = set(rows.values_list("type", flat=True))
    return [kind for kind in METHODS if kind in kinds]


def has_second_factor(request: HttpRequest) -> bool:
    """Whether this session has given a second factor today, and the user has not removed it since.

    It is not enough that the user has set one up: a session from before that was opened without it.
    """
    if not hasattr(request, "has_second_factor"):
        is_given = seconds_since_second_factor(request) < settings.STAFF_SESSION_SECONDS
        has_one = is_given and bool(second_factors(request))
        request.has_second_factor = has_one  # type: ignore[attr-defined]  # one query a request
    return bool(request.has_second_factor)  # type: ignore[attr-defined]


def seconds_since_second_factor(request: HttpRequest) -> float:
    """Infinite if this session has given none."""
    records = get_authentication_records(request, request.user)
    moments = [float(record.get("at", 0)) for record in records if record.get("method") == "mfa"]
    return time.time() - max(moments) if moments else float("inf")


def redirect_to_second_factor(request: HttpRequest, next_url: str) -> HttpResponseRedirect:
    """To where the user gives the second factor, and then on to `next_url`; to setting one up, if there is none."""
    kinds = second_factors(request)
    if not kinds:
        return HttpResponseRedirect(reverse("mfa_index"))
    return redirect_with_next(reverse(METHODS[Authenticator.Type(kinds[0])]), next_url)


def redirect_with_next(url: str, next_url: str) -> HttpResponseRedirect:
    return HttpResponseRedirect(f"{url}?{urlencode({REDIRECT_FIELD_NAME: next_url})}")
