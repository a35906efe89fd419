"""The review queue: what could not be decided automatically, one registration after the other (R19, R54)."""

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
from cps_portal.core.lib.forms import MultiLineField
from kitbag.actions import review
from kitbag.actions.serials import check_serial
from kitbag.admin.registrations import (
    REASONS,
    DecisionForm,
    RegistrationAdmin,
    approval_note,
    same_serial,
    seen_key,
)
from kitbag.admin.staff import staff_user
from kitbag.enums import RefusalReason, RegistrationState
from kitbag.models import Appeal, Claim, Registration, RegistrationInReview
from kitbag.models.registrations import ANSWERS_FIRST
from kitbag.presenters.texts import release_sentence, serial_sentence
from kitbag.queries.deadlines import decision_due
from members.forms.common import add_refusal
from members.models import Member, User

MAX_OTHERS_SHOWN = 5
CHANGED = _("It has changed since you opened it. Please look at it again, then decide.")


class RefuseForm(DecisionForm):
    reason = forms.ChoiceField(
        choices=REASONS,
        error_messages={
            "required": _("Choose the reason that the member will read."),
            "invalid_choice": _("Choose a reason from the list."),
        },
    )


class AskForm(DecisionForm):
    asked_for = MultiLineField(
        label=_("What the member should add, in words they will read"),
        max_length=review.MAX_QUESTION_LENGTH,
        error_messages={
            "required": _("Tell the member what to add."),
            "max_length": _("Use at most %(limit_value)d characters. You have %(show_value)d."),
        },
        widget=forms.Textarea(attrs={"rows": 3, "maxlength": review.MAX_QUESTION_LENGTH}),
    )


FORMS: dict[str, type[DecisionForm]] = {"approve": DecisionForm, "refuse": RefuseForm, "ask": AskForm}


