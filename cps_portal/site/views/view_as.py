"""Looking at the portal as a member: read-only, for a while, recorded (R68).

Why it is done this way: docs/decisions/0017-viewing-as-a-member.md.
"""

import io
import re
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.conf import settings
from django.contrib import admin
from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import PermissionDenied
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.templatetags.static import static
from django.urls import Resolver404, ResolverMatch, resolve, reverse
from django.utils import timezone, translation
from django.utils.html import format_html
from django.utils.translation import get_language_info
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.middleware import HtmxDetails

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.reference import parse_reference
from cps_portal.core.lib.snapshot import nothing_after_snapshot, read_snapshot
from cps_portal.site.presenters.viewed_page import VIEWED_PAGES, rewrite_page
from members.actions import end_view, start_view
from members.models import Member, MemberView
from members.models.staff_access import MAX_REASON_LENGTH
from members.support.models import Case

RIGHT = "members.view_as_member"
START = "dashboard"
SERVER_KEYS = ("SERVER_NAME", "SERVER_PORT", "HTTP_HOST", "REMOTE_ADDR", "wsgi.url_scheme", "HTTP_X_FORWARDED_PROTO")
WORD = re.compile(r"[^\s,.;:()]+")


class NoSession(SessionBase):
    """The session of a member who is not there: empty, and never kept."""

    def load(self) -> dict[str, Any]:
        return {}

    def exists(self, session_key: str) -> bool:
        return False

    def create(self) -> None:
        raise PermissionDenied

    def save(self, must_create: bool = False) -> None:  # noqa: FBT001, FBT002  # Django's signature
        raise PermissionDenied

    def delete(self, session_key: str | None = None) -> None:
        raise PermissionDenied


# --- The view begins and ends ---------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def view_as(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask why; then the member's dashboard. With a view that is running, on to it."""
    member = _member_for(request, pk)
    user: Any = request.user
    refusal = None
    reason = request.POST.get("reason", request.GET.get("reason", ""))
    if request.method == "POST":
        try:
            start_view(member=member, reason=reason, by=user, at=timezone.now())
        except Refusal as error:
            refusal = error
        else:
            return HttpResponseRedirect(_address_of_view(member))
    elif _running(request, member, timezone.now()):
        return HttpResponseRedirect(_address_of_view(member))
    context = {
        **admin.site.each_context(request),
        "title": translation.gettext("View as a member"),
        "member": member,
        "reason": reason[:MAX_REASON_LENGTH],
        "refusal": refusal,
        "ended": MemberView.objects.filter(member=member, by=user).exists(),
        "minutes": settings.VIEW_AS_MINUTES,
        "max_length": MAX_REASON_LENGTH,
    }
    return TemplateResponse(request, "admin/desk/view_as.html", context, status=422 if refusal else 200)


@require_POST
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """Back to the desk."""
    member = _member_for(request, pk)
    user: Any = request.user
    end_view(member=member, by=user, at=timezone.now())
    return HttpResponseRedirect(reverse("admin:members_member_change", args=[member.pk]))


def _member_for(request: HttpRequest, pk: int) -> Member:
    if not request.user.has_perms([RIGHT, "members.view_member"]):
        raise PermissionDenied
    return get_object_or_404(Member.objects.select_related("user"), pk=pk)


def _running(request: HttpRequest, member: Member, at: datetime) -> MemberView | None:
    views = MemberView.objects.running(at).filter(member=member, by=request.user.pk)
    return views.order_by("-pk").first()


def _address_of_view(member: Member, path: str = "") -> str:
    return reverse("admin:member_viewed", args=[member.pk, (path or reverse(START)).removeprefix("/")])


# --- A page of the member --------------------------------------------------------------------------


@never_cache
@require_safe
def viewed(request: HttpRequest, pk: int, path: str) -> HttpResponse:
    """The member's page at `path`, as it is for them, if it is one that staff may see."""
    member = _member_for(request, pk)
    now = timezone.now()
    view = _running(request, member, now)
    if view is None:
        return HttpResponseRedirect(reverse("admin:member_view_as", args=[member.pk]))
    language = _language(request, member)
    page = ViewedPage(request, member, f"/{path}", language)
    with translation.override(language), read_snapshot(), nothing_after_snapshot():
        response = page.answer()
    if response.status_code in (301, 302):
        return page.follow(response["Location"])
    banner = _banner(request, view, now, language)
    body = rewrite_page(
        response.content.decode(), address=page.address, inside=page.inside, head=_head(), banner=banner
    )
    seconds = max(1, int((view.until - now).total_seconds()))
    back = reverse("admin:member_view_as", args=[member.pk])
    return HttpResponse(body, status=response.status_code, headers={"Refresh": f"{seconds}; url={back}"})


