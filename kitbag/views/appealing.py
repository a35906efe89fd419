"""Appealing against a refusal, once (R19)."""

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from cps_portal.core.lib.errors import Refusal
from kitbag.actions import appeals
from kitbag.enums import RefusalReason
from kitbag.forms import AppealForm
from kitbag.models import Appeal, Registration
from kitbag.presenters.registrations import own
from members.access import MemberRequest, member_required
from members.forms.profile import add_refusal


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def appeal(request: MemberRequest, pk: int) -> HttpResponse:
    """What was refused and why, and one field for what the member says."""
    row = own(request, pk)
    if refusal := appeals.why_not(row, appeals.appeal_of(row)):
        messages.info(request, str(refusal))
        return redirect(row)
    form = AppealForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and _made(row, form):
        messages.success(request, _t("A second person looks at it now. You hear from us within two working days."))
        return redirect(row)
    context = {"row": row, "product": row.product, "form": form}
    return render(request, "kitbag/appeal.html", context, status=422 if form.errors else 200)


def _made(row: Registration, form: forms.Form) -> bool:
    text = form.cleaned_data["text"]
    try:
        appeals.make_appeal(registration=row, text=text, by=row.member.user, at=timezone.now())
    except Refusal as refusal:
        add_refusal(form, refusal)
        return False
    return True


def appeal_context(row: Registration) -> dict[str, object]:
    """For the product's page: whether an appeal is possible, runs, or was used."""
    made = appeals.appeal_of(row)
    return {
        "may_appeal": appeals.why_not(row, made) is None,
        "appeal": made,
        "is_final": bool(made and made.granted is False and row.needs_member),
        "appeal_reason": _reason(made) if made else "",
    }


def _reason(made: Appeal) -> str:
    return str(RefusalReason(made.refusal_reason).label)
