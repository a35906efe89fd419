"""Appeal once against a registration that was not accepted (R19)."""

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
from kitbag.models import Registration
from kitbag.queries.around import Around
from kitbag.views.shortcuts import get_own_registration
from members.access import MemberRequest, member_required
from members.forms.common import add_refusal


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def appeal(request: MemberRequest, pk: int) -> HttpResponse:
    registration = get_own_registration(request, pk)
    if refusal := appeals.appeal_blocker(registration, appeals.find_appeal(registration)):
        messages.info(request, str(refusal))
        return redirect(registration)
    form = AppealForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and _make_appeal(registration, form):
        messages.success(request, _t("Thank you. Someone else will look at it now."))
        return redirect(registration)
    context = {"registration": registration, "product": registration.product, "form": form}
    return render(request, "kitbag/appeal.html", context, status=422 if form.errors else 200)


def _make_appeal(registration: Registration, form: forms.Form) -> bool:
    text = form.cleaned_data["text"]
    try:
        appeals.make_appeal(registration=registration, text=text, by=registration.member.user, at=timezone.now())
    except Refusal as refusal:
        add_refusal(form, refusal)
        return False
    return True


def appeal_context(registration: Registration, around: Around) -> dict[str, object]:
    """For the product's page: whether an appeal is possible, is open, or has been used."""
    made = appeals.find_appeal(registration) if around.appeal else None
    return {
        "may_appeal": appeals.appeal_blocker(registration, made) is None,
        "appeal": made,
        "is_final": bool(made and made.granted is False and registration.needs_member),
        "appeal_reason": RefusalReason(made.refusal_reason).label if made else "",
    }
