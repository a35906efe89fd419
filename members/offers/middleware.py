"""Whoever signs out leaves no card on the device (R41)."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.signals import user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

MARK = "has_signed_out"


class ForgetCardMiddleware:
    """Tells the browser to drop what the card's service worker keeps, and the worker itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if hasattr(request, MARK):
            response["Clear-Site-Data"] = '"storage"'
        return response


@receiver(user_logged_out)
def mark_signed_out(request: HttpRequest | None, **_kwargs: Any) -> None:
    if request is not None:
        setattr(request, MARK, True)
