"""Admin pages of registrations: search, and refuse one that counts. The review queue is in `review`."""

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
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.admin import EventAdmin, ReadOnlyAdmin, event_model
from cps_portal.core.lib.errors import Refusal
from kitbag.actions import held_decisions, review
from kitbag.admin.held_context import held_context, held_note
from kitbag.admin.staff import staff_user
from kitbag.enums import ASKING, RefusalReason, RegistrationState
from kitbag.models import Hold, Registration
from kitbag.presenters.texts import grey_sentence
from kitbag.queries.serial_changes import presented_as
from kitbag.queries.versions import version_of
from members.forms.common import add_refusal
from members.models import Member

DECIDE = "kitbag.decide_registration"
MAX_SAME_SERIAL = 20
NOT_CHOSEN_HERE = (
    *ASKING,
    RefusalReason.LOST_CLAIM,
)  # chosen by asking for more, or by deciding a claim
REASONS = [(reason.value, reason.label) for reason in RefusalReason if reason not in NOT_CHOSEN_HERE]


class DecisionForm(forms.Form):
    """Approve. `seen` is the version that was shown, so that nothing else is decided."""

    seen = forms.CharField(widget=forms.HiddenInput)


class RefusalForm(DecisionForm):
    reason = forms.ChoiceField(label=_("The reason, which the member reads"), choices=REASONS, widget=forms.RadioSelect)


@admin.register(Registration)
class RegistrationAdmin(ReadOnlyAdmin[Registration]):
    """Read-only. What counts and fails a check is refused here; all else is decided in the queue."""

    change_form_template = "admin/kitbag/registration/change_form.html"
    refuse_template = "admin/kitbag/registration/refuse.html"
    list_display = ["product", "serial", "member", "state", "why", "added_at", "submitted_at"]
    list_filter = ["state", "review_reason", "refusal_reason", "added_at"]
    list_select_related = ["product", "member"]
    search_fields = ["serial"]
    search_help_text = _("Serial number, member number, e-mail address, name or product")
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
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/refuse/", view(self.refuse_view), name="kitbag_registration_refuse"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        registration = self.get_object(request, object_id)
        may_decide = self.has_decide_permission(request)
        context = {
            **(extra_context or {}),
            "buttons": self._buttons(registration) if registration and may_decide else [],
            "others": same_serial(registration) if registration else [],
            **(held_context(request) if may_decide else {}),
        }
        return super().change_view(request, object_id, form_url, context)

    def _buttons(self, registration: Registration) -> list[tuple[str, str]]:
        """A waiting one is decided on its page of the queue, and one that counts can be refused here."""
        if registration.state == RegistrationState.SUBMITTED and registration.review_reason:
            desk = reverse("admin:kitbag_registrationinreview_desk", args=[registration.pk])
            return [(desk, gettext("Decide it…"))]
        if registration.state == RegistrationState.VALIDATED:
            refuse = reverse("admin:kitbag_registration_refuse", args=[registration.pk])
            return [(refuse, gettext("Refuse, it failed a check…"))]
        return []

    def refuse_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for the reason, then hold the refusal of a registration that counts (R21, R54)."""
        if not self.has_decide_permission(request):
            raise PermissionDenied
        counting = Registration.objects.filter(state=RegistrationState.VALIDATED)
        registration = counting.filter(pk=pk).select_related("product", "member__user").first()
        if registration is None:
            get_object_or_404(Registration, pk=pk)
            self.message_user(request, review.NOT_WAITING, messages.ERROR)
            return HttpResponseRedirect(reverse("admin:kitbag_registration_change", args=[pk]))
        posted = request.POST if request.method == "POST" else None
        form = RefusalForm(posted, initial={"seen": version_of(registration)})
        if form.is_valid() and self._hold_refusal(request, registration, form):
            return HttpResponseRedirect(reverse("admin:kitbag_registration_change", args=[pk]))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Refuse: it failed a check"),
            "original": registration,
            "form": form,
            "seen": version_of(registration),
            "others": same_serial(registration),
        }
        return TemplateResponse(request, self.refuse_template, context)

    def _hold_refusal(self, request: HttpRequest, registration: Registration, form: RefusalForm) -> bool:
        """Hold it. Returns False, with the reason in the form, if it is refused."""
        try:
            decision = held_decisions.hold_refusal(
                registration=registration,
                reason=RefusalReason(form.cleaned_data["reason"]),
                version=form.cleaned_data["seen"],
                by=staff_user(request),
                at=timezone.now(),
            )
        except Refusal as refusal:
            add_refusal(form, refusal)
            return False
        self.log_change(request, registration, held_note(decision))
        return True


def same_serial(registration: Registration) -> QuerySet[Registration] | list[Registration]:
    """Other registrations with this serial number. Those of another product may be a coincidence (R31)."""
    if not registration.serial_key:
        return []
    others = Registration.objects.filter(serial_key=registration.serial_key).exclude(pk=registration.pk)
    return others.select_related("product", "member").order_by("pk")[:MAX_SAME_SERIAL]


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
