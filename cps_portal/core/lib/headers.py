"""Headers of every answer that say what a browser may do with it, keep of it and give to others."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers


class HeadersMiddleware:
    """Permissions-Policy, Cross-Origin-Resource-Policy, and Cache-Control where the view has not set its own.

    Pages of a session may be shown again only after asking the portal, and pages with codes or secrets are not stored.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.permissions = ", ".join(f"{feature}={allowed}" for feature, allowed in settings.PERMISSIONS_POLICY.items())

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", self.permissions)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        match = request.resolver_match
        if match and match.view_name in settings.NEVER_STORED_VIEWS:
            add_never_cache_headers(response)
        elif "Cache-Control" not in response and has_session(request, response):
            response["Cache-Control"] = "private, no-cache"
        return response


def has_session(request: HttpRequest, response: HttpResponse) -> bool:
    """Whether the browser has a session, or gets one. Reading the session itself would make every page vary by it."""
    return settings.SESSION_COOKIE_NAME in {**request.COOKIES, **response.cookies}
