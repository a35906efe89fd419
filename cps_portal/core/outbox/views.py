"""Where the mail provider reports bounces and complaints.

anymail checks passwords and signatures, reads the provider's form, and sends its signal `tracking` for each event.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from anymail import urls as anymail_urls
from anymail.exceptions import AnymailConfigurationError
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

# What anymail's readers raise for a body that the provider would never send.
UNREADABLE = (ArithmeticError, AttributeError, LookupError, OSError, RecursionError, TypeError, ValueError)


@contextmanager
def _garbage_refused() -> Iterator[None]:
    try:
        yield
    except (*UNREADABLE, AnymailConfigurationError) as error:
        raise BadRequest("this is no report of the mail provider") from error


class GarbageRefused:
    """Mixin for anymail's views: answer 400 instead of 500 to what cannot be read."""

    def run_validators(self, request: HttpRequest) -> None:
        with _garbage_refused():
            super().run_validators(request)  # type: ignore[misc]  # of anymail's view

    def parse_events(self, request: HttpRequest) -> list[Any]:
        with _garbage_refused():
            return list(super().parse_events(request))  # type: ignore[misc]


@cache
def _view_of(provider: str) -> Callable[[HttpRequest], HttpResponse]:
    """anymail's view for reports of this provider. Raises LookupError if it has none."""
    views = {pattern.name: pattern.callback.view_class for pattern in anymail_urls.urlpatterns}
    view = type("TrackingView", (GarbageRefused, views[f"{provider}_tracking_webhook"]), {})
    handler: Callable[[HttpRequest], HttpResponse] = view.as_view()  # type: ignore[attr-defined]
    return handler


@csrf_exempt
@login_not_required
def mail_events(request: HttpRequest) -> HttpResponse:
    """Events of the provider that is set up; 404 if mails leave by SMTP."""
    if not settings.EMAIL_PROVIDER:
        raise Http404
    return _view_of(settings.EMAIL_PROVIDER)(request)
