"""The pages "My data" and "Close the account" (R14). They parse and present."""

from datetime import timedelta
from urllib.parse import urlencode

from allauth.account.decorators import reauthentication_required
from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.throttle import is_throttled
from cps_portal.site import accounts
from cps_portal.site.my_data import archive
from kitbag.models import Registration
from members.access import MemberRequest, member_required
from members.forms.profile import CloseForm, add_refusal

FORM_METHODS = ["GET", "HEAD", "POST"]


@never_cache
@require_safe
@member_required
def my_data(request: MemberRequest) -> HttpResponse:
    """What can be downloaded, and what closing the account means."""
    context = {
        "member": request.member,
        "confirmed": did_recently_reauthenticate(request),
        "days": settings.CLOSING_DAYS,
    }
    return render(request, "members/my_data.html", context)


@require_POST
@member_required  # type: ignore[arg-type]  # streams
def download(request: MemberRequest) -> HttpResponseBase:
    """Everything held, to whoever has just shown that it is them; also of an account that is closed."""
    home = reverse("closing" if request.member.closed_at else "my_data")
    if not did_recently_reauthenticate(request):
        return redirect(f"{reverse('account_reauthenticate')}?{urlencode({'next': home})}")
    if is_throttled(request, what="my-data", limit=settings.MY_DATA_LIMIT):
        messages.error(request, _("You have downloaded this several times just now. Try again in an hour."))
        return redirect(home)
    at = timezone.now()
    answer = StreamingHttpResponse(archive(request.member, at=at), content_type="application/zip")
    answer["Content-Disposition"] = f'attachment; filename="cps-{request.member.number}-{at:%Y-%m-%d}.zip"'
    answer["Content-Encoding"] = "identity"  # a ZIP is small already
    answer["Cache-Control"] = "private, no-store"
    return answer


@never_cache
@require_http_methods(FORM_METHODS)
@member_required
@reauthentication_required  # type: ignore[untyped-decorator]  # allauth has no types
def close_account(request: MemberRequest) -> HttpResponse:
    """The last look before closing."""
    member, form = request.member, CloseForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            accounts.close_account(member=member, by=request.user, at=timezone.now())
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            logout(request)
            return redirect("account_closed")
    context = {
        "member": member,
        "form": form,
        "kit": Registration.objects.of(member).live().count(),
        "until": timezone.localtime() + timedelta(days=settings.CLOSING_DAYS),
        "days": settings.CLOSING_DAYS,
    }
    return render(request, "members/close_account.html", context, status=422 if form.errors else 200)


@login_not_required
@require_safe
def account_closed(request: HttpRequest) -> HttpResponse:
    """After closing, signed out."""
    return render(request, "members/account_closed.html", {"days": settings.CLOSING_DAYS})


@never_cache
@require_safe
@member_required
def closing(request: MemberRequest) -> HttpResponse:
    """All that somebody sees who signs in to an account that is closed: the way back."""
    until = request.member.reopens_until
    if until is None:
        return redirect("dashboard")
    context = {
        "member": request.member,
        "until": timezone.localtime(until),
        "over": timezone.now() > until,
        "confirmed": did_recently_reauthenticate(request),
    }
    return render(request, "members/closing.html", context)


@require_POST
@member_required
def reopen_account(request: MemberRequest) -> HttpResponse:
    """Back, with everything in it."""
    try:
        accounts.reopen_account(member=request.member, by=request.user, at=timezone.now())
    except Refusal as refusal:
        messages.error(request, str(refusal.message))
        return redirect("closing")
    messages.success(request, _("Your account is open again. Everything is as it was."))
    return redirect("dashboard")
