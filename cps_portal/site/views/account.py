"""The pages "My data" and "Close the account" (R14)."""

from datetime import timedelta
from itertools import chain
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
from cps_portal.site import actions
from cps_portal.site.presenters.my_data import archive
from kitbag.models import Registration
from members.access import MemberRequest, member_required
from members.forms.common import add_refusal
from members.forms.profile import CloseForm
from members.models import MemberView
from members.queries import held_until

MAX_VIEWS_SHOWN = 20  # looks of staff; all of them are in the download
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
        "views": MemberView.objects.filter(member=request.member)[:MAX_VIEWS_SHOWN],
    }
    return render(request, "members/my_data.html", context)


@require_POST
@member_required  # type: ignore[arg-type]  # streams
def download(request: MemberRequest) -> HttpResponseBase:
    """Download everything held. Asks for the password again; works for a closed account, too."""
    home = reverse("closing" if request.member.closed_at else "my_data")
    if not did_recently_reauthenticate(request):
        return redirect(f"{reverse('account_reauthenticate')}?{urlencode({'next': home})}")
    if is_throttled(request, scope="my-data", limit=settings.MY_DATA_LIMIT):
        messages.error(request, _("You’ve downloaded this several times just now. Try again in an hour."))
        return redirect(home)
    at = timezone.now()
    chunks = archive(request.member, at=at)
    first = next(chunks)  # now, while an error can still be answered: before it all tables are written
    response = StreamingHttpResponse(chain([first], chunks), content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="cps-{request.member.number}-{at:%Y-%m-%d}.zip"'
    response["Content-Encoding"] = "identity"  # or GZipMiddleware would compress the ZIP once more
    response["Cache-Control"] = "private, no-store"
    return response


@never_cache
@require_http_methods(FORM_METHODS)
@member_required
@reauthentication_required  # type: ignore[untyped-decorator]  # allauth has no types
def close_account(request: MemberRequest) -> HttpResponse:
    """Confirm closing the account."""
    member, form = request.member, CloseForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            actions.close_account(member=member, by=request.user, at=timezone.now())
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
        "held_until": held_until(member, timezone.now()),
    }
    return render(request, "members/close_account.html", context, status=422 if form.errors else 200)


@login_not_required
@require_safe
def account_closed(request: HttpRequest) -> HttpResponse:
    """The page after closing, signed out."""
    return render(request, "members/account_closed.html", {"days": settings.CLOSING_DAYS})


@never_cache
@require_safe
@member_required
def closing(request: MemberRequest) -> HttpResponse:
    """The only page of a closed account: reopen it, download the data, or sign out."""
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
    """Reopen the account with everything in it."""
    try:
        actions.reopen_account(member=request.member, by=request.user, at=timezone.now())
    except Refusal as refusal:
        messages.error(request, str(refusal.message))
        return redirect("closing")
    messages.success(request, _("Your account is open again. Everything is as it was."))
    return redirect("dashboard")
