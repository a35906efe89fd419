"""The review queue: what could not be decided automatically, one registration after the other (R19, R54)."""

from http import HTTPStatus
from typing import Any

from django.contrib import admin, messages
from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import PermissionDenied
from django.db.models import Model, OuterRef, QuerySet
from django.db.models.functions import JSONObject
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from cps_portal.core.lib.dates import write_moment
from cps_portal.core.lib.errors import Refusal
from kitbag.actions import held_decisions, review
from kitbag.admin.decide import (
    AHEAD,
    FORMS,
    AskForm,
    build_item,
    decide_rows,
    page_keys,
    read_known,
    read_rows,
    render_item,
    render_items,
    upcoming,
)
from kitbag.admin.held_context import held_context, held_note, render_toast
from kitbag.admin.held_decisions import queue_tabs
from kitbag.admin.loaded import has_loaded, keys_in
from kitbag.admin.registrations import DecisionForm, RegistrationAdmin
from kitbag.admin.sheet import chosen_on_sheet, sheet_context, sheet_keys
from kitbag.admin.staff import staff_user
from kitbag.enums import RefusalReason, RegistrationState, ReviewReason
from kitbag.models import HeldDecision, Registration, RegistrationInReview
from kitbag.models.registrations import ANSWERS_FIRST
from kitbag.queries.deadlines import decision_due
from members.forms.common import add_refusal
from members.models import User

MAX_OTHERS_SHOWN = 5


