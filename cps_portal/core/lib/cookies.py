"""Cookies that no browser has from us, those of answers that failed, and the name of the one for messages."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage
from django.http import HttpRequest, HttpResponse


class BrokenCookiesMiddleware:
    """Ignores cookies with control characters: we set none, and PostgreSQL refuses text with a null character."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        for name in [name for name, value in request.COOKIES.items() if not value.isprintable()]:
            del request.COOKIES[name]
        return self.get_response(request)


class FailedAnswerMiddleware:
    """Leaves the CSRF token as it was if the answer is an error of ours: the form that was sent is going to come again.

    Signing in changes the token before the database can fail, and the page with the form still has the one before.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code >= 500:
            response.cookies.pop(settings.CSRF_COOKIE_NAME, None)
        return response


class PrefixedCookieStorage(CookieStorage):
    """Messages in a cookie whose name has the prefix of all our cookies."""

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.cookie_name = f"{settings.COOKIE_PREFIX}messages"


class MessageStorage(FallbackStorage):
    """Django's: in a cookie, or in the session what does not fit."""

    storage_classes = (PrefixedCookieStorage, SessionStorage)
