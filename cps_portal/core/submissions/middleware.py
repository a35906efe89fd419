"""Ended sessions, stale forms, second presses (R71). Where each stands in MIDDLEWARE: settings/base.py."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.signals import user_logged_out
from django.contrib.auth.views import redirect_to_login
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from cps_portal.core.lib.second_factor import (
    has_second_factor,
    is_staff,
    redirect_to_second_factor,
    redirect_with_next,
    seconds_since_second_factor,
)
from cps_portal.core.submissions import tokens
from cps_portal.core.submissions.kept import (
    answer_stale,
    browser_of,
    cookie_name,
    fill_page,
    forget_sent,
    keep_interrupted,
    kept_forms,
)
from cps_portal.core.submissions.models import KeptForm
from cps_portal.core.submissions.once import find_attempt, redirect_url

OPEN_IN_ADMIN = {"admin:login", "admin:logout"}  # without a second factor


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
                cookie_name(),
                browser,
                max_age=settings.KEPT_FORM_FOR,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
        elif hasattr(request, "has_left"):
            response.delete_cookie(cookie_name(), samesite="Lax")
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


class SecondFactorMiddleware:
    """Asks staff for their second factor in the admin, and again before a sensitive step (settings.STEP_UP_VIEWS).

    Before OnceMiddleware: the detour is no answer to the form, which is kept.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, _view: Callable[..., HttpResponse], _args: Any, _kwargs: Any
    ) -> HttpResponse | None:
        match = request.resolver_match
        if not match or match.app_name != "admin" or match.view_name in OPEN_IN_ADMIN or not is_staff(request):
            return None
        page = tokens.current_page(request) or reverse("admin:index")
        if not has_second_factor(request):
            keep_interrupted(request)
            return redirect_with_next(reverse("admin:login"), page)
        asks = request.method in settings.STEP_UP_VIEWS.get(match.view_name, ())
        if not asks or seconds_since_second_factor(request) < settings.STEP_UP_SECONDS:
            return None
        keep_interrupted(request)
        if request.method == "POST" or is_download(request):
            messages.info(request, _("Confirm it’s you first. Then press the button again."))
        return redirect_to_second_factor(request, previous_page(request) if is_download(request) else page)


def is_download(request: HttpRequest) -> bool:
    """Whether the browser would stay on the page that it is on."""
    return request.path.endswith((".csv", ".pdf", ".xlsx"))


def previous_page(request: HttpRequest) -> str:
    """The page of ours with the link that was followed; the admin's first page if there is none."""
    referer = urlsplit(request.headers.get("Referer", ""))
    if referer.netloc != request.get_host():
        return reverse("admin:index")
    return referer._replace(scheme="", netloc="", fragment="").geturl()


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
