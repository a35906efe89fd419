"""Decisions that are held, how they are taken back, and the tabs of all queues (R19, R32, R54)."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_POST

from cps_portal.core.lib.admin import ReadOnlyAdmin
from cps_portal.core.lib.errors import Refusal
from kitbag.actions import held_decisions
from kitbag.admin.decide import decide_rows, render_item
from kitbag.admin.held_context import held_note, render_toast
from kitbag.admin.staff import staff_user
from kitbag.enums import DecisionKind, HeldState, RegistrationState, ReviewReason
from kitbag.models import Claim, HeldDecision, Registration
from members.models import Member


def queue_tabs(request: HttpRequest, current: str) -> list[dict[str, Any]]:
    """Checks, appeals and claims with the number that waits, for those who may decide them."""
    user = staff_user(request)
    tabs = []
    if user.has_perm("kitbag.decide_registration"):
        is_appeal = Q(review_reason=ReviewReason.APPEAL)
        counts = Registration.objects.waiting().aggregate(
            checks=Count("pk", filter=~is_appeal), appeals=Count("pk", filter=is_appeal)
        )
        url = reverse("admin:kitbag_registrationinreview_changelist")
        appeals = f"{url}?review_reason__exact={ReviewReason.APPEAL.value}"
        tabs += [("checks", gettext("Checks"), url, counts["checks"])]
        tabs += [("appeals", gettext("Appeals"), appeals, counts["appeals"])]
    if user.has_perm("kitbag.decide_claim"):
        count = Claim.objects.open().exclude(held_decisions__state=HeldState.HELD).count()
        tabs += [("claims", gettext("Claims"), reverse("admin:kitbag_claim_changelist"), count)]
    return [
        {"label": label, "url": url, "count": count, "is_current": key == current} for key, label, url, count in tabs
    ]


@admin.register(HeldDecision)
class HeldDecisionAdmin(ReadOnlyAdmin[HeldDecision]):
    """Decisions of the last days: held, applied, taken back, dropped. Whoever decided takes back a held one."""

    list_display = ["__str__", "by", "held_at", "state", "ended_at", "note"]
    list_filter = ["state", "kind", "held_at"]
    list_select_related = ["registration__product", "claim__claimant__product", "by"]
    search_fields = ["=registration__serial"]
    ordering = ["-pk"]

    def search_conditions(self, term: str) -> list[Q]:
        members = Member.objects.search(term)
        return [Q(registration__member__in=members), Q(claim__claimant__member__in=members), Q(by__email=term)]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/undo/", view(require_POST(self.undo_view)), name="kitbag_helddecision_undo"),
            path("<int:pk>/read/", view(require_POST(self.read_view)), name="kitbag_helddecision_read"),
            path("toast/", view(require_GET(self.toast_view)), name="kitbag_helddecision_toast"),
            *super().get_urls(),
        ]

    def _own(self, request: HttpRequest, pk: int) -> HeldDecision:
        """A decision of whoever asks. Raises PermissionDenied without the right to decide such things, and Http404."""
        decision = get_object_or_404(HeldDecision.objects.with_subjects(), pk=pk, by=staff_user(request))
        right = "kitbag.decide_claim" if decision.claim else "kitbag.decide_registration"
        if not request.user.has_perm(right):
            raise PermissionDenied
        return decision

    def undo_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take it back, and show again what was decided."""
        decision = self._own(request, pk)
        problem = ""
        try:
            held_decisions.undo_decision(decision=decision, by=staff_user(request), at=timezone.now())
        except Refusal as refusal:
            problem = str(refusal)
        else:
            note = gettext("Taken back: %(what)s") % {"what": held_note(decision)}
            pressed = HeldDecision.objects.held_with(decision).with_subjects()
            subjects = [one.subject for one in pressed]
            user = staff_user(request).pk
            LogEntry.objects.log_actions(user, subjects, CHANGE, change_message=note)
            if len(subjects) > 1:
                return self._all_undone(request)
        if "shown" in request.POST:
            return self._undone(request, decision, problem)
        if problem:
            self.message_user(request, problem, messages.ERROR)
        return HttpResponseRedirect(page_of(decision))

    def _all_undone(self, request: HttpRequest) -> HttpResponse:
        """Back to the sheet on which they were chosen."""
        url = reverse("admin:kitbag_registrationinreview_sheet")
        if "shown" in request.POST:
            return JsonResponse({"toast": render_toast(request), "problem": "", "url": url})
        return HttpResponseRedirect(url)

    def _undone(self, request: HttpRequest, decision: HeldDecision, problem: str) -> JsonResponse:
        answer = {"toast": render_toast(request), "problem": problem}
        if decision.registration and decision.registration.state == RegistrationState.SUBMITTED and not problem:
            answer["item"] = render_item(request, decide_rows().get(pk=decision.registration.pk))
        elif not problem:
            answer["url"] = page_of(decision)
        return JsonResponse(answer)

    def read_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Whoever decided has read that it was dropped."""
        decision = self._own(request, pk)
        held_decisions.read_dropped(decision=decision, by=staff_user(request), at=timezone.now())
        return HttpResponseRedirect(page_of(decision))

    def toast_view(self, request: HttpRequest) -> HttpResponse:
        """What can be taken back now, and what was dropped: asked for when the time of a decision is over."""
        if not (request.user.has_perm("kitbag.decide_registration") or request.user.has_perm("kitbag.decide_claim")):
            raise PermissionDenied
        return HttpResponse(render_toast(request))


def page_of(decision: HeldDecision) -> str:
    """Where what was decided is looked at."""
    if decision.claim:
        return reverse("admin:kitbag_claim_change", args=[decision.claim.pk])
    if decision.kind == DecisionKind.REFUSE and decision.subject.state == RegistrationState.VALIDATED:
        return reverse("admin:kitbag_registration_change", args=[decision.subject.pk])
    return reverse("admin:kitbag_registrationinreview_desk", args=[decision.subject.pk])
