"""Headers of every answer that say what a browser may do with it, keep of it and give to others."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers, patch_cache_control, patch_vary_headers

OK, NOT_MODIFIED = 200, 304


class HeadersMiddleware:
    """Permissions-Policy, Cross-Origin-Resource-Policy, and Cache-Control where the view has not set its own.

    Pages of a session may be shown again only after asking the portal, and pages with codes or secrets are not stored.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.permissions = ", ".join(f"{feature}={allowed}" for feature, allowed in settings.PERMISSIONS_POLICY.items())

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        _send_no_cookie_twice(request, response)
        # Only documents ask for permissions. A drawing is smaller than the header, and a page loads a dozen files.
        if not request.path.startswith(settings.STATIC_URL):
            response.headers.setdefault("Permissions-Policy", self.permissions)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        match = request.resolver_match
        if match and match.view_name in settings.NEVER_STORED_VIEWS:
            add_never_cache_headers(response)
        elif "Cache-Control" not in response and has_session(request, response):
            response["Cache-Control"] = "private, no-cache"
        elif "Cache-Control" not in response and _is_for_everybody(request, response):
            patch_cache_control(response, public=True, no_cache=True)
            patch_vary_headers(response, ["Cookie"])
        return response


def _send_no_cookie_twice(request: HttpRequest, response: HttpResponse) -> None:
    """Drop the CSRF cookie that Django sends with every form, where the browser has the same one already.

    A page with `no-store` leaves Chromium's back/forward cache as soon as a cookie is set, even to the same value.
    """
    cookie = response.cookies.get(settings.CSRF_COOKIE_NAME)
    if cookie is not None and cookie.value == request.COOKIES.get(settings.CSRF_COOKIE_NAME):
        del response.cookies[settings.CSRF_COOKIE_NAME]


def _is_for_everybody(request: HttpRequest, response: HttpResponse) -> bool:
    """A public page for a visitor, in which nothing is about them: caches may keep it, and ask each time."""
    match = request.resolver_match
    return (
        bool(match and match.view_name in settings.SHARED_VIEWS)
        and request.method in {"GET", "HEAD"}
        and response.status_code in {OK, NOT_MODIFIED}
        and not response.cookies  # such as the one of a form
        and not request.COOKIES.keys() - {settings.LANGUAGE_COOKIE_NAME}
    )


def has_session(request: HttpRequest, response: HttpResponse) -> bool:
    """Whether the browser has a session, or gets one. Reading the session itself would make every page vary by it."""
    return settings.SESSION_COOKIE_NAME in {**request.COOKIES, **response.cookies}
