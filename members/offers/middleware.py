"""Removes what a device keeps of the member's pages on sign-out (R41)."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.signals import user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

SIGNED_OUT_ATTRIBUTE = "has_signed_out"


class ForgetCardMiddleware:
    """Has the browser delete the service worker and what it has stored, after the user signed out."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if hasattr(request, SIGNED_OUT_ATTRIBUTE):
            response["Clear-Site-Data"] = '"storage"'
        return response


@receiver(user_logged_out)
def mark_signed_out(request: HttpRequest | None, **_kwargs: Any) -> None:
    if request is not None:
        setattr(request, SIGNED_OUT_ATTRIBUTE, True)
