"""Evidence on a product's own page: adding more and taking it back while nothing is decided (R25)."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.views.decorators.http import require_POST

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.throttle import is_throttled
from kitbag.actions import evidence
from kitbag.forms import EvidenceForm
from kitbag.models import Registration
from kitbag.presenters.registrations import redirect_after_post, get_own_registration
from kitbag.views.product import product_context
from members.access import MemberRequest, member_required


@require_POST
@member_required
def add(request: MemberRequest, pk: int) -> HttpResponse:
    row = get_own_registration(request, pk)
    form = EvidenceForm(request.POST, request.FILES)
    if form.is_valid():
        uploads = form.cleaned_data["evidence"]
        if uploads.fresh and is_throttled(request, what="upload", limit=settings.FILES_UPLOAD_LIMIT):
            form.add_error("evidence", _t("That was very often. Wait a minute."))
            return _again(request, row, form)
        try:
            added = evidence.add_evidence(registration=row, uploads=uploads, by=row.member.user, at=timezone.now())
            for problem in added.problems:
                form.add_error("evidence", str(problem))
        except Refusal as refusal:
            form.add_error("evidence", str(refusal))
        if form.is_valid():
            messages.success(request, _t("Added. Whoever decides sees it."))
            return redirect_after_post(request, row.get_absolute_url())
    return _again(request, row, form)


def _again(request: MemberRequest, row: Registration, form: EvidenceForm) -> HttpResponse:
    context = {**product_context(request, row), "evidence_form": form}
    return render(request, "kitbag/product.html", context, status=422)


@require_POST
@member_required
def remove(request: MemberRequest, pk: int, evidence_pk: int) -> HttpResponse:
    row = get_own_registration(request, pk)
    found = get_object_or_404(row.evidence.select_related("file", "registration__member"), pk=evidence_pk)
    try:
        evidence.remove_evidence(evidence=found, by=row.member.user, at=timezone.now())
    except Refusal as refusal:
        messages.info(request, str(refusal))
    else:
        messages.success(request, _t("The file is deleted."))
    return redirect_after_post(request, row.get_absolute_url())