@admin.register(RegistrationInReview)
class ReviewAdmin(RegistrationAdmin):
    """The queue: registrations with an answer to our question first, then the longest waiting (R19)."""

    change_list_template = "admin/kitbag/registration/queue.html"
    desk_template = "admin/kitbag/registration/desk.html"
    list_display = ["product", "decide", "due", "review_reason", "serial", "same_serial", "member", "taken_by_name"]
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
        other = JSONObject(key="pk", state="state", number="member__number", product="product__name")
        others = ArraySubquery(same.order_by("pk").values(other=other)[:MAX_OTHERS_SHOWN])
        return RegistrationInReview.objects.queue().annotate(others=others)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {"title": _("Registrations to review, the longest waiting first"), **(extra_context or {})}
        return super().changelist_view(request, context)

    def _after(self, registration: Registration) -> str:
        return reverse("admin:kitbag_registrationinreview_changelist")

    # The list

    @admin.display(description=_("decide by"), ordering="submitted_at")
    def due(self, registration: Registration) -> str:
        due = decision_due(registration)
        if due is None:
            return "–"
        when = date_format(timezone.localtime(due), "Y-m-d H:i")
        return format_html("<b>{} {}</b>", when, gettext("overdue")) if due < timezone.now() else when

    @admin.display(description=_("same serial number"))
    def same_serial(self, registration: Any) -> str:
        links = (
            (
                reverse("admin:kitbag_registration_change", args=[other["key"]]),
                other["product"],
                other["number"],
                RegistrationState(other["state"]).label,
            )
            for other in registration.others
        )
        return format_html_join("; ", '<a href="{}">{}</a>, {} ({})', links) or "–"

    @admin.display(description=_("taken by"))
    def taken_by_name(self, registration: Registration) -> str:
        return (
            str(registration.taken_by)
            if registration.taken_by and review.is_taken(registration, timezone.now())
            else "–"
        )

    @admin.display(description=_("decide"))
    def decide(self, registration: Registration) -> str:
        return format_html('<a href="{}">{}</a>', self._url("desk", registration), gettext("Look at it…"))

    @admin.action(description=_("Approve the chosen ones"), permissions=["decide"])
    def approve_chosen(self, request: HttpRequest, queryset: QuerySet[Registration]) -> None:
        for registration in queryset.select_related("product"):
            self._apply(request, registration, None)

    # One after the other

    def next_view(self, request: HttpRequest) -> HttpResponse:
        """Take the longest waiting registration that nobody else has taken, and open it."""
        if not self.has_decide_permission(request):
            raise PermissionDenied
        return self._next(request)

    def _next(self, request: HttpRequest, after: Registration | None = None) -> HttpResponse:
        registration = review.take_next(by=staff_user(request), at=timezone.now(), after=after)
        if registration is None:
            self.message_user(request, gettext("Nothing else is waiting for you."), messages.INFO)
            return HttpResponseRedirect(reverse("admin:kitbag_registrationinreview_changelist"))
        return HttpResponseRedirect(self._url("desk", registration))

    def desk_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """One registration with all that helps to decide it, and the buttons. Only a button takes or changes it."""
        if not self.has_decide_permission(request):
            raise PermissionDenied
        rows = Registration.objects.select_related("product", "member__user", "taken_by")
        registration = get_object_or_404(rows, pk=pk)
        posted = request.POST.get("do", "") if request.method == "POST" else ""
        forms_by_name = {name: form(request.POST if name == posted else None) for name, form in FORMS.items()}
        if posted == "skip":
            return self._next(request, after=registration)
        if posted == "take":
            return self._take(request, registration)
        if posted in forms_by_name and self._decided(request, registration, posted, forms_by_name[posted]):
            return self._next(request)
        return TemplateResponse(request, self.desk_template, self._context(request, registration, forms_by_name))

    def _take(self, request: HttpRequest, registration: Registration) -> HttpResponse:
        try:
            review.take_registration(registration=registration, by=staff_user(request), at=timezone.now())
        except Refusal as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        return HttpResponseRedirect(request.path)

    def _decided(self, request: HttpRequest, registration: Registration, posted: str, form: DecisionForm) -> bool:
        if not form.is_valid():
            return False
        if form.cleaned_data["seen"] != seen_key(registration):
            form.add_error(None, str(CHANGED))
            return False
        try:
            note = self._run_action(registration, posted, form.cleaned_data, staff_user(request))
        except Refusal as refusal:
            add_refusal(form, refusal)
            return False
        self.log_change(request, registration, note)
        self.message_user(request, f"{registration}: {note}", messages.SUCCESS)
        return True

    def _run_action(self, registration: Registration, posted: str, data: dict[str, Any], by: User) -> str:
        now = timezone.now()
        if posted == "approve":
            return approval_note(review.approve_registration(registration=registration, by=by, at=now))
        if posted == "ask":
            review.ask_for_more(registration=registration, text=data["asked_for"], by=by, at=now)
            return gettext("Asked for more: %(text)s") % {"text": data["asked_for"]}
        reason = RefusalReason(data["reason"])
        review.refuse_registration(registration=registration, reason=reason, by=by, at=now)
        return gettext("Refused: %(reason)s") % {"reason": reason.label}

    def _context(
        self, request: HttpRequest, registration: Registration, forms_by_name: dict[str, DecisionForm]
    ) -> dict[str, Any]:
        now = timezone.now()
        waiting = registration.state == RegistrationState.SUBMITTED and bool(registration.review_reason)
        held = waiting and review.is_taken(registration, now)
        due = decision_due(registration) if waiting else None
        claim = Claim.objects.open().filter(claimant=registration).first()
        appeal = Appeal.objects.filter(registration=registration).select_related("refused_by").first()
        finding = check_serial(registration, registration.serial) if registration.serial else None
        user = staff_user(request)
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": registration.product.name,
            "original": registration,
            "seen": seen_key(registration),
            "problems": [problem for form in forms_by_name.values() for problem in form.non_field_errors()],
            "reasons": list(enumerate(REASONS, start=1)),
            "waiting": waiting,
            "mine": held and registration.taken_by_id == user.pk,
            "theirs": held and registration.taken_by_id != user.pk,
            "own": registration.member.user_id == user.pk,
            "due": due,
            "overdue": due is not None and due < now,
            "claim": claim,
            "appeal": appeal,
            "refused_it": bool(appeal and appeal.granted is None and appeal.refused_by_id == user.pk),
            "finding": serial_sentence(finding) if finding and finding.code else "",
            "release": release_sentence(registration.product, on=timezone.localdate())
            if registration.is_before_release
            else "",
            "lacks_proof": waiting and review.lacks_proof(registration),
            "others": same_serial(registration),
            "summary": member_summary(registration.member),
            "refusals": review.count_recent_refusals(registration.member, now),
            **{f"{name}_form": form for name, form in forms_by_name.items()},
        }


def member_summary(member: Member) -> dict[str, int]:
    """How many of the member's registrations count, wait, were refused or are gone."""
    return Registration.objects.of(member).aggregate(
        counting=Count("pk", filter=Q(state=RegistrationState.VALIDATED)),
        waiting=Count("pk", filter=Q(state=RegistrationState.SUBMITTED)),
        refused=Count("pk", filter=Q(state=RegistrationState.REJECTED)),
        gone=Count("pk", filter=Q(state__in=[RegistrationState.REMOVED, RegistrationState.TRANSFERRED])),
    )
