"""What was typed into a form is kept while the person signs in again, and put back into it (R71)."""

from collections.abc import Sequence
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render, resolve_url
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _

from cps_portal.core.files.models import StoredFile
from cps_portal.core.lib.throttle import is_throttled
from cps_portal.core.submissions import actions, tokens
from cps_portal.core.submissions.filling import Decorate, fill_in
from cps_portal.core.submissions.models import KeptForm
from cps_portal.core.submissions.tokens import FormToken

MIN_COPIED_LENGTH = 20  # characters: shorter values are no trouble to type again


def cookie_name() -> str:
    return f"{settings.COOKIE_PREFIX}kept_forms"


def browser_of(request: HttpRequest) -> str:
    """The value of the cookie; "" without it, or if it is none of ours: anybody can send anything."""
    browser = request.COOKIES.get(cookie_name(), "")
    return browser if actions.BROWSER.fullmatch(browser) else ""


def answer_stale(request: HttpRequest, token: FormToken) -> HttpResponse:
    """Keep what was typed, and lead to signing in or back to the form."""
    is_signed_in = request.user.is_authenticated
    account = token.account or request.user.pk
    is_kept = keep_posted(request, token, account=account)
    if is_signed_in and account != request.user.pk:
        return render(request, "403_csrf.html", {"is_other_account": True}, status=403)
    if not is_kept and (texts := texts_to_copy(request)):
        return render(request, "403_csrf.html", {"texts": texts, "page": token.page}, status=403)
    if account is None or is_signed_in:
        if not is_kept:
            messages.warning(request, _("This page was out of date, so nothing has been sent. Do it once more."))
        return HttpResponseRedirect(token.page)
    messages.warning(request, _("You were signed out, so nothing has been sent. Sign in, check it, and send it again."))
    return HttpResponseRedirect(f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': token.page})}")


def keep_posted(request: HttpRequest, token: FormToken, *, account: int | None) -> bool:
    """Keep the posted form for that account in this browser. False if there is nothing to keep or too much of it."""
    if is_throttled(request, scope="keep-form", limit=settings.KEPT_FORM_LIMIT):
        return False
    browser = browser_of(request) or actions.new_browser()
    is_kept = actions.keep_form(
        browser=browser, account=account, token=token, path=posted_path(request), data=request.POST, at=timezone.now()
    )
    if is_kept:
        request.kept_in = browser  # type: ignore[attr-defined]  # KeptFormMiddleware sets the cookie
    return is_kept


def keep_interrupted(request: HttpRequest) -> None:
    """For a form that is not answered, because something else has to be done first, such as accepting new terms."""
    token = tokens.read_token(request) if request.method == "POST" else None
    if token and token.account == request.user.pk:
        keep_posted(request, token, account=token.account)


def posted_path(request: HttpRequest) -> str:
    """The address that a form is sent to, percent-encoded, without a query."""
    return request.get_full_path().partition("?")[0]


def texts_to_copy(request: HttpRequest) -> list[str]:
    """Longer texts of a form that could not be kept, so that people can copy them."""
    fields = actions.fields_to_keep(request.POST)
    return [value for _name, values in fields for value in values if len(value) >= MIN_COPIED_LENGTH]


def kept_forms(request: HttpRequest) -> list[KeptForm]:
    """What is kept for this page, of the person who is signed in now."""
    browser = browser_of(request)
    if not browser:
        return []
    if not hasattr(request, "kept_forms"):
        rows = KeptForm.objects.of(browser, request.user.pk).filter(page=tokens.current_page(request))
        request.kept_forms = [row for row in rows if row.is_fresh(timezone.now())]  # type: ignore[attr-defined]
    return list(request.kept_forms)  # type: ignore[attr-defined]


def kept_values(request: HttpRequest) -> QueryDict | None:
    """What was typed into the form of this page, for a view whose fields depend on it; None if nothing is kept."""
    if request.method != "GET":
        return None
    return next((form.values for form in kept_forms(request) if form.path == posted_path(request)), None)


def forget_sent(request: HttpRequest) -> None:
    """Delete what was kept of a form that has been accepted now."""
    token = tokens.read_token(request)
    if token and not hasattr(request, "kept_in"):
        rows = KeptForm.objects.of(browser_of(request), token.account or request.user.pk)
        rows.filter(page=token.page, path=posted_path(request)).delete()


def fill_page(request: HttpRequest, response: HttpResponse, forms: Sequence[KeptForm]) -> None:
    """Put the values back into the page, with a line above the form."""
    is_page = response.status_code == 200 and response.get("Content-Type", "").startswith("text/html")
    if not is_page or response.streaming or getattr(request, "htmx", False):
        return
    is_admin = bool(request.resolver_match and request.resolver_match.app_name == "admin")

    def notice(form: KeptForm) -> str:
        return render_to_string("components/kept_form.html", {"form": form, "is_admin": is_admin}, request)

    def file(name: str, key: str) -> str:
        row = StoredFile.objects.kept().filter(key=key, owner=request.user.pk, attached_at=None).first()
        return render_to_string("files/_uploaded.html", {"name": name, "key": key, "file": row}) if row else ""

    page = response.content.decode(response.charset)
    filled = fill_in(page, page=posted_path(request), kept=forms, decorate=Decorate(notice, file))
    response.content = filled.encode(response.charset)
