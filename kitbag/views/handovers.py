"""Hand a product to another member with a one-time code, or redeem such a code (R35)."""

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
from cps_portal.core.lib.throttle import client_network, is_throttled
from kitbag.actions import handovers, removals, stolen_reports
from kitbag.enums import RegistrationState
from kitbag.models import Registration
from kitbag.queries.around import Around
from kitbag.views.shortcuts import get_own_registration
from members.access import MemberRequest, member_required
from members.enums import Level
from members.forms.common import add_refusal
from members.queries import held_until, membership_of

PAGE_METHODS = ["GET", "HEAD", "POST"]
TOO_OFTEN = _("That was a lot of codes. Please wait an hour, then try again.")


class RedeemForm(forms.Form):
    code = forms.CharField(
        label=_("Code"),
        max_length=100,
        help_text=_("Twelve letters and digits, such as 7KQM-3XHA-9RTC. Capitals and hyphens don’t matter."),
        error_messages={
            "required": _("Type the code that you were given."),
            "max_length": _("A code has twelve letters and digits. Type only the code."),
        },
        widget=forms.TextInput(
            attrs={
                "class": "input input--serial",
                "autocomplete": "off",
                "autocapitalize": "characters",
                "spellcheck": "false",
                "lang": "en",  # in Turkish, capitals of “i” are “İ”
                "dir": "ltr",
                "translate": "no",
            }
        ),
    )


@never_cache
@require_http_methods(PAGE_METHODS)
@member_required
def release(request: MemberRequest, pk: int) -> HttpResponse:
    """Show what it costs, then the code. Only a hash of the code is stored, so it is shown once."""
    registration = get_own_registration(request, pk)
    if refusal := handovers.handover_blocker(registration, timezone.now()):
        messages.info(request, str(refusal))
        return redirect(registration)
    released = None
    if request.method == "POST":
        try:
            released = handovers.release(registration=registration, by=request.user, at=timezone.now())
        except Refusal as refusal:
            messages.info(request, str(refusal))
            return redirect(registration)
    cost = removals.removal_cost(registration)
    context = {
        "registration": registration,
        "product": registration.product,
        "cost": cost,
        "membership": membership_of(request.member),
        "level_before": Level(cost.level_before).label,
        "level_after": Level(cost.level_after).label,
        "released": released,
        "open": handovers.find_open_handover(registration, timezone.now()),
        "days": settings.HANDOVER_DAYS,
    }
    return render(request, "kitbag/release.html", context)


@require_POST
@member_required
def revoke(request: MemberRequest, pk: int) -> HttpResponse:
    """Cancel the code."""
    registration = get_own_registration(request, pk)
    try:
        handovers.revoke(registration=registration, by=request.user, at=timezone.now())
    except Refusal as refusal:
        messages.info(request, str(refusal))
    else:
        messages.success(
            request, _t("The code no longer works. %(product)s stays yours.") % {"product": registration.product}
        )
    return redirect(registration)


@never_cache
@sensitive_post_parameters("code")
@require_http_methods(PAGE_METHODS)
@member_required
def redeem(request: MemberRequest) -> HttpResponse:
    """Ask for the code, show the product, redeem it. Every code that cannot be redeemed gets the same answer."""
    form = RedeemForm(request.POST if request.method == "POST" else None)
    registration = None
    status = 200
    if form.is_valid():
        if _is_throttled(request):
            form.add_error("code", str(TOO_OFTEN))
            status = 429
        else:
            registration = _find_or_redeem(request, form)
            if registration and registration.member_id == request.member.pk:
                sentence = _t("%(product)s is yours now, and it counts.")
                messages.success(request, sentence % {"product": registration.product})
                return redirect(registration)
    context = {"form": form, "registration": registration}
    return render(request, "kitbag/redeem.html", context, status=422 if form.errors and status == 200 else status)


def _find_or_redeem(request: MemberRequest, form: RedeemForm) -> Registration | None:
    """The seller's registration or, once the member has confirmed, their own new one. None if the form has errors."""
    code, now = form.cleaned_data["code"], timezone.now()
    try:
        if request.POST.get("do") == "redeem":
            return handovers.redeem(code=code, member=request.member, by=request.user, at=now)
        return handovers.find_by_code(code=code, member=request.member, at=now)
    except Refusal as refusal:
        add_refusal(form, refusal)
        return None


def _is_throttled(request: HttpRequest) -> bool:
    """By member, and by address because one person can have many accounts. Both are counted every time."""
    limits = settings.HANDOVER_LIMITS
    by_member = is_throttled(request, scope="handover", limit=limits["redeem"])
    by_address = is_throttled(request, scope="handover", limit=limits["address"], ident=f"ip:{client_network(request)}")
    return by_member or by_address


def ownership_context(registration: Registration, around: Around) -> dict[str, object]:
    """For the product's page: what its owner can do with it, and what is under way."""
    now = timezone.now()
    counts = registration.state == RegistrationState.VALIDATED
    report = stolen_reports.find_own_report(registration) if counts and around.theft_report else None
    held = held_until(registration.member, now) if counts and around.recovered_address else None
    open_code = handovers.find_open_handover(registration, now) if counts and around.handover else None
    return {
        "may_hand_over": counts and not report and not held,
        "hand_over_from": held,
        "may_report": counts and bool(registration.serial_key) and not report,
        "open_code": None if report else open_code,
        "stolen_report": report,
        "recovery_case": stolen_reports.find_lifting_request(registration) if report else None,
        "may_undo": removals.can_undo(registration, now),
        "undo_days": settings.REMOVAL_UNDO_DAYS,
    }