@admin.register(RegistrationInReview)
class ReviewAdmin(RegistrationAdmin):
    """The queue: registrations with an answer to our question first, then the longest waiting (R19)."""

    change_list_template = "admin/kitbag/registration/queue.html"
    desk_template = "admin/kitbag/registration/decide.html"
    sheet_template = "admin/kitbag/registration/sheet.html"
    list_display = ["product", "decide", "due", "review_reason", "serial", "same_serial", "member", "taken_by_name"]
    list_filter = ["review_reason", "submitted_at"]
    list_select_related = ["product", "member", "taken_by"]
    ordering = [ANSWERS_FIRST, "submitted_at", "pk"]

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_decide_permission(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_decide_permission(request)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("next/", view(require_POST(self.next_view)), name="kitbag_registrationinreview_next"),
            path("sheet/", view(self.sheet_view), name="kitbag_registrationinreview_sheet"),
            path("<int:pk>/desk/", view(self.desk_view), name="kitbag_registrationinreview_desk"),
            *super(RegistrationAdmin, self).get_urls(),  # what counts is refused on its own page
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Registration]:
        same = Registration.objects.filter(serial_key=OuterRef("serial_key")).exclude(pk=OuterRef("pk"))
        other = JSONObject(key="pk", state="state", number="member__number", product="product__name")
        others = ArraySubquery(same.order_by("pk").values(other=other)[:MAX_OTHERS_SHOWN])
        return RegistrationInReview.objects.queue().annotate(others=others)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        is_appeals = request.GET.get("review_reason__exact") == ReviewReason.APPEAL
        context = {
            "title": _("Registrations to review, the longest waiting first"),
            "only": ReviewReason.APPEAL.value if is_appeals else "",
            "tabs": queue_tabs(request, "appeals" if is_appeals else "checks"),
            **held_context(request),
            **(extra_context or {}),
        }
        return super().changelist_view(request, context)

    # The list

    @admin.display(description=_("decide by"), ordering="submitted_at")
    def due(self, registration: Registration) -> str:
        due = decision_due(registration)
        if due is None:
            return "–"
        when = write_moment(due)
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
        return format_html('<a href="{}">{}</a>', _desk(registration), gettext("Look at it…"))

    # Many on one sheet

    def sheet_view(self, request: HttpRequest) -> HttpResponse:
        """Many registrations with their pictures on one sheet; those that are chosen are approved in one go (R54)."""
        if not self.has_decide_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            self._hold_chosen(request)
            return HttpResponseRedirect(request.get_full_path())
        context = {
            **self.admin_site.each_context(request),
            **held_context(request),
            **sheet_context(request),
            "opts": self.opts,
            "title": gettext("Contact sheet"),
            "tabs": queue_tabs(request, "checks"),
            "page_keys": sheet_keys(),
        }
        return TemplateResponse(request, self.sheet_template, context)

    def _hold_chosen(self, request: HttpRequest) -> None:
        """Hold the approval of each chosen one; say of each that is refused why. One moment makes them one press."""
        by, now = staff_user(request), timezone.now()
        chosen = chosen_on_sheet(request)
        if not chosen:
            self.message_user(request, gettext("Choose at least one: press X, or click its picture."), messages.ERROR)
        for row, version in chosen:
            try:
                decision = held_decisions.hold_approval(registration=row, version=version, by=by, at=now)
            except Refusal as refusal:
                self.message_user(request, f"{row}: {refusal}", messages.ERROR)
            else:
                self.log_change(request, row, held_note(decision))

    # One after the other

    def next_view(self, request: HttpRequest) -> HttpResponse:
        """Take the longest waiting registration that nobody else has taken, and open it."""
        if not self.has_decide_permission(request):
            raise PermissionDenied
        return self._next(request)

    def _next(self, request: HttpRequest, after: Registration | None = None) -> HttpResponse:
        only_appeals = _only_appeals(request)
        row = review.take_next(by=staff_user(request), at=timezone.now(), after=after, only_appeals=only_appeals)
        query = f"?only={ReviewReason.APPEAL.value}" if only_appeals else ""
        if row is None:
            self.message_user(request, gettext("Nothing else is waiting for you."), messages.INFO)
            query = f"?review_reason__exact={ReviewReason.APPEAL.value}" if only_appeals else ""
            return HttpResponseRedirect(reverse("admin:kitbag_registrationinreview_changelist") + query)
        return HttpResponseRedirect(_desk(row) + query)

    def desk_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """One registration with all that helps to decide it, and the buttons. Only a button takes or changes it.

        A script that has the next ones loaded asks for JSON: what was decided and can be taken back, and more to load.
        """
        if not self.has_decide_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return TemplateResponse(request, self.desk_template, self._context(request, pk))
        row = get_object_or_404(decide_rows(), pk=pk)
        posted = request.POST.get("do", "")
        if posted in FORMS:
            form = FORMS[posted](request.POST)
            if self._hold(request, row, posted, form):
                return self._go_on(request, row) if has_loaded(request) else self._next(request)
            return self._show_again(request, row, {posted: form})
        if posted == "skip":
            return self._skip(request, row)
        if posted == "take":
            return self._take(request, row)
        return TemplateResponse(request, self.desk_template, self._context(request, pk))

    def _skip(self, request: HttpRequest, row: Registration) -> HttpResponse:
        if not has_loaded(request):
            return self._next(request, after=row)
        review.give_back(registration=row, by=staff_user(request))
        return self._go_on(request, row)

    def _take(self, request: HttpRequest, row: Registration) -> HttpResponse:
        try:
            review.take_registration(registration=row, by=staff_user(request), at=timezone.now())
        except Refusal as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        return HttpResponseRedirect(request.get_full_path())

    def _hold(self, request: HttpRequest, row: Registration, posted: str, form: DecisionForm) -> bool:
        """Hold the decision. Returns False, with the reason in the form, if it is refused."""
        if not form.is_valid():
            return False
        try:
            decision = self._hold_decision(row, posted, form, staff_user(request))
        except Refusal as refusal:
            add_refusal(form, refusal)
            return False
        self.log_change(request, row, held_note(decision))
        return True

    def _hold_decision(self, row: Registration, posted: str, form: DecisionForm, by: User) -> HeldDecision:
        now, version = timezone.now(), form.cleaned_data["seen"]
        if posted == "approve":
            return held_decisions.hold_approval(registration=row, version=version, by=by, at=now)
        if isinstance(form, AskForm):
            text = form.text_for(row.member)
            return held_decisions.hold_question(registration=row, text=text, version=version, by=by, at=now)
        reason = RefusalReason(form.cleaned_data["reason"])
        return held_decisions.hold_refusal(registration=row, reason=reason, version=version, by=by, at=now)

    def _go_on(self, request: HttpRequest, row: Registration) -> JsonResponse:
        """Assign the registration that the browser shows now; send what it should load next."""
        user, gone = staff_user(request), []
        for shown in Registration.objects.filter(pk__in=keys_in(request, "shown")):
            try:
                review.take_registration(registration=shown, by=user, at=timezone.now())
            except Refusal:
                gone.append(shown.pk)
        loaded = {*keys_in(request, "shown"), *keys_in(request, "loaded"), *keys_in(request, "passed")}
        room = max(AHEAD - len(keys_in(request, "loaded")), 0)
        keys = upcoming(user, after=row.pk, loaded=loaded, only_appeals=_only_appeals(request))[:room]
        items = render_items(request, read_rows(keys))
        return JsonResponse({"toast": render_toast(request), "items": items, "gone": gone})

    def _show_again(self, request: HttpRequest, row: Registration, bound: dict[str, DecisionForm]) -> HttpResponse:
        if has_loaded(request):
            row = decide_rows().get(pk=row.pk)
            answer = {"toast": render_toast(request), "item": render_item(request, row, bound)}
            return JsonResponse(answer, status=HTTPStatus.CONFLICT)
        return TemplateResponse(request, self.desk_template, self._context(request, row.pk, bound))

    def _context(self, request: HttpRequest, pk: int, bound: dict[str, DecisionForm] | None = None) -> dict[str, Any]:
        """Raises Http404 without such a registration."""
        only_appeals = _only_appeals(request)
        rows = read_rows([pk, *upcoming(staff_user(request), after=pk, only_appeals=only_appeals)])
        if not rows or rows[0].pk != pk:
            raise Http404
        row, *ahead = rows
        known = read_known([row, *ahead])
        return {
            **self.admin_site.each_context(request),
            **held_context(request),
            "opts": self.opts,
            "title": str(row),
            "original": row,
            "item": build_item(request, row, known, bound),
            "ahead": [build_item(request, item, known) for item in ahead],
            "tabs": queue_tabs(request, "appeals" if only_appeals else "checks"),
            "page_keys": page_keys(),
        }


def _desk(registration: Registration) -> str:
    return reverse("admin:kitbag_registrationinreview_desk", args=[registration.pk])


def _only_appeals(request: HttpRequest) -> bool:
    return ReviewReason.APPEAL in (request.GET.get("only"), request.POST.get("only"))
