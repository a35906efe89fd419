"""Desk pages of changes that members are told of in advance: plan one after a preview, cancel it, follow it (R22)."""

from abc import abstractmethod
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, TypeVar

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.signing import BadSignature, Signer
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.admin import ReadOnlyAdmin
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.forms import LineField
from kitbag.admin.staff import staff_user
from members import actions
from members.enums import ChangeState
from members.models import AnnouncedPlan, User

P = TypeVar("P", bound=AnnouncedPlan)


class AnnouncedPlanForm(forms.Form):
    """From which day on, and why at short notice; the rest is of each kind."""

    salt: ClassVar[str]

    effective_on = forms.DateField(
        label=_("From"),
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
        error_messages={
            "required": _("Choose the first day."),
            "invalid": _("This is not a date. Write it as 2027-03-01."),
        },
    )
    short_notice_reason = LineField(
        label=_("Why at short notice"),
        max_length=200,
        required=False,
        widget=forms.TextInput({"class": "vTextField"}),
        help_text=_("Only for a day before the notice period ends; kept with the plan."),
    )

    def seen(self) -> str:
        """The input, signed, to check later that what is planned is what the preview showed."""
        return Signer(salt=self.salt).sign_object(self._input())

    def was_seen(self, sealed: str) -> bool:
        try:
            seen: dict[str, str] = Signer(salt=self.salt).unsign_object(sealed)
        except BadSignature:
            return False
        return seen == self._input()

    def _input(self) -> dict[str, str]:
        return {name: str(self.cleaned_data[name]) for name in self.fields}


class AnnouncedPlanAdmin(ReadOnlyAdmin[P]):
    """Read-only. Planned and cancelled on pages that call actions."""

    permission: ClassVar[str]  # to plan and to cancel
    form_class: ClassVar[type[AnnouncedPlanForm]]
    plan_title: ClassVar[str | Promise]
    plan_template: ClassVar[str]
    cancel_title: ClassVar[str | Promise]
    cancel_template: ClassVar[str]
    planned_message: ClassVar[str | Promise]

    @abstractmethod
    def initial(self, request: HttpRequest) -> dict[str, Any]:
        """What the empty form begins with besides its day."""

    @abstractmethod
    def draft(self, facts: dict[str, Any], *, by: User, at: datetime) -> P:
        """The plan for a preview, not saved. Raises Refusal beside its field."""

    @abstractmethod
    def plan(self, facts: dict[str, Any], *, by: User, at: datetime) -> P:
        """Plan it. Raises Refusal beside its field."""

    @abstractmethod
    def preview(self, draft: P) -> dict[str, Any]:
        """What the page shows of a draft."""

    @abstractmethod
    def count_notified(self, plan: P) -> int:
        """How many members have been told, and would be told of a cancellation."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("plan/", view(self.plan_view), name=f"members_{self.opts.model_name}_plan"),
            path("<int:pk>/cancel/", view(self.cancel_view), name=f"members_{self.opts.model_name}_cancel"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        plan = self.get_object(request, object_id)
        planned = plan is not None and plan.state == ChangeState.PLANNED
        is_due = planned and plan is not None and plan.effective_on <= timezone.localdate()
        context = {
            "may_cancel": planned and request.user.has_perm(self.permission),
            "is_late": is_due and plan is not None and plan.announced_at is not None and not plan.told_in_time,
        }
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **context})

    def plan_view(self, request: HttpRequest) -> HttpResponse:
        """Show the form, then the form with a preview, then plan it."""
        if not request.user.has_perm(self.permission):
            raise PermissionDenied
        initial = {"effective_on": earliest_day(), **self.initial(request)}
        form = self.form_class(request.POST if request.method == "POST" else None, initial=initial)
        if not form.is_valid():
            return self._page(request, {"form": form})
        facts = dict(form.cleaned_data)
        by, now = staff_user(request), timezone.now()
        try:
            if form.was_seen(request.POST.get("seen", "")):
                plan = self.plan(facts, by=by, at=now)
                self.log_addition(request, plan, gettext("Planned."))
                messages.success(request, str(self.planned_message))
                return self._to_plan(plan.pk)
            draft = self.draft(facts, by=by, at=now)
        except Refusal as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
            return self._page(request, {"form": form})
        return self._page(request, {"form": form, "seen": form.seen(), **self.preview(draft)})

    def cancel_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show how many members would be notified, then cancel the plan."""
        if not request.user.has_perm(self.permission):
            raise PermissionDenied
        plan = get_object_or_404(self.model, pk=pk)
        if request.method != "POST":
            context = {"title": self.cancel_title, "original": plan, "notified": self.count_notified(plan)}
            return self._page(request, context, self.cancel_template)
        try:
            actions.cancel_plan(plan=plan, by=staff_user(request), at=timezone.now())
        except Refusal as refusal:
            messages.error(request, str(refusal))
            return self._to_plan(pk)
        self.log_change(request, plan, gettext("Cancelled."))
        messages.success(request, _("Cancelled. Members who had been notified will get a second message."))
        return self._to_plan(pk)

    def _to_plan(self, pk: int) -> HttpResponseRedirect:
        return HttpResponseRedirect(reverse(f"admin:members_{self.opts.model_name}_change", args=[pk]))

    def _page(self, request: HttpRequest, context: dict[str, Any], template: str = "") -> HttpResponse:
        whole = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": self.plan_title,
            "earliest": earliest_day(),
            "may_see_members": request.user.has_perm("members.view_member"),
            **context,
        }
        return TemplateResponse(request, template or self.plan_template, whole)


def earliest_day() -> date:
    """The first day for which members get all of their notice."""
    return timezone.localdate() + timedelta(days=settings.NOTICE_DAYS + 1)
