"""Ended sessions, stale forms, second presses (R71). Where each stands in MIDDLEWARE: settings/base.py."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.signals import user_logged_out
from django.contrib.auth.views import redirect_to_login
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django_htmx.http import HttpResponseClientRedirect

from cps_portal.core.submissions import tokens
from cps_portal.core.submissions.kept import COOKIE, answer_stale, browser_of, fill_page, forget_sent, kept_forms
from cps_portal.core.submissions.models import KeptForm
from cps_portal.core.submissions.once import find_attempt, redirect_url


class HtmxRedirectMiddleware:
    """A redirect for htmx is one of the whole page: followed by the browser, it would put a page into a fragment."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        location = redirect_url(response)
        if not location or not request.htmx:  # type: ignore[attr-defined]
            return response
        answer = HttpResponseClientRedirect(location)
        answer.cookies = response.cookies
        return answer


class KeptFormMiddleware:
    """Keeps forms of an ended session or another account, and puts what was kept back into its page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if browser_of(request):
            if request.method == "GET" and (forms := kept_forms(request)):
                fill_page(request, response, forms)
                add_never_cache_headers(response)
            elif request.method == "POST" and redirect_url(response):
                forget_sent(request)
        if browser := getattr(request, "kept_in", None):
            response.set_cookie(
                COOKIE,
                browser,
                max_age=settings.KEPT_FORM_FOR,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
        elif hasattr(request, "has_left"):
            response.delete_cookie(COOKIE, samesite="Lax")
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], _args: Any, _kwargs: Any
    ) -> HttpResponse | None:
        if request.method != "POST" or getattr(view, "csrf_exempt", False):
            return None
        token = tokens.read_token(request)
        if token is None or token.account in (None, request.user.pk):
            return None
        return answer_stale(request, token)


class SignInRequiredMiddleware(LoginRequiredMiddleware):
    """Asks to sign in, and leads back to the page that the person was on, never to an address that only takes forms."""

    def handle_no_permission(self, request: HttpRequest, view_func: Any) -> HttpResponseRedirect:
        page = tokens.current_page(request) or reverse(settings.LOGIN_REDIRECT_URL)
        return redirect_to_login(page, resolve_url(self.get_login_url(view_func)))


class OnceMiddleware:
    """Answers the same form with `{% once %}` once. The last one, so that what it calls is the view itself.

    A form with files is left to its view (`run_once`), because files are stored before the transaction begins.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        if request.method != "POST" or getattr(view, "csrf_exempt", False):
            return None
        request.attempt = attempt = find_attempt(request)  # type: ignore[attr-defined]
        if attempt is None or request.FILES:
            return None
        return attempt.run(lambda: view(request, *args, **kwargs))


@receiver(user_logged_out)
def forget_on_sign_out(request: HttpRequest | None, **_kwargs: Any) -> None:
    """Delete what this browser has kept, of whatever account."""
    if request is not None and (browser := browser_of(request)):
        KeptForm.objects.filter(browser=browser).delete()
        request.has_left = True  # type: ignore[attr-defined]
