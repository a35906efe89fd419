"""Admin pages of claims, with both sides beside each other, and of appeals (R19, R32, R54)."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.admin import EventAdmin, ReadOnlyAdmin, event_model
from cps_portal.core.lib.dates import write_day
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.forms import LongText
from kitbag import rules
from kitbag.actions import claims, held_decisions
from kitbag.admin.decide import FIRST_NUMBER
from kitbag.admin.held_context import held_context, held_note
from kitbag.admin.held_decisions import queue_tabs
from kitbag.admin.staff import staff_user
from kitbag.enums import ClaimOutcome, HeldState
from kitbag.models import Appeal, Claim
from kitbag.presenters.texts import release_sentence
from kitbag.queries.versions import version_of_claim
from members.forms.common import add_refusal
from members.models import Member

DECIDE = "kitbag.decide_claim"
ALL = "all"
DECISIONS = [(o.value, o.label) for o in (ClaimOutcome.HOLDER, ClaimOutcome.CLAIMANT, ClaimOutcome.NEITHER)]


def page_keys() -> list[tuple[str, str]]:
    """The keys of the page of a claim, for the sheet of keys."""
    return [
        ("456", gettext("whose it is")),
        ("W", gettext("write the reason; Ctrl and Enter decides")),
        ("U", gettext("take the last one back, within its seconds")),
        ("N", gettext("the next claim")),
        ("S", gettext("all claims")),
    ]


class ClaimForm(forms.Form):
    """Whose it is, and why. `seen` names the latest messages that were shown, so that no new one is missed."""

    seen = forms.CharField(required=False, widget=forms.HiddenInput)
    outcome = forms.ChoiceField(
        label=_("Whose is it?"),
        choices=DECISIONS,
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choose whose it is."),
            "invalid_choice": _("Choose from the list."),
        },
    )
    why = LongText(
        label=_("The reason, which both members read"),
        help_text=_("Neither may learn who the other is: leave out names, numbers, addresses, countries and stores."),
        max_length=claims.MAX_REASON_LENGTH,
        rows=5,
        error_messages={"required": _("Give a reason: both members read it.")},
    )


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
        if self.get_object(request, object_id) is None:
            raise Http404
        claim = Claim.objects.select_related(
            "claimant__product",
            "claimant__member__user",
            "holder__product",
            "holder__member__user",
            "claimant_case",
            "holder_case",
            "decided_by",
        ).get(pk=object_id)
        if request.method == "POST" and not self.has_decide_permission(request):
            raise PermissionDenied
        sides = [self._side(claim, "claimant", gettext("Claims it")), self._side(claim, "holder", gettext("Holds it"))]
        seen = version_of_claim(claim)
        form = ClaimForm(request.POST if request.method == "POST" else None, initial={"seen": seen})
        if form.is_valid() and self._hold(request, claim, form):
            return self._next(request, claim)
        held = claim.held_decisions.filter(state=HeldState.HELD).select_related("by").first()
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": gettext("Claim: %(what)s") % {"what": claim},
            "original": claim,
            "sides": sides,
            "seen": seen,
            "form": form,
            "over": claims.answer_deadline(claim) < timezone.now(),
            "deciding": held,
            "may_decide": self.has_decide_permission(request) and not claim.outcome and not held,
            "choices": list(enumerate(DECISIONS, start=FIRST_NUMBER)),
            "next_claim": self._next_claim(claim),
            "tabs": queue_tabs(request, "claims"),
            "page_keys": page_keys(),
            **held_context(request),
        }
        return TemplateResponse(request, self.claim_template, context)

    def _side(self, claim: Claim, name: str, title: str) -> dict[str, Any]:
        case = getattr(claim, f"{name}_case")
        case_messages = list(case.messages.select_related("by"))
        registration = getattr(claim, name)
        release = release_sentence(registration.product, on=timezone.localdate())
        return {
            "title": title,
            "registration": registration,
            "release": release if registration.is_before_release else "",
            "case": case,
            "messages": case_messages,
            "evidence": list(registration.evidence.kept()),
        }

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

    def _next_claim(self, claim: Claim) -> Claim | None:
        """The open claim behind this one, the earliest deadline first; after the last the first."""
        waiting = Claim.objects.open().exclude(held_decisions__state=HeldState.HELD).exclude(pk=claim.pk)
        behind = Q(respond_by__gt=claim.respond_by) | Q(respond_by=claim.respond_by, pk__gt=claim.pk)
        return waiting.filter(behind).first() or waiting.first()

    def _next(self, request: HttpRequest, claim: Claim) -> HttpResponse:
        following = self._next_claim(claim)
        if following:
            return HttpResponseRedirect(reverse("admin:kitbag_claim_change", args=[following.pk]))
        self.message_user(request, gettext("No other claim is open."), messages.INFO)
        return HttpResponseRedirect(reverse("admin:kitbag_claim_changelist"))


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
