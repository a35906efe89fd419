"""The desk's queue: what a machine could not decide, one after the other on one page each (R19, R54)."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Model, OuterRef, Q, QuerySet
from django.db.models.functions import JSONObject
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from cps_portal.core.lib.errors import Refusal
from kitbag.actions import deciding
from kitbag.actions.serials import check_serial
from kitbag.admin.registrations import (
    REASONS,
    DecisionForm,
    RegistrationAdmin,
    approval_note,
    same_serial,
    seen_key,
)
from kitbag.enums import RefusalReason, RegistrationState
from kitbag.models import Appeal, Claim, Registration, RegistrationInReview
from kitbag.models.registrations import ANSWERS_FIRST
from kitbag.presenters.texts import serial_sentence
from members.forms.profile import add_refusal
from members.models import Member, User

OTHERS_SHOWN = 5
CHANGED = _("It has changed since you opened it. Look at it again, then decide.")


class RefuseForm(DecisionForm):
    reason = forms.ChoiceField(
        choices=REASONS,
        error_messages={
            "required": _("Choose the reason that the member reads."),
            "invalid_choice": _("Choose a reason from the list."),
        },
    )


class AskForm(DecisionForm):
    asked_for = forms.CharField(
        label=_("What the member should add, as they read it"),
        max_length=deciding.MAX_QUESTION_LENGTH,
        error_messages={
            "required": _("Write what the member should add."),
            "max_length": _("Use at most %(limit_value)d characters. You have %(show_value)d."),
        },
        widget=forms.Textarea(attrs={"rows": 3, "maxlength": deciding.MAX_QUESTION_LENGTH}),
    )


FORMS: dict[str, type[DecisionForm]] = {"approve": DecisionForm, "refuse": RefuseForm, "ask": AskForm}


@admin.register(RegistrationInReview)
class ReviewAdmin(RegistrationAdmin):
    """The queue: answers to what was asked first, then the longest waiting (R19)."""

    change_list_template = "admin/kitbag/registration/queue.html"
    desk_template = "admin/kitbag/registration/desk.html"
    list_display = ["product", "decide", "due", "review_reason", "serial", "same_serial", "member", "desk_of"]
    list_filter = ["review_reason"]
    list_select_related = ["product", "member", "taken_by"]
    date_hierarchy = "submitted_at"
    ordering = [ANSWERS_FIRST, "submitted_at", "pk"]
    actions = ["approve_chosen"]

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_decide_permission(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_decide_permission(request)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("next/", view(require_POST(self.next_view)), name="kitbag_registrationinreview_next"),
            path("<int:pk>/desk/", view(self.desk_view), name="kitbag_registrationinreview_desk"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Registration]:
        same = Registration.objects.filter(serial_key=OuterRef("serial_key")).exclude(pk=OuterRef("pk"))
        facts = JSONObject(key="pk", state="state", number="member__number", product="product__name")
        others = ArraySubquery(same.order_by("pk").values(facts=facts)[:OTHERS_SHOWN])
        return RegistrationInReview.objects.queue().annotate(others=others)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {"title": _("Registrations to decide, the longest waiting first"), **(extra_context or {})}
        return super().changelist_view(request, context)

    def _after(self, row: Registration) -> str:
        return reverse("admin:kitbag_registrationinreview_changelist")

    # The list

    @admin.display(description=_("decide by"), ordering="submitted_at")
    def due(self, row: Registration) -> str:
        due = deciding.decision_due(row)
        if due is None:
            return "–"
        when = date_format(timezone.localtime(due), "Y-m-d H:i")
        return format_html("<b>{} {}</b>", when, gettext("overdue")) if due < timezone.now() else when

    @admin.display(description=_("same serial number"))
    def same_serial(self, row: Any) -> str:
        links = (
            (
                reverse("admin:kitbag_registration_change", args=[other["key"]]),
                other["product"],
                other["number"],
                RegistrationState(other["state"]).label,
            )
            for other in row.others
        )
        return format_html_join("; ", '<a href="{}">{}</a>, {} ({})', links) or "–"

    @admin.display(description=_("on the desk of"))
    def desk_of(self, row: Registration) -> str:
        return str(row.taken_by) if row.taken_by and deciding.holds_it(row, timezone.now()) else "–"

    @admin.display(description=_("decide"))
    def decide(self, row: Registration) -> str:
        return format_html('<a href="{}">{}</a>', self._url("desk", row), gettext("Look at it…"))

    @admin.action(description=_("Approve the chosen ones"), permissions=["decide"])
    def approve_chosen(self, request: HttpRequest, queryset: QuerySet[Registration]) -> None:
        for row in queryset.select_related("product"):
            self._apply(request, row, None)

    # One after the other

    def next_view(self, request: HttpRequest) -> HttpResponse:
        """Take the longest waiting one that is free."""
        if not self.has_decide_permission(request):
            raise PermissionDenied
        return self._next(request)

    def _next(self, request: HttpRequest, after: Registration | None = None) -> HttpResponse:
        row = deciding.take_next(by=_user(request), at=timezone.now(), after=after)
        if row is None:
            self.message_user(request, gettext("Nothing else is waiting for you."), messages.INFO)
            return HttpResponseRedirect(reverse("admin:kitbag_registrationinreview_changelist"))
        return HttpResponseRedirect(self._url("desk", row))

    def desk_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Everything there is to see about one, and the buttons. Reading it takes nothing: the buttons do."""
        if not self.has_decide_permission(request):
            raise PermissionDenied
        rows = Registration.objects.select_related("product", "member__user", "taken_by")
        row = get_object_or_404(rows, pk=pk)
        posted = request.POST.get("do", "") if request.method == "POST" else ""
        filled = {name: form(request.POST if name == posted else None) for name, form in FORMS.items()}
        if posted == "skip":
            return self._next(request, after=row)
        if posted == "take":
            return self._take(request, row)
        if posted in filled and self._decided(request, row, posted, filled[posted]):
            return self._next(request)
        return TemplateResponse(request, self.desk_template, self._facts(request, row, filled))

    def _take(self, request: HttpRequest, row: Registration) -> HttpResponse:
        try:
            deciding.take(registration=row, by=_user(request), at=timezone.now())
        except Refusal as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        return HttpResponseRedirect(request.path)

    def _decided(self, request: HttpRequest, row: Registration, posted: str, form: DecisionForm) -> bool:
        if not form.is_valid():
            return False
        if form.cleaned_data["seen"] != seen_key(row):
            form.add_error(None, str(CHANGED))
            return False
        try:
            note = self._call(row, posted, form.cleaned_data, _user(request))
        except Refusal as refusal:
            add_refusal(form, refusal)
            return False
        self.log_change(request, row, note)
        self.message_user(request, f"{row}: {note}", messages.SUCCESS)
        return True

    def _call(self, row: Registration, posted: str, data: dict[str, Any], by: User) -> str:
        now = timezone.now()
        if posted == "approve":
            return approval_note(deciding.approve_registration(registration=row, by=by, at=now))
        if posted == "ask":
            deciding.ask_for_more(registration=row, text=data["asked_for"], by=by, at=now)
            return gettext("Asked for more: %(text)s") % {"text": data["asked_for"]}
        reason = RefusalReason(data["reason"])
        deciding.refuse_registration(registration=row, reason=reason, by=by, at=now)
        return gettext("Refused: %(reason)s") % {"reason": reason.label}

    def _facts(self, request: HttpRequest, row: Registration, filled: dict[str, DecisionForm]) -> dict[str, Any]:
        now = timezone.now()
        waiting = row.state == RegistrationState.SUBMITTED and bool(row.review_reason)
        held = waiting and deciding.holds_it(row, now)
        due = deciding.decision_due(row) if waiting else None
        claim = Claim.objects.open().filter(claimant=row).first()
        appeal = Appeal.objects.filter(registration=row).select_related("refused_by").first()
        finding = check_serial(row, row.serial) if row.serial else None
        user = _user(request)
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": row.product.name,
            "original": row,
            "seen": seen_key(row),
            "problems": [problem for form in filled.values() for problem in form.non_field_errors()],
            "reasons": list(enumerate(REASONS, start=1)),
            "waiting": waiting,
            "mine": held and row.taken_by_id == user.pk,
            "theirs": held and row.taken_by_id != user.pk,
            "own": row.member.user_id == user.pk,
            "due": due,
            "overdue": due is not None and due < now,
            "claim": claim,
            "appeal": appeal,
            "refused_it": bool(appeal and appeal.granted is None and appeal.refused_by_id == user.pk),
            "finding": serial_sentence(finding) if finding and finding.code else "",
            "others": same_serial(row),
            "person": member_summary(row.member),
            "refusals": deciding.refusals_of(row.member, now),
            **{f"{name}_form": form for name, form in filled.items()},
        }


def member_summary(member: Member) -> dict[str, int]:
    """How much of theirs counts, waits or is refused."""
    return Registration.objects.of(member).aggregate(
        counting=Count("pk", filter=Q(state=RegistrationState.VALIDATED)),
        waiting=Count("pk", filter=Q(state=RegistrationState.SUBMITTED)),
        refused=Count("pk", filter=Q(state=RegistrationState.REJECTED)),
        gone=Count("pk", filter=Q(state__in=[RegistrationState.REMOVED, RegistrationState.TRANSFERRED])),
    )


def _user(request: HttpRequest) -> User:
    user: Any = request.user
    by: User = user
    return by
