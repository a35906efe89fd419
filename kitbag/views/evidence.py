"""Evidence on a product's own page: add and remove files until the registration is decided (R25)."""

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
from kitbag.views.product import product_context
from kitbag.views.shortcuts import get_own_registration, redirect_after_post
from members.access import MemberRequest, answer_snapshot, member_required


@require_POST
@member_required
def add(request: MemberRequest, pk: int) -> HttpResponse:
    registration = get_own_registration(request, pk)
    form = EvidenceForm(request.POST, request.FILES)
    if form.is_valid():
        uploads = form.cleaned_data["evidence"]
        if uploads.fresh and is_throttled(request, scope="upload", limit=settings.FILES_UPLOAD_LIMIT):
            form.add_error("evidence", _t("That was a lot of files. Please wait a minute, then try again."))
            return _page_with_errors(request, registration, form)
        try:
            added = evidence.add_evidence(
                registration=registration, uploads=uploads, by=registration.member.user, at=timezone.now()
            )
            for problem in added.problems:
                form.add_error("evidence", str(problem))
        except Refusal as refusal:
            form.add_error("evidence", str(refusal))
        if form.is_valid():
            messages.success(request, _t("Added. The person who checks it will see it."))
            return redirect_after_post(request, registration.get_absolute_url())
    return _page_with_errors(request, registration, form)


def _page_with_errors(request: MemberRequest, registration: Registration, form: EvidenceForm) -> HttpResponse:
    with answer_snapshot(request):
        current = get_own_registration(request, registration.pk)
        context = {**product_context(request, current), "evidence_form": form}
        return render(request, "kitbag/product.html", context, status=422)


@require_POST
@member_required
def remove(request: MemberRequest, pk: int, evidence_pk: int) -> HttpResponse:
    registration = get_own_registration(request, pk)
    piece = get_object_or_404(registration.evidence.select_related("file", "registration__member"), pk=evidence_pk)
    try:
        evidence.remove_evidence(evidence=piece, by=registration.member.user, at=timezone.now())
    except Refusal as refusal:
        messages.info(request, str(refusal))
    else:
        messages.success(request, _t("The file is deleted."))
    return redirect_after_post(request, registration.get_absolute_url())
