"""Admin pages of claims, with both sides beside each other, and of appeals (R19, R32, R54)."""

from http import HTTPStatus
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.admin import EventAdmin, ReadOnlyAdmin, event_model
from cps_portal.core.lib.dates import write_day
from cps_portal.core.lib.errors import Refusal
from kitbag import rules
from kitbag.actions import claims, held_decisions
from kitbag.admin.claim_page import (
    AHEAD,
    ClaimForm,
    build_items,
    page_keys,
    read_claims,
    render_items,
    upcoming,
)
from kitbag.admin.held_context import held_context, held_note, render_toast
from kitbag.admin.held_decisions import queue_tabs
from kitbag.admin.loaded import has_loaded, keys_in
from kitbag.admin.staff import staff_user
from kitbag.enums import ClaimOutcome
from kitbag.models import Appeal, Claim
from members.forms.common import add_refusal
from members.models import Member

DECIDE = "kitbag.decide_claim"
ALL = "all"


class OpenFilter(admin.SimpleListFilter):
    """Shows open claims, unless another outcome is chosen or a text is searched for."""

    title = _("outcome")
    parameter_name = "turn"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("open", _("Open")), *ClaimOutcome.choices, (ALL, _("All"))]

    def choices(self, changelist: Any) -> Any:
        chosen = self._chosen(changelist.query)
        for value, label in self.lookup_choices:
            query = changelist.get_query_string({self.parameter_name: value})
            yield {"selected": value == chosen, "query_string": query, "display": label}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self._chosen(request.GET.get("q", ""))
        if chosen == ALL:
            return queryset
        return queryset.filter(outcome="" if chosen == "open" else chosen)

    def _chosen(self, searched: str) -> str:
        return str(self.value() or (ALL if searched else "open"))


@admin.register(Claim)
class ClaimAdmin(ReadOnlyAdmin[Claim]):
    """Open claims, the earliest deadline first. The page of a claim shows both sides and decides it (R32, R54)."""

    change_list_template = "admin/kitbag/claims/list.html"
    claim_template = "admin/kitbag/claims/claim.html"
    list_display = ["claimant", "answers_until", "claimant_member", "holder_member", "outcome", "opened_at"]
    list_filter = [OpenFilter]
    list_select_related = ["claimant__product", "claimant__member", "holder__member"]
    search_fields = ["claimant__serial"]
    search_help_text = _("Serial number, or the number, e-mail address or name of either member")
    ordering = ["respond_by", "pk"]

    def search_conditions(self, term: str) -> list[Q]:
        return [
            Q(claimant__serial_key__in=rules.look_up_keys(term)),
            Q(claimant__member__in=Member.objects.search(term)),
            Q(holder__member__in=Member.objects.search(term)),
        ]

    @admin.display(description=_("answers until"), ordering="respond_by")
    def answers_until(self, claim: Claim) -> str:
        over = not claim.outcome and claims.answer_deadline(claim) < timezone.now()
        day = write_day(claim.respond_by)
        return format_html("<b>{} {}</b>", day, gettext("over")) if over else day

    @admin.display(description=_("claims it"))
    def claimant_member(self, claim: Claim) -> str:
        return str(claim.claimant.member)

    @admin.display(description=_("holds it"))
    def holder_member(self, claim: Claim) -> str:
        return str(claim.holder.member)

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(DECIDE)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {"tabs": queue_tabs(request, "claims"), **held_context(request), **(extra_context or {})}
        return super().changelist_view(request, context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = self.get_object(request, object_id)
        if found is None:
            raise Http404
        may_decide = self.has_decide_permission(request)
        (claim,) = read_claims([found.pk])
        if request.method == "POST":
            if not may_decide:
                raise PermissionDenied
            return self._decide(request, claim)
        return self._show(request, claim)

    def _decide(self, request: HttpRequest, claim: Claim) -> HttpResponse:
        """Hold the decision and go on. A script that has the next ones loaded asks for JSON, as for registrations."""
        if request.POST.get("do") == "skip":
            return self._go_on(request, claim)
        form = ClaimForm(request.POST)
        if form.is_valid() and self._hold(request, claim, form):
            return self._go_on(request, claim)
        if not has_loaded(request):
            return self._show(request, claim, form)
        (item,) = render_items(request, [claim], may_decide=True, bound=form)
        return JsonResponse({"toast": render_toast(request), "item": item}, status=HTTPStatus.CONFLICT)

    def _show(self, request: HttpRequest, claim: Claim, bound: ClaimForm | None = None) -> HttpResponse:
        may_decide = self.has_decide_permission(request)
        keys = upcoming(claim) if may_decide else []
        item, *ahead = build_items([claim, *read_claims(keys)], may_decide=may_decide)
        if bound:
            item["form"] = bound
        context = {
            **self.admin_site.each_context(request),
            **held_context(request),
            "opts": self.opts,
            "title": item["title"],
            "original": claim,
            "item": item,
            "ahead": ahead,
            "tabs": queue_tabs(request, "claims"),
            "page_keys": page_keys(),
        }
        return TemplateResponse(request, self.claim_template, context)

    def _go_on(self, request: HttpRequest, claim: Claim) -> HttpResponse:
        """Open the next one, or send what the browser should load."""
        loaded = {*keys_in(request, "shown"), *keys_in(request, "loaded"), *keys_in(request, "passed")}
        following = upcoming(claim, loaded)
        if has_loaded(request):
            room = max(AHEAD - len(keys_in(request, "loaded")), 0)
            items = render_items(request, read_claims(following[:room]), may_decide=True)
            return JsonResponse({"toast": render_toast(request), "items": items})
        if following:
            return HttpResponseRedirect(reverse("admin:kitbag_claim_change", args=[following[0]]))
        self.message_user(request, gettext("No other claim is open."), messages.INFO)
        return HttpResponseRedirect(reverse("admin:kitbag_claim_changelist"))

    def _hold(self, request: HttpRequest, claim: Claim, form: ClaimForm) -> bool:
        """Hold the decision. Returns False, with the reason in the form, if it is refused."""
        data = form.cleaned_data
        try:
            decision = held_decisions.hold_claim(
                claim=claim,
                outcome=ClaimOutcome(data["outcome"]),
                why=data["why"],
                version=data["seen"],
                by=staff_user(request),
                at=timezone.now(),
            )
        except Refusal as refusal:
            add_refusal(form, refusal)
            return False
        self.log_change(request, claim, held_note(decision))
        return True


@admin.register(Appeal)
class AppealAdmin(ReadOnlyAdmin[Appeal]):
    """All appeals, read-only: they are decided in the review queue."""

    list_display = ["registration", "made_at", "refusal_reason", "refused_by", "granted", "decided_by", "case"]
    list_filter = ["granted", "made_at"]
    list_select_related = ["registration__product", "refused_by", "decided_by", "case"]
    search_fields = ["=registration__serial", "=registration__member__number"]
    ordering = ["-pk"]

    def search_conditions(self, term: str) -> list[Q]:
        return [
            Q(registration__serial_key__in=rules.look_up_keys(term)),
            Q(registration__member__in=Member.objects.search(term)),
        ]


@admin.register(event_model(Claim))
class ClaimEventAdmin(EventAdmin):
    list_select_related = ["pgh_context", "claimant__product"]

    def what(self, event: Any) -> str:
        return str(event.claimant)


@admin.register(event_model(Appeal))
class AppealEventAdmin(EventAdmin):
    list_select_related = ["pgh_context", "registration__product"]

    def what(self, event: Any) -> str:
        return str(event.registration)
