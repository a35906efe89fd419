"""The desk's pages of the registrations: found, and decided one by one. The queue is in `desk`."""

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
from kitbag import rules
from kitbag.actions import registrations
from kitbag.enums import RefusalReason, RegistrationState
from kitbag.models import Hold, Registration
from kitbag.presenters.texts import grey_sentence
from members.models import User

DECIDE = "kitbag.decide_registration"
BY_CLAIM = (RefusalReason.NEEDS_EVIDENCE, RefusalReason.LOST_CLAIM)  # the desk asks, or a claim decides
REASONS = [(reason.value, reason.label) for reason in RefusalReason if reason not in BY_CLAIM]


class DecisionForm(forms.Form):
    """Approving: only that what is decided is what was looked at."""

    seen = forms.CharField(widget=forms.HiddenInput)


class RefusalForm(DecisionForm):
    reason = forms.ChoiceField(label=_("The reason, as the member reads it"), choices=REASONS, widget=forms.RadioSelect)


def seen_key(row: Registration) -> str:
    """Changes whenever the registration is handed in or decided again."""
    times: list[datetime | None] = [row.submitted_at, row.decided_at]
    return "/".join([row.state, *(time.isoformat() if time else "" for time in times)])


@admin.register(Registration)
class RegistrationAdmin(ReadOnlyAdmin[Registration]):
    """Read-only: what means something is a button that calls an action."""

    change_form_template = "admin/kitbag/registration/change_form.html"
    decision_template = "admin/kitbag/registration/decision.html"
    list_display = ["product", "serial", "member", "state", "why", "added_at", "submitted_at"]
    list_filter = ["state", "review_reason", "refusal_reason", "added_at"]
    list_select_related = ["product", "member"]
    search_fields = ["serial"]
    search_help_text = _("Serial number, member number, e-mail address or product")
    date_hierarchy = "added_at"
    ordering = ["-pk"]
    fieldsets = [
        (None, {"fields": ["product", "member", "state", "why", "counts"]}),
        (_("Details"), {"fields": ["serial", "no_serial", "serial_insisted", "country", "purchased_on", "store"]}),
        (_("Decision"), {"fields": ["review_reason", "refusal_reason", "removal_reason", "decided_by"]}),
        (_("Dates"), {"fields": ["added_at", "submitted_at", "decided_at", "ended_at"]}),
    ]

    @admin.display(description=_("why it does not count"))
    def why(self, row: Registration) -> str:
        return str(grey_sentence(row)) or "–"

    @admin.display(description=_("counts"))
    def counts(self, row: Registration) -> str:
        counted = row.entries.aggregate(n=Coalesce(Sum("amount"), 0))["n"]
        return ngettext("%(n)d point", "%(n)d points", counted) % {"n": counted}

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Registration], search_term: str
    ) -> tuple[QuerySet[Registration], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        found = Q(member__number="".join(term.split())) | Q(member__user__email__iexact=term)
        found |= Q(product__name__icontains=term) | Q(member__last_name__iexact=term)
        if key := rules.serial_key(term):
            found |= Q(serial_key=key)
        return queryset.filter(found), False

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
        row = self.get_object(request, object_id)
        buttons = self._buttons(row) if row and self.has_decide_permission(request) else []
        others = same_serial(row) if row else []
        context = {**(extra_context or {}), "buttons": buttons, "others": others}
        return super().change_view(request, object_id, form_url, context)

    def _buttons(self, row: Registration) -> list[tuple[str, str]]:
        if row.state == RegistrationState.SUBMITTED and row.review_reason:
            return [(self._url("approve", row), gettext("Approve…")), (self._url("refuse", row), gettext("Refuse…"))]
        if row.state == RegistrationState.VALIDATED:
            return [(self._url("refuse", row), gettext("A check went against it…"))]
        return []

    def _url(self, page: str, row: Registration) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}", args=[row.pk])

    def _after(self, row: Registration) -> str:
        """Where a decision leads."""
        return self._url("change", row)

    def approve_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask, then let it count (R19)."""
        return self._decide(request, pk, approve=True)

    def refuse_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for the reason, then refuse it, or say that a check went against one that counts (R19, R21)."""
        return self._decide(request, pk, approve=False)

    def _decide(self, request: HttpRequest, pk: int, *, approve: bool) -> HttpResponse:
        if not self.has_decide_permission(request):
            raise PermissionDenied
        row = get_object_or_404(Registration.objects.select_related("product", "member__user"), pk=pk)
        posted = request.POST if request.method == "POST" else None
        form = (DecisionForm if approve else RefusalForm)(posted, initial={"seen": seen_key(row)})
        if form.is_valid():
            if form.cleaned_data["seen"] == seen_key(row):
                self._apply(request, row, form.cleaned_data.get("reason"))
            else:
                note = gettext("%(row)s has changed since you opened it. Look at it again.") % {"row": row}
                self.message_user(request, note, messages.ERROR)
            return HttpResponseRedirect(self._after(row))
        counted = row.state == RegistrationState.VALIDATED
        title = _("Approve") if approve else _("A check went against it") if counted else _("Refuse")
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "original": row,
            "form": form,
            "approve": approve,
            "counted": counted,
            "waiting": timesince(row.submitted_at) if row.submitted_at and not counted else "",
            "others": same_serial(row),
        }
        return TemplateResponse(request, self.decision_template, context)

    def _apply(self, request: HttpRequest, row: Registration, reason: str | None) -> bool:
        """Call the action; a refusal becomes a message and nothing is saved."""
        user: Any = request.user
        by: User = user
        now = timezone.now()
        try:
            if reason:
                chosen = RefusalReason(reason)
                registrations.refuse_registration(registration=row, reason=chosen, by=by, at=now)
                note = gettext("Refused: %(reason)s") % {"reason": chosen.label}
            else:
                decided = registrations.approve_registration(registration=row, by=by, at=now)
                note = approval_note(decided)
        except Refusal as refusal:
            self.message_user(request, f"{row}: {refusal}", messages.ERROR)
            return False
        self.log_change(request, row, note)
        self.message_user(request, f"{row}: {note}", messages.SUCCESS)
        return True


def approval_note(row: Registration) -> str:
    """What came of approving: it counts, or somebody else holds the serial number by now (R32)."""
    if row.state == RegistrationState.VALIDATED:
        return gettext("Approved.")
    return gettext("Somebody else holds this serial number, so a claim is open and both are asked.")


def same_serial(row: Registration) -> QuerySet[Registration] | list[Registration]:
    """The other registrations with this serial number; of another product it may be a coincidence (R31)."""
    if not row.serial_key:
        return []
    others = Registration.objects.filter(serial_key=row.serial_key).exclude(pk=row.pk)
    return others.select_related("product", "member").order_by("pk")[:20]


@admin.register(event_model(Registration))
class RegistrationEventAdmin(EventAdmin):
    list_select_related = ["pgh_context", "product"]

    def what(self, event: Any) -> str:
        return f"{event.product} {event.serial}".strip()


@admin.register(Hold)
class HoldAdmin(ReadOnlyAdmin[Hold]):
    """What must stay as it is while it is in service or stands for a loan (R50)."""

    list_display = ["registration", "why", "key", "since"]
    list_filter = ["why"]
    list_select_related = ["registration__product"]
    search_fields = ["key", "=registration__serial"]
    ordering = ["-pk"]
