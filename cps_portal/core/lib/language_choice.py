"""In which language a page is: that of its address, of the account, of the switch, or of the browser, in this order.

Public pages have an address for each language, `/help/` in English and `/fr/help/` in French: see `in_each_language`.
The desk, the API and its guides are English.
"""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import is_valid_path
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.functional import lazy

from cps_portal.core.lib.languages import ENGLISH

ENGLISH_ONLY = ("/admin/", "/api/", "/developers/")
SESSION_KEY = "member_language"  # the language of the account, once its member has signed in
MAX_HEADER_LENGTH = 500
ACCEPTED = re.compile(r"\s*([A-Za-z]{1,8})(?:-[A-Za-z0-9-]*)?\s*(?:;\s*q=([01](?:\.[0-9]{0,3})?))?\s*")
NOT_FOUND = 404


def _with_language(route: str) -> str:
    language = translation.get_language() or ENGLISH
    return route if language == ENGLISH else f"{language}/{route}"


# The route of a page that has an address in each language: `path(in_each_language("help/"), ...)`.
in_each_language = lazy(_with_language, str)


def offered(language: str | None) -> str:
    """The language itself if the portal is offered in it, else ""."""
    return language if language and language in dict(settings.LANGUAGES) else ""


def language_of_path(path: str) -> str:
    """The language of an address such as /fr/help/; "" for one without."""
    first = path.split("/", 2)[1:2]
    return offered(first[0]) if first and first[0] != ENGLISH and path.count("/") > 1 else ""


def language_of_browser(header: str) -> str:
    """The language offered that comes first in Accept-Language, else English.

    Whoever reads Ukrainian is not given Russian without having asked for it by hand.
    """
    wishes: dict[str, float] = {}
    for part in header[:MAX_HEADER_LENGTH].split(","):
        if wish := ACCEPTED.fullmatch(part):
            language = wish[1].lower()
            wishes[language] = max(wishes.get(language, 0), float(wish[2] or 1))
    if "uk" in wishes:
        wishes.pop("ru", None)
    known = [language for language, weight in wishes.items() if weight and offered(language)]
    return max(known, key=lambda language: wishes[language], default=ENGLISH)


class LanguageMiddleware:
    """Activates the language of the page, and leads from `/help/` to `/fr/help/` whoever reads French.

    After SessionMiddleware. The language of the account is in the session (`remember_terms`).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        of_path = language_of_path(request.path_info)
        language = of_path or _chosen(request)
        translation.activate(language)
        request.LANGUAGE_CODE = language
        response = self.get_response(request)
        response.headers.setdefault("Content-Language", translation.get_language() or ENGLISH)
        if not of_path:
            patch_vary_headers(response, ["Accept-Language", "Cookie"])
            if response.status_code == NOT_FOUND and request.method in {"GET", "HEAD"}:
                return _redirect_to_language(request, language) or response
        return response


def _chosen(request: HttpRequest) -> str:
    if request.path_info.startswith(ENGLISH_ONLY):
        return ENGLISH
    if settings.SESSION_COOKIE_NAME in request.COOKIES and (account := offered(request.session.get(SESSION_KEY))):
        return account
    return (
        offered(request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME))
        or _language_of_previous_page(request)
        or language_of_browser(request.headers.get("Accept-Language", ""))
    )


def _language_of_previous_page(request: HttpRequest) -> str:
    """Whoever comes from /fr/ to the form for joining goes on in French, although cached pages set no cookie."""
    came_from = urlsplit(request.headers.get("Referer", "")[:MAX_HEADER_LENGTH])
    return language_of_path(came_from.path) if came_from.netloc == request.get_host() else ""


def _redirect_to_language(request: HttpRequest, language: str) -> HttpResponse | None:
    """To the address of a public page in the reader's language. None if there is none."""
    if language == ENGLISH or not is_valid_path(f"/{language}{request.path_info}"):
        return None
    response = HttpResponseRedirect(f"/{language}{request.get_full_path()}")
    patch_vary_headers(response, ["Accept-Language", "Cookie"])
    return response


def remember_language(response: HttpResponse, language: str) -> None:
    """Keep the choice in this browser, for pages before signing in."""
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=settings.LANGUAGE_COOKIE_AGE,
        secure=settings.LANGUAGE_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
