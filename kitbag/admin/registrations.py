"""Admin pages of registrations: search, and decide one by one. The review queue is in `review`."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.admin import EventAdmin, ReadOnlyAdmin, event_model
from cps_portal.core.lib.errors import Refusal
from kitbag.actions import review
from kitbag.admin.staff import staff_user
from kitbag.enums import ASKING, RefusalReason, RegistrationState
from kitbag.models import Hold, Registration
from kitbag.presenters.texts import grey_sentence
from kitbag.queries.serial_changes import presented_as
from members.models import Member

DECIDE = "kitbag.decide_registration"
NOT_CHOSEN_HERE = (
    *ASKING,
    RefusalReason.LOST_CLAIM,
)  # chosen by asking for more, or by deciding a claim
REASONS = [(reason.value, reason.label) for reason in RefusalReason if reason not in NOT_CHOSEN_HERE]


class DecisionForm(forms.Form):
    """Approve. `seen` makes sure that what is decided is what was shown."""

    seen = forms.CharField(widget=forms.HiddenInput)


class RefusalForm(DecisionForm):
    reason = forms.ChoiceField(label=_("The reason, which the member reads"), choices=REASONS, widget=forms.RadioSelect)


def seen_key(registration: Registration) -> str:
    """A text that changes whenever the registration is submitted or decided again."""
    times: list[datetime | None] = [registration.submitted_at, registration.decided_at]
    return "/".join([registration.state, *(time.isoformat() if time else "" for time in times)])


@admin.register(Registration)
class RegistrationAdmin(ReadOnlyAdmin[Registration]):
    """Read-only. Decisions are buttons that call an action."""

    change_form_template = "admin/kitbag/registration/change_form.html"
    decision_template = "admin/kitbag/registration/decision.html"
    list_display = ["product", "serial", "member", "state", "why", "added_at", "submitted_at"]
    list_filter = ["state", "review_reason", "refusal_reason", "added_at"]
    list_select_related = ["product", "member"]
    search_fields = ["serial"]
    search_help_text = _("Serial number, member number, e-mail address, name or product")
    date_hierarchy = "added_at"
    ordering = ["-pk"]
    fieldsets = [
        (None, {"fields": ["product", "member", "state", "why", "counts"]}),
        (
            _("Details"),
            {
                "fields": [
                    "serial",
                    "no_serial",
                    "serial_insisted",
                    "country",
                    "purchased_on",
                    "date_insisted",
                    "store",
                ]
            },
        ),
        (_("Decision"), {"fields": ["review_reason", "refusal_reason", "removal_reason", "decided_by"]}),
        (_("Dates"), {"fields": ["added_at", "submitted_at", "decided_at", "ended_at"]}),
    ]

    @admin.display(description=_("why it does not count"))
    def why(self, registration: Registration) -> str:
        return str(grey_sentence(registration)) or "–"

    @admin.display(description=_("counts"))
    def counts(self, registration: Registration) -> str:
        counted = registration.entries.aggregate(n=Coalesce(Sum("amount"), 0))["n"]
        return ngettext("%(n)d point", "%(n)d points", counted) % {"n": counted}

    def search_conditions(self, term: str) -> list[Q]:
        return [
            Q(member__in=Member.objects.search(term)),
            Q(product__name__icontains=term),
            presented_as(term),
        ]

    # The buttons

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(DECIDE)

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/approve/", view(self.approve_view), name=f"{name}_approve"),
            path("<int:pk>/refuse/", view(self.refuse_view), name=f"{name}_refuse"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        registration = self.get_object(request, object_id)
        buttons = self._buttons(registration) if registration and self.has_decide_permission(request) else []
        others = same_serial(registration) if registration else []
        context = {**(extra_context or {}), "buttons": buttons, "others": others}
        return super().change_view(request, object_id, form_url, context)

    def _buttons(self, registration: Registration) -> list[tuple[str, str]]:
        if registration.state == RegistrationState.SUBMITTED and registration.review_reason:
            return [
                (self._url("approve", registration), gettext("Approve…")),
                (self._url("refuse", registration), gettext("Refuse…")),
            ]
        if registration.state == RegistrationState.VALIDATED:
            return [(self._url("refuse", registration), gettext("Refuse, it failed a check…"))]
        return []

    def _url(self, page: str, registration: Registration) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}", args=[registration.pk])

    def _after(self, registration: Registration) -> str:
        """Where a decision leads to."""
        return self._url("change", registration)

    def approve_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for confirmation, then approve it (R19)."""
        return self._decide(request, pk, approve=True)

    def refuse_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for the reason, then refuse it, also if it counts already (R19, R21)."""
        return self._decide(request, pk, approve=False)

    def _decide(self, request: HttpRequest, pk: int, *, approve: bool) -> HttpResponse:
        if not self.has_decide_permission(request):
            raise PermissionDenied
        registration = get_object_or_404(Registration.objects.select_related("product", "member__user"), pk=pk)
        posted = request.POST if request.method == "POST" else None
        form = (DecisionForm if approve else RefusalForm)(posted, initial={"seen": seen_key(registration)})
        if form.is_valid():
            if form.cleaned_data["seen"] == seen_key(registration):
                self._apply(request, registration, form.cleaned_data.get("reason"))
            else:
                note = gettext("%(registration)s has changed since you opened it. Please look at it again.") % {
                    "registration": registration
                }
                self.message_user(request, note, messages.ERROR)
            return HttpResponseRedirect(self._after(registration))
        counted = registration.state == RegistrationState.VALIDATED
        title = _("Approve") if approve else _("Refuse: it failed a check") if counted else _("Refuse")
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "original": registration,
            "form": form,
            "approve": approve,
            "counted": counted,
            "waiting": timesince(registration.submitted_at) if registration.submitted_at and not counted else "",
            "others": same_serial(registration),
        }
        return TemplateResponse(request, self.decision_template, context)

    def _apply(self, request: HttpRequest, registration: Registration, reason: str | None) -> bool:
        """Call the action. Returns False, with an error message, if it refuses."""
        by = staff_user(request)
        now = timezone.now()
        try:
            if reason:
                chosen = RefusalReason(reason)
                review.refuse_registration(registration=registration, reason=chosen, by=by, at=now)
                note = gettext("Refused: %(reason)s") % {"reason": chosen.label}
            else:
                decided = review.approve_registration(registration=registration, by=by, at=now)
                note = approval_note(decided)
        except Refusal as refusal:
            self.message_user(request, f"{registration}: {refusal}", messages.ERROR)
            return False
        self.log_change(request, registration, note)
        self.message_user(request, f"{registration}: {note}", messages.SUCCESS)
        return True


def approval_note(registration: Registration) -> str:
    """The result of approving: it counts, or a claim is open because someone else holds the serial number (R32)."""
    if registration.state == RegistrationState.VALIDATED:
        return gettext("Approved.")
    return gettext("Someone else holds this serial number, so a claim is open and both are asked.")


def same_serial(registration: Registration) -> QuerySet[Registration] | list[Registration]:
    """Other registrations with this serial number. Those of another product may be a coincidence (R31)."""
    if not registration.serial_key:
        return []
    others = Registration.objects.filter(serial_key=registration.serial_key).exclude(pk=registration.pk)
    return others.select_related("product", "member").order_by("pk")[:20]


@admin.register(event_model(Registration))
class RegistrationEventAdmin(EventAdmin):
    list_select_related = ["pgh_context", "product"]

    def what(self, event: Any) -> str:
        return f"{event.product} {event.serial}".strip()


@admin.register(Hold)
class HoldAdmin(ReadOnlyAdmin[Hold]):
    """What can’t be removed or handed over while it is in service or backs a loan (R50)."""

    list_display = ["registration", "why", "key", "since"]
    list_filter = ["why"]
    list_select_related = ["registration__product"]
    search_fields = ["key", "=registration__serial"]
    ordering = ["-pk"]
