"""Sets `request.member` and their language; redirects closed accounts (R14) and members with new terms (R9)."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import translation
from django.utils.functional import SimpleLazyObject

from cps_portal.core.submissions.kept import keep_interrupted
from cps_portal.core.submissions.tokens import current_page
from members.access import member_of, terms_in_force
from members.models import Member, TermsAcceptance

TERMS_KEY = "terms_accepted"  # in the session: the version of the terms that is known to be accepted
LANGUAGE_KEY = "member_language"
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
        if settings.SESSION_COOKIE_NAME in request.COOKIES and (language := request.session.get(LANGUAGE_KEY)):
            translation.activate(language)
            request.LANGUAGE_CODE = translation.get_language()
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
    newest = terms_in_force().annotate(accepted=Exists(accepted)).values_list("version", "accepted").first()
    if newest and not newest[1]:
        return False
    request.session[TERMS_KEY] = newest[0] if newest else ""
    request.session[LANGUAGE_KEY] = member.language
    return True
