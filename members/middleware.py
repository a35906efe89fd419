"""Sets `request.member`; redirects closed accounts (R14) and members with new terms (R9).

Remembers the browsers that accounts sign in on.
"""

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from allauth.account.signals import authentication_step_completed, password_changed, password_set
from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.core.exceptions import ValidationError
from django.core.validators import validate_ipv46_address
from django.db.models import Exists, OuterRef
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.functional import SimpleLazyObject

from cps_portal.core.lib.language_choice import SESSION_KEY, language_of_path, offered
from cps_portal.core.lib.throttle import client_address
from cps_portal.core.submissions.kept import keep_interrupted
from cps_portal.core.submissions.tokens import current_page
from members import actions
from members.access import device_keys, member_of, sign_device_keys, terms_in_force
from members.models import Device, Member, TermsAcceptance, User

TERMS_KEY = "terms_accepted"  # in the session: the version of the terms that is known to be accepted
PASSKEY_OFFER_KEY = "offers_passkey"  # in the session: the next dashboard offers one
SEEN_KEY = "seen_at"  # in the session: when it was last recorded that it is in use, in seconds since 1970
TOO_MANY_REQUESTS = 429
OPEN_TO_CLOSED_ACCOUNTS = {  # besides the public pages (R14)
    "closing",
    "reopen_account",
    "my_data_download",
    "account_logout",
    "account_reauthenticate",
    "mfa_reauthenticate",
    "mfa_reauthenticate_webauthn",
    "mfa_login_webauthn",
}
OPEN_WITHOUT_TERMS = {"members:terms", "account_logout"}


class MemberMiddleware:
    """Adds `request.member`, loaded when it is first used. Checks the terms once per session, not per request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.member = SimpleLazyObject(lambda: member_of(request))  # type: ignore[attr-defined]
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Redirect members who have not accepted the newest terms to the page that asks for it, and back afterwards."""
        match = request.resolver_match
        if not getattr(view, "login_required", True) or not match:
            return None
        if match.app_name == "admin" or request.path.startswith("/api/") or not request.user.is_authenticated:
            return None
        request.member = member = member_of(request)  # type: ignore[attr-defined]  # no longer lazy: every page from here on needs it
        if member and member.closed_at:
            return None if match.view_name in OPEN_TO_CLOSED_ACCOUNTS else _interrupt(request, reverse("closing"))
        if match.view_name in OPEN_WITHOUT_TERMS or TERMS_KEY in request.session:
            return None
        if member is None or remember_terms(request, member):
            return None
        next_url = current_page(request) or reverse(settings.LOGIN_REDIRECT_URL)
        return _interrupt(request, f"{reverse('members:terms')}?{urlencode({'next': next_url})}")


def _interrupt(request: HttpRequest, url: str) -> HttpResponse:
    """Redirect to what has to be done first. A form that was being sent is put back afterwards (R71)."""
    keep_interrupted(request)
    return HttpResponseRedirect(url)


def remember_terms(request: HttpRequest, member: Member) -> bool:
    """Store in the session that the newest terms are accepted, and the language. False if they are not accepted."""
    accepted = TermsAcceptance.objects.filter(member=member, terms=OuterRef("pk"))
    in_force = terms_in_force(member.country.code)
    newest = in_force.annotate(accepted=Exists(accepted)).values_list("version", "accepted").first()
    if newest and not newest[1]:
        return False
    request.session[TERMS_KEY] = newest[0] if newest else ""
    request.session[SESSION_KEY] = member.language
    if (language := offered(member.language)) and not language_of_path(request.path_info):
        translation.activate(language)  # this page too, the first one after signing in
    return True


class SignInMiddleware:
    """Sets the cookie that makes this browser known, records that a session is in use, and answers limits with 429.

    Before the snapshot of the page, because it writes: once in SEEN_EVERY_SECONDS for each session.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        key = ""
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            _record_seen(request)
            key = request.session.session_key or ""
        response = self.get_response(request)
        _follow_session(request, key)
        if keys := getattr(request, "new_device_keys", None):
            response.set_cookie(
                settings.DEVICE_COOKIE_NAME,
                sign_device_keys(keys),
                max_age=settings.DEVICE_COOKIE_AGE,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
        if seconds := getattr(request, "retry_after", 0):
            response.status_code = TOO_MANY_REQUESTS
            response.headers["Retry-After"] = str(seconds)
        return response


def _record_seen(request: HttpRequest) -> None:
    """At most once in SEEN_EVERY_SECONDS."""
    now = time.time()
    if request.session.get(SEEN_KEY, now) > now - settings.SEEN_EVERY_SECONDS:
        return
    request.session[SEEN_KEY] = now
    actions.record_seen(session_key=request.session.session_key or "", browser=_browser_of(request), at=timezone.now())


def _follow_session(request: HttpRequest, old: str) -> None:
    """The session has another key: the admin has changed the password, which sends no signal."""
    new = request.session.session_key
    if not old or new in (None, old) or hasattr(request, "new_device_keys") or not request.user.is_authenticated:
        return
    if not Device.objects.filter(session_key=new).exists():
        remember_device(request=request, user=User.objects.get(pk=request.user.pk))


@receiver(authentication_step_completed)
def renew_session(request: HttpRequest, *, reauthenticated: bool = False, **_kwargs: Any) -> None:
    """Whoever knew the session before the password or the second factor was given again must not share what follows."""
    if reauthenticated:
        old = request.session.session_key or ""
        request.session.cycle_key()
        actions.record_new_session_key(old=old, new=request.session.session_key or "")


@receiver(user_logged_out)
def stop_pushing(request: HttpRequest | None, **_kwargs: Any) -> None:
    """To this browser."""
    if request is not None and request.session.session_key:
        actions.unsubscribe(session_key=request.session.session_key)


@receiver(user_logged_in)
def offer_passkey(request: HttpRequest, user: User, **_kwargs: Any) -> None:
    """The next dashboard offers a passkey, once after each signing in, until there is one or it is declined."""
    if user.passkey_offer:
        request.session[PASSKEY_OFFER_KEY] = True


@receiver([user_logged_in, password_changed, password_set])
def remember_device(request: HttpRequest, user: User, **_kwargs: Any) -> None:
    """At sign-in, and with a new password, which gives the session and the device new keys."""
    if not request.session.session_key:
        request.session.save()
    keys = device_keys(request)
    device = actions.record_sign_in(
        user=user,
        session_key=request.session.session_key or "",
        keys=keys,
        browser=_browser_of(request),
        at=timezone.now(),
    )
    others = [key for key in keys if key != device.key]
    request.new_device_keys = [device.key, *others][: settings.MAX_DEVICE_ACCOUNTS]  # type: ignore[attr-defined]
    request.session[SEEN_KEY] = time.time()


def _browser_of(request: HttpRequest) -> actions.Browser:
    """What the request tells; outside of a server, such as in commands, there is no address."""
    address = client_address(request) if request.META.get("REMOTE_ADDR") else None
    try:
        validate_ipv46_address(address or "")
    except ValidationError:
        address = None
    return actions.Browser(request.headers.get("User-Agent", "").replace("\0", ""), address)
