"""The switch of languages in the bar and the foot of each page (R56)."""

from urllib.parse import urlsplit

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import translate_url
from django.utils import translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from cps_portal.core.lib.language_choice import SESSION_KEY, language_of_path, offered, remember_language
from cps_portal.core.lib.languages import ENGLISH
from members import actions
from members.access import MemberRequest, member_required, safe_next


@login_not_required
@require_safe
@never_cache
def read_in(request: HttpRequest, language: str) -> HttpResponse:
    """Keep the language in a cookie and lead back. A link, because cached pages have no form; writes nothing else."""
    if not offered(language):
        raise Http404
    response = _back(request, language)
    remember_language(response, language)
    return response


@require_POST
@member_required
def change_language(request: MemberRequest) -> HttpResponse:
    """Keep the language in the account, for mails and other devices too, and lead back."""
    language = offered(request.POST.get("language"))
    if not language:
        return _back(request, request.member.language)
    actions.change_profile(member=request.member, language=language)
    request.session[SESSION_KEY] = language
    response = _back(request, language)
    remember_language(response, language)
    return response


def _back(request: HttpRequest, language: str) -> HttpResponse:
    """To the page that the person was on, at its address in the new language.

    A visitor's page may have a secret in its address, so the link names only public ones; else it is the page before.
    """
    page = safe_next(request, _page_before(request))
    with translation.override(language_of_path(page) or ENGLISH):
        return HttpResponseRedirect(translate_url(page, language))


def _page_before(request: HttpRequest) -> str:
    """The path of the page with the link; that of the home page if the browser does not say."""
    before = urlsplit(request.headers.get("Referer", ""))
    is_ours = before.netloc == request.get_host() and not before.path.startswith(("//", "/\\"))
    return before._replace(scheme="", netloc="", fragment="").geturl() if is_ours and before.path else "/"
