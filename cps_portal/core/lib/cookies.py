"""Cookies that no browser has from us."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse


class BrokenCookiesMiddleware:
    """Ignores cookies with control characters: we set none, and PostgreSQL refuses text with a null character."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        for name in [name for name, value in request.COOKIES.items() if not value.isprintable()]:
            del request.COOKIES[name]
        return self.get_response(request)
