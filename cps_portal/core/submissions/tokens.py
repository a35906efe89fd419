"""The hidden field of a form: says who was signed in when the page was made, which page it was, and a random number.

It is signed. So nobody can make one for somebody else's account, and a form that another site sends has none.
"""

import secrets
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.core import signing
from django.http import HttpRequest

from cps_portal.core.submissions.models import MAX_PAGE_LENGTH

FIELD = "form_token"
SALT = "cps_portal.submissions"
SAFE_METHODS = ("GET", "HEAD")


@dataclass(frozen=True)
class FormToken:
    """`account` is None for a visitor. With `once`, the same form sent twice takes effect once."""

    nonce: str
    account: int | None
    page: str
    once: bool


def make_token(request: HttpRequest, *, once: bool) -> str:
    page = current_page(request) or request.path
    return signing.dumps([secrets.token_urlsafe(12), request.user.pk, page, once], salt=SALT)


def read_token(request: HttpRequest) -> FormToken | None:
    """The token of a form that was sent; None without one, or if we have not made it."""
    text = request.POST.get(FIELD, "")
    if not text:
        return None
    try:
        return FormToken(*signing.loads(text, salt=SALT))
    except (signing.BadSignature, TypeError):
        return None


def is_own_origin(request: HttpRequest) -> bool:
    """Whether a form comes from a page of ours: what another site sends must never be filled in for anybody."""
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.get_host()


def current_page(request: HttpRequest) -> str:
    """Path and query of the page that the person looks at; "" if it is not known.

    For htmx that is the page which asks for a fragment, for a form the page that it is on.
    """
    htmx = getattr(request, "htmx", None)
    if htmx:
        return _shorten(htmx.current_url_abs_path or "")
    if request.method in SAFE_METHODS:
        return _shorten(request.get_full_path())
    if token := read_token(request):
        return token.page
    referer = urlsplit(request.headers.get("Referer", ""))
    if referer.netloc != request.get_host():
        return ""
    return _shorten(referer._replace(scheme="", netloc="", fragment="").geturl())


def _shorten(url: str) -> str:
    if url.startswith("//"):  # browsers would read a host name in it
        return ""
    return url if len(url) <= MAX_PAGE_LENGTH else url.partition("?")[0][:MAX_PAGE_LENGTH]
