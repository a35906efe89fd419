"""What a link in a mail switches off, and an address that mails come back from (R56)."""

from typing import cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from cps_portal.core.lib.throttle import is_throttled
from members import actions
from members.access import MemberRequest, member_required
from members.models import Member
from members.models.people import MAIL_PREFERENCES, UNSUBSCRIBE_SALT


@csrf_exempt  # mail services send the POST of RFC 8058 without a cookie: the token in the address is what counts
@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Ask before mails of one kind are switched off. A POST does it, or undoes it, for whoever has the link."""
    member, preference = _read_token(token)
    if request.method == "POST":
        actions.set_mail_preference(member=member.pk, preference=preference, wanted="undo" in request.POST)
        member.refresh_from_db()
    with translation.override(member.language):
        context = {
            "preference": preference,
            "is_wanted": getattr(member, preference),
            "is_done": request.method == "POST",
        }
        return render(request, "members/unsubscribe.html", context)


def _read_token(token: str) -> tuple[Member, str]:
    """The member and the preference of a link; raises Http404 if it is forged, or the account is closed."""
    try:
        key, preference = signing.loads(token, salt=UNSUBSCRIBE_SALT)
        member = Member.objects.open().filter(pk=key).first()
    except (signing.BadSignature, TypeError, ValueError) as error:
        raise Http404 from error
    if member is None or preference not in MAIL_PREFERENCES:
        raise Http404
    return member, cast(str, preference)


@require_POST
@member_required
def confirm_again(request: MemberRequest) -> HttpResponse:
    """Send a confirmation link to an address that mails come back from."""
    email = request.POST.get("email", "")
    if is_throttled(request, scope="confirm-again", limit=settings.CONFIRM_AGAIN_LIMIT):
        messages.error(request, _("We’ve sent you several links already. Please look for them, or try again tomorrow."))
        return redirect("dashboard")
    address = actions.ask_to_confirm_again(user=request.user, email=email)
    if address is not None:
        address.send_confirmation(request)
        messages.success(
            request,
            _("We’ve sent a link to %(email)s. Follow it, and you’ll get our mails again.") % {"email": address.email},
        )
    return redirect("dashboard")
