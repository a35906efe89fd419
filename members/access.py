"""Who may open a member's page, and the request that such a page gets."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.middleware import HtmxDetails

from members.models import Member, TermsVersion, User


class MemberRequest(HttpRequest):
    """A request whose member is known to be there."""

    user: User
    member: Member
    htmx: HtmxDetails


def member_of(request: HttpRequest) -> Member | None:
    """The member who is signed in; None for visitors and for staff who are not members."""
    return getattr(request.user, "member", None)


def terms_in_force() -> QuerySet[TermsVersion]:
    """The versions of the Terms of Use that hold by now, newest first (R9)."""
    return TermsVersion.objects.filter(valid_from__lte=timezone.now())


def newest_terms() -> TermsVersion | None:
    return terms_in_force().first()


def member_required(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A page of a member. Staff who are not members are led to the admin."""

    @wraps(view)
    def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not member_of(request):
            if request.user.is_authenticated and request.user.is_staff:
                return HttpResponseRedirect(reverse("admin:index"))
            raise PermissionDenied
        return view(cast(MemberRequest, request), *args, **kwargs)

    return door


def safe_next(request: HttpRequest, otherwise: str) -> str:
    """Where the form or link wants to go afterwards, if that is the path of one of our own pages."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    allowed = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if allowed and wanted.startswith("/") else otherwise
