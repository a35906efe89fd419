"""Access to members' pages, and the request that they get."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, cast

from django.conf import settings
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.middleware import HtmxDetails

from cps_portal.core.lib.snapshot import read_snapshot
from members.models import Device, Member, TermsVersion, User

DEVICE_SALT = "members.device"


class MemberRequest(HttpRequest):
    """A request of a signed-in member. A view that has counted what needs them sets `turn_count`, for the dot."""

    user: User
    member: Member
    htmx: HtmxDetails
    turn_count: int


def member_of(request: HttpRequest) -> Member | None:
    """The signed-in member; None for visitors and for staff who are not members."""
    return getattr(request.user, "member", None)


def terms_in_force(country: str = "") -> QuerySet[TermsVersion]:
    """Versions of the Terms of Use in force in a country: its own before the general ones, newest first (R9)."""
    versions = TermsVersion.objects.filter(valid_from__lte=timezone.now(), country__in={"", country})
    return versions.order_by("-country", "-valid_from")


def newest_terms(country: str = "") -> TermsVersion | None:
    """The terms that somebody there has to accept; without a country the general ones."""
    return terms_in_force(country).first()


def member_required(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Decorator for members' pages. Staff who are not members are redirected to the admin."""

    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not member_of(request):
            if request.user.is_authenticated and request.user.is_staff:
                return HttpResponseRedirect(reverse("admin:index"))
            raise PermissionDenied
        return view(cast(MemberRequest, request), *args, **kwargs)

    return wrapper


def is_viewed(request: HttpRequest) -> bool:
    """Whether staff look at the page, and the member is not there (R68): codes are not shown, nothing is issued."""
    return getattr(request, "viewed_by", None) is not None


@contextmanager
def answer_snapshot(request: MemberRequest) -> Iterator[None]:
    """Read a page that answers a form from one snapshot, with the member as of then. For GET the middleware does it.

    Load everything else that the page shows inside, too: what was read before the form took effect may have changed.
    """
    with read_snapshot():
        request.member.refresh_from_db()
        yield


def safe_next(request: HttpRequest, otherwise: str) -> str:
    """The `next` parameter if it is a path on this site, else `otherwise`: it must not redirect anywhere else."""
    url = request.POST.get("next") or request.GET.get("next") or ""
    allowed = url_has_allowed_host_and_scheme(
        url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return url if allowed and url.startswith("/") else otherwise


def device_keys(request: HttpRequest) -> list[str]:
    """The keys in the signed cookie of this browser: one for each account that has signed in here."""
    try:
        keys = signing.loads(
            request.COOKIES.get(settings.DEVICE_COOKIE_NAME, ""),
            salt=DEVICE_SALT,
            max_age=settings.DEVICE_COOKIE_AGE,
        )
    except signing.BadSignature:
        return []
    return keys if isinstance(keys, list) else []


def sign_device_keys(keys: list[str]) -> str:
    """The value of the cookie."""
    return signing.dumps(keys, salt=DEVICE_SALT)


def known_device(request: HttpRequest, user: User | None) -> str:
    """The key of this browser if the account has signed in here before, else an empty text.

    A session of the account is as good: it confirms who it is, and must not depend on what strangers do either.
    """
    if user is None:
        return ""
    if request.user.is_authenticated and request.user.pk == user.pk:
        return f"session {request.session.session_key}"
    keys = device_keys(request)
    return Device.objects.known(user, keys).values_list("key", flat=True).first() or "" if keys else ""
