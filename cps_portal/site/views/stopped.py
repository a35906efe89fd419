"""The link in the old mailbox that stops an account, and what its owner reads when signing in (R69)."""

from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from cps_portal.core.lib.errors import Refusal
from cps_portal.site.emails import STOP_SALT
from cps_portal.site.lost_addresses import freeze_by_link
from members.models import LostAddress

FORM_METHODS = ["GET", "HEAD", "POST"]


@login_not_required
@never_cache
@require_http_methods(FORM_METHODS)
def stop_account(request: HttpRequest, token: str) -> HttpResponse:
    """Say what the link does, and do it when the button is pressed: programs that read mail follow links, too."""
    about = _request_of(token)
    if about is None:
        return render(request, "members/stop_account_over.html")
    if request.method == "POST":
        try:
            freeze_by_link(request=about, at=timezone.now())
        except Refusal as refusal:
            return render(request, "members/stop_account_over.html", {"refusal": refusal.message})
        logout(request)
        return redirect("account_stopped")
    return render(request, "members/stop_account.html", {"about": about})


@login_not_required
@require_safe
def account_stopped(request: HttpRequest) -> HttpResponse:
    """Nobody can sign in to this account; what happens next, and whom to write to. The same words for everybody."""
    return render(request, "members/account_stopped.html")


@login_not_required
@require_safe
def account_merged(request: HttpRequest) -> HttpResponse:
    """This account has become one with another one of the same person: which one to sign in to."""
    return render(request, "members/account_merged.html")


def _request_of(token: str) -> LostAddress | None:
    """None if the link is forged or too old."""
    try:
        key = signing.loads(token, salt=STOP_SALT)
    except signing.BadSignature:
        return None
    if not isinstance(key, int):
        return None
    return LostAddress.objects.with_link(timezone.now()).filter(pk=key, member__erased_at=None).first()