def _language(request: HttpRequest, member: Member) -> str:
    chosen = request.GET.get("language", "")
    return chosen if chosen in dict(settings.LANGUAGES) else member.language


class ViewedPage:
    """One page of the member: its request, its answer, and where its links lead."""

    def __init__(self, request: HttpRequest, member: Member, path: str, language: str) -> None:
        self.outer, self.member, self.path, self.language = request, member, path, language
        self.match = _resolve(path)
        query = parse_qsl(request.META.get("QUERY_STRING", ""))
        self.query = urlencode([(name, value) for name, value in query if name != "language"])
        self.address = f"{path}?{self.query}" if self.query else path
        # StaffAccessMiddleware records it.
        request.viewed_page = self.match.view_name if self.match and self.is_shown else "-"  # type: ignore[attr-defined]

    @property
    def is_shown(self) -> bool:
        return self.match is not None and self.match.view_name in VIEWED_PAGES

    def answer(self) -> HttpResponse:
        """What the member's view answers to them, or that it is not shown. Raises Http404 as it does."""
        request = self._request()
        if not self.is_shown or self.match is None:
            return render(request, "admin/desk/not_viewed.html", status=403)
        request.resolver_match = self.match
        response = self.match.func(request, *self.match.args, **self.match.kwargs)
        if callable(getattr(response, "render", None)):
            response = response.render()
        is_page = not response.streaming and response.get("Content-Type", "").startswith("text/html")
        return response if is_page else render(request, "admin/desk/not_viewed.html", status=403)

    def _request(self) -> Any:
        """A request of the member: only that and where it goes; no cookies, no session, nothing sent."""
        environ = {key: value for key, value in self.outer.META.items() if key in SERVER_KEYS}
        environ |= {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": self.path.encode().decode("latin-1"),
            "QUERY_STRING": self.query,
        }
        request: Any = WSGIRequest({**environ, "wsgi.input": io.BytesIO()})
        request.user, request.member, request.session = self.member.user, self.member, NoSession()
        request.viewed_by = self.outer.user
        request.htmx = HtmxDetails(request)
        request.LANGUAGE_CODE = self.language
        return request

    def inside(self, address: str) -> str | None:
        """The address in the view for one of the portal; None for one that is not shown."""
        parts = urlsplit(address)
        if parts.scheme not in ("", "http", "https") or parts.netloc not in ("", self.outer.get_host()):
            return None
        path = reverse(START) if parts.path == reverse("home") else parts.path
        match = _resolve(path)
        if match is None or match.view_name not in VIEWED_PAGES:
            return None
        query = parse_qsl(parts.query, keep_blank_values=True)
        if self.language != self.member.language:
            query.append(("language", self.language))
        end = (f"?{urlencode(query)}" if query else "") + (f"#{parts.fragment}" if parts.fragment else "")
        return _address_of_view(self.member, path) + end

    def follow(self, location: str) -> HttpResponse:
        """Where the member's page leads on to; to the start if that is not shown."""
        return HttpResponseRedirect(self.inside(location) or _address_of_view(self.member))


def _resolve(path: str) -> ResolverMatch | None:
    try:
        return resolve(path)
    except Resolver404:
        return None


def _head() -> str:
    return format_html(
        '<link rel="stylesheet" href="{}"><script src="{}" defer></script>',
        static("css/view-as.css"),
        static("js/view-as.js"),
    )


def _banner(request: HttpRequest, view: MemberView, now: datetime, language: str) -> str:
    seconds = max(0, int((view.until - now).total_seconds()))
    context = {
        "member": view.member,
        "view": view,
        "seconds": seconds,
        "left": f"{seconds // 60}:{seconds % 60:02d}",
        "case": _case_in(view),
        "languages": [(code, get_language_info(code)["name_local"]) for code, _name in settings.LANGUAGES],
        "language": language,
    }
    return render_to_string("admin/desk/_viewing.html", context, request=request)


def _case_in(view: MemberView) -> Case | None:
    """The member's case that the reason names."""
    words = [reference for word in WORD.findall(view.reason) if (reference := parse_reference(word))]
    return Case.objects.filter(member=view.member_id, reference__in=words).first() if words else None
