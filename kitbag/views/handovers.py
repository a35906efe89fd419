"""Handing a product to another member with a one-time code, and redeeming one (R35)."""

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.throttle import client_address, is_throttled
from kitbag.actions import handing_over, registrations, stolen, undoing
from kitbag.enums import RegistrationState
from kitbag.models import Registration
from kitbag.presenters.registrations import get_own_registration
from members.access import MemberRequest, member_required
from members.enums import Level
from members.forms.profile import add_refusal

PAGE_METHODS = ["GET", "HEAD", "POST"]
TOO_OFTEN = _("That was a lot of codes. Wait an hour, then try again.")


class RedeemForm(forms.Form):
    """The code as somebody wrote it down."""

    code = forms.CharField(
        label=_("Code"),
        max_length=100,
        help_text=_("Twelve signs, such as 7KQM-3XHA-9RTC. Capitals and hyphens don’t matter."),
        error_messages={
            "required": _("Type the code that you were given."),
            "max_length": _("A code has twelve signs. Type the code alone."),
        },
        widget=forms.TextInput(
            attrs={
                "class": "input input--serial",
                "autocomplete": "off",
                "autocapitalize": "characters",
                "spellcheck": "false",
            }
        ),
    )


@never_cache
@require_http_methods(PAGE_METHODS)
@member_required
def release(request: MemberRequest, pk: int) -> HttpResponse:
    """What it costs first, then the code, which is shown this once."""
    row = get_own_registration(request, pk)
    if refusal := handing_over.why_not(row):
        messages.info(request, str(refusal))
        return redirect(row)
    released = None
    if request.method == "POST":
        try:
            released = handing_over.release(registration=row, by=request.user, at=timezone.now())
        except Refusal as refusal:
            messages.info(request, str(refusal))
            return redirect(row)
    cost = registrations.removal_cost(row)
    context = {
        "row": row,
        "product": row.product,
        "cost": cost,
        "level_before": Level(cost.level_before).label,
        "level_after": Level(cost.level_after).label,
        "released": released,
        "open": handing_over.open_handover(row, timezone.now()),
        "days": settings.HANDOVER_DAYS,
    }
    return render(request, "kitbag/release.html", context)


@require_POST
@member_required
def revoke(request: MemberRequest, pk: int) -> HttpResponse:
    """Take the code back."""
    row = get_own_registration(request, pk)
    try:
        handing_over.revoke(registration=row, by=request.user, at=timezone.now())
    except Refusal as refusal:
        messages.info(request, str(refusal))
    else:
        messages.success(request, _t("The code no longer works. %(product)s stays yours.") % {"product": row.product})
    return redirect(row)


@never_cache
@sensitive_post_parameters("code")
@require_http_methods(PAGE_METHODS)
@member_required
def redeem(request: MemberRequest) -> HttpResponse:
    """The code, then what it brings, then it is the member's. Every code that cannot be redeemed has one answer."""
    form = RedeemForm(request.POST if request.method == "POST" else None)
    found = None
    status = 200
    if form.is_valid():
        if _tries_too_often(request):
            form.add_error("code", str(TOO_OFTEN))
            status = 429
        else:
            found = _redeemed_or_found(request, form)
            if found and found.member_id == request.member.pk:
                messages.success(request, _t("%(product)s is yours now, and it counts.") % {"product": found.product})
                return redirect(found)
    context = {"form": form, "found": found}
    return render(request, "kitbag/redeem.html", context, status=422 if form.errors and status == 200 else status)


def _redeemed_or_found(request: MemberRequest, form: RedeemForm) -> Registration | None:
    """The member's new registration once confirmed, before that the seller's; None with an error in the form."""
    code, now = form.cleaned_data["code"], timezone.now()
    try:
        if request.POST.get("do") == "redeem":
            return handing_over.redeem(code=code, member=request.member, by=request.user, at=now)
        return handing_over.find(code=code, member=request.member, at=now)
    except Refusal as refusal:
        add_refusal(form, refusal)
        return None


def _tries_too_often(request: HttpRequest) -> bool:
    """By member, and by address for those who have many accounts. Both are counted every time."""
    limits = settings.HANDOVER_LIMITS
    by_member = is_throttled(request, what="handover", limit=limits["redeem"])
    by_address = is_throttled(request, what="handover", limit=limits["address"], whom=f"ip:{address_of(request)}")
    return by_member or by_address


@require_POST
@member_required
def undo(request: MemberRequest, pk: int) -> HttpResponse:
    """Take a product back that was removed a moment ago (R26)."""
    row = get_own_registration(request, pk)
    try:
        row = undoing.undo_removal(registration=row, by=request.user, at=timezone.now())
    except Refusal as refusal:
        messages.info(request, str(refusal))
    else:
        counts = row.state == RegistrationState.VALIDATED
        sentence = _t("%(product)s is back, and it counts.") if counts else _t("%(product)s is back in your Kitbag.")
        messages.success(request, sentence % {"product": row.product})
    return redirect(row)


def ownership_context(row: Registration) -> dict[str, object]:
    """For the product's page: what its owner can do with it, and what has been done."""
    now = timezone.now()
    counts = row.state == RegistrationState.VALIDATED
    report = stolen.own_report(row) if counts else None
    return {
        "may_hand_over": counts and not report,
        "may_report": counts and bool(row.serial_key) and not report,
        "open_code": handing_over.open_handover(row, now) if counts and not report else None,
        "stolen_report": report,
        "found_case": stolen.found_case(row) if report else None,
        "may_undo": undoing.can_undo(row, now),
        "undo_days": settings.REMOVAL_UNDO_DAYS,
    }
