"""Plan changes by a form, from a file, or in place of another one. Each way leads over a preview to be confirmed."""

import csv
from collections.abc import Sequence
from typing import Any, cast

from django.contrib import messages
from django.contrib.admin.models import ADDITION, LogEntry
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.forms import BaseFormSet, Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.admin import ReadOnlyAdmin
from cps_portal.core.lib.errors import Refusal
from kitbag.actions.planning import PlansRefused, cancel_change, earliest_day
from kitbag.admin.plan_forms import (
    MAX_PER_REQUEST,
    DayForm,
    LoadForm,
    PlanSet,
    ReasonForm,
    initial_for_plan,
    initial_for_product,
    plan_of_change,
)
from kitbag.admin.plan_requests import ChangedMeanwhile, PlanRequest, read_file
from kitbag.admin.staff import staff_user
from kitbag.catalogue.plans_reader import COLUMNS, MAX_ROWS
from kitbag.catalogue.reader import BadRow, UnreadableFile
from kitbag.enums import Stage
from kitbag.models import POINTS_FIELDS, Product, StageChange
from kitbag.queries.preview import preview
from members.enums import ChangeState

PLAN = "kitbag.plan_stagechange"
MAX_LINES_SHOWN = 200
CHANGES = "admin:kitbag_stagechange_changelist"
CHANGE = "admin:kitbag_stagechange_change"


def may_plan(request: HttpRequest) -> bool:
    return request.user.has_perm(PLAN)


def require_may_plan(request: HttpRequest) -> None:
    if not may_plan(request):
        raise PermissionDenied


class PlanningAdmin(ReadOnlyAdmin[StageChange]):
    """The pages on which changes are planned, changed and cancelled (R22)."""

    form_template = "admin/kitbag/planning/form.html"
    load_template = "admin/kitbag/planning/load.html"
    preview_template = "admin/kitbag/planning/preview.html"
    cancel_template = "admin/kitbag/planning/cancel.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("plan/", view(self.plan_view), name="kitbag_stagechange_plan"),
            path("load/", view(self.load_view), name="kitbag_stagechange_load"),
            path("load/sample.csv", view(self.sample_view), name="kitbag_stagechange_sample"),
            path("confirm/", view(self.confirm_view), name="kitbag_stagechange_confirm"),
            path("<int:pk>/replace/", view(self.replace_view), name="kitbag_stagechange_replace"),
            path("<int:pk>/cancel/", view(self.cancel_view), name="kitbag_stagechange_cancel"),
            *super().get_urls(),
        ]

    # By a form

    def plan_view(self, request: HttpRequest) -> HttpResponse:
        """A form row for each selected product, and one day for all."""
        require_may_plan(request)
        if request.method == "POST":
            return self._submitted(request, None)
        products = Product.objects.filter(pk__in=keys_of(request.GET.get("products", "")))
        if not products:
            messages.info(request, _("Select the products in the list, then choose “Plan a change” from the actions."))
            return HttpResponseRedirect(reverse("admin:kitbag_product_changelist"))
        rows = PlanSet(prefix="rows", initial=[initial_for_product(product) for product in products])
        return self._form_page(request, DayForm(initial={"effective_on": earliest_day(timezone.now())}), rows)

    def replace_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Replace a plan that has not taken effect yet."""
        require_may_plan(request)
        old = get_object_or_404(StageChange.objects.select_related("product", "successor"), pk=pk)
        if old.state != ChangeState.PLANNED:
            messages.error(request, _("This is no longer planned: it has taken effect or was cancelled."))
            return HttpResponseRedirect(reverse(CHANGE, args=[pk]))
        if request.method == "POST":
            return self._submitted(request, old)
        return self._show_plans(request, PlanRequest([plan_of_change(old)], "replace", old))

    def _show_plans(self, request: HttpRequest, plan_request: PlanRequest) -> HttpResponse:
        rows = PlanSet(prefix="rows", initial=[initial_for_plan(plan) for plan in plan_request.plans])
        return self._form_page(
            request, DayForm(initial={"effective_on": plan_request.plans[0].effective_on}), rows, plan_request.replaces
        )

    def _submitted(self, request: HttpRequest, old: StageChange | None) -> HttpResponse:
        day, rows = DayForm(request.POST), PlanSet(request.POST, prefix="rows")
        if not (rows.is_valid() & day.is_valid()):
            return self._form_page(request, day, rows, old)
        other_points = plan_of_change(old).points if old else None
        plans = [row.plan(day.cleaned_data["effective_on"], dict(other_points or {})) for row in rows]
        plan_request = PlanRequest(plans, "replace" if old else "plan", old)
        try:
            return self.review(request, plan_request)
        except PlansRefused as refused:
            for index, refusal in refused.rows.items():
                _add_refusal(day, rows[index], plans[index].product, refusal, alone=len(plans) == 1)
            return self._form_page(request, day, rows, old)

    def _form_page(
        self, request: HttpRequest, day: DayForm, rows: BaseFormSet[Any], old: StageChange | None = None
    ) -> HttpResponse:
        keys = [str(row["product"].value()) for row in rows]
        products = Product.objects.in_bulk([int(key) for key in keys if is_key(key)])
        action = reverse("admin:kitbag_stagechange_replace", args=[old.pk]) if old else None
        context = {
            "title": _("Change a plan") if old else _("Plan a change"),
            "day": day,
            "rows": rows,
            "pairs": [
                (row, products.get(int(key)) if is_key(key) else None) for row, key in zip(rows, keys, strict=True)
            ],
            "old": old,
            "action": action or reverse("admin:kitbag_stagechange_plan"),
            "earliest": earliest_day(timezone.now()),
        }
        return self._page(request, self.form_template, context)

    # From a file

    def load_view(self, request: HttpRequest) -> HttpResponse:
        """Plan the changes of a CSV file, all or none. Every wrong row is listed."""
        require_may_plan(request)
        posted = request.method == "POST"
        form = LoadForm(request.POST, request.FILES) if posted else LoadForm()
        bad: Sequence[BadRow] = []
        if posted and form.is_valid():
            try:
                plan_request, bad = read_file(form.cleaned_data["file"].read(), staff_user(request))
                if not bad:
                    return self.review(request, plan_request)
            except UnreadableFile as error:
                form.add_error("file", str(error))
            except PlansRefused as refused:  # someone else planned it between reading and drafting
                form.add_error("file", str(refused))
        context = {
            "title": _("Load a CSV of changes"),
            "form": form,
            "bad": bad,
            "columns": COLUMNS,
            "stages": list(Stage),
            "max_rows": MAX_ROWS,
        }
        return self._page(request, self.load_template, context)

    def sample_view(self, request: HttpRequest) -> HttpResponse:
        """A sample file with products of this catalogue."""
        require_may_plan(request)
        answer = HttpResponse(content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = 'attachment; filename="changes.csv"'
        sheet = csv.writer(answer)
        sheet.writerow(COLUMNS)
        day = earliest_day(timezone.now()).isoformat()
        slugs = list(
            Product.objects.filter(stage=Stage.CURRENT, points_current__gt=0).values_list("slug", flat=True)[:3]
        )
        if len(slugs) == 3:
            sheet.writerow([slugs[0], Stage.SUPERSEDED.value, slugs[1], day, ""])
            sheet.writerow([slugs[2], Stage.UNSERVICEABLE.value, "", day, ""])
        return answer

    # The preview, and what follows

    def review(
        self, request: HttpRequest, plan_request: PlanRequest, *, reason: ReasonForm | None = None, note: str = ""
    ) -> HttpResponse:
        """Show what it would do and ask for confirmation. Raises PlansRefused."""
        rows, needs_reason = plan_request.draft(staff_user(request), timezone.now())
        effects = preview(rows)
        context = {
            "title": _("Preview"),
            "plan_request": plan_request,
            "effects": effects,
            "lines": effects.lines[:MAX_LINES_SHOWN],
            "more": max(len(effects.lines) - MAX_LINES_SHOWN, 0),
            "signed": plan_request.sign(rows, effects, staff_user(request)),
            "reason": (reason or ReasonForm()) if needs_reason else None,
            "earliest": earliest_day(timezone.now()),
            "note": note,
            "may_see_members": request.user.has_perm("members.view_member"),
        }
        return self._page(request, self.preview_template, context)

    def confirm_view(self, request: HttpRequest) -> HttpResponse:
        """Plan what the preview showed, if it would still do the same."""
        require_may_plan(request)
        plan_request = (
            PlanRequest.from_signed(request.POST.get("plan_request", ""), staff_user(request))
            if request.method == "POST"
            else None
        )
        if plan_request is None:
            messages.error(request, _("This preview is too old, or something in it is gone. Start again."))
            return HttpResponseRedirect(reverse(CHANGES))
        if "back" in request.POST:
            return self._back(request, plan_request)
        try:
            try:
                return self._confirm(request, plan_request)
            except ChangedMeanwhile:
                note = gettext("Something has changed since you opened the preview. Please look at it again.")
                return self.review(request, plan_request, note=note)
        except Refusal as refusal:
            if plan_request.is_planned(staff_user(request), timezone.now()):
                messages.info(request, _("This has already been planned: you pressed the button twice."))
                return HttpResponseRedirect(reverse(CHANGES))
            return self._page(request, self.preview_template, _problems(plan_request, refusal))

    def _confirm(self, request: HttpRequest, plan_request: PlanRequest) -> HttpResponse:
        now, by = timezone.now(), staff_user(request)
        rows, needs_reason = plan_request.draft(by, now)
        if plan_request.differs(rows, preview(rows)):
            raise ChangedMeanwhile
        reason = ReasonForm(request.POST)
        if needs_reason and not reason.is_valid():
            return self.review(request, plan_request, reason=reason)
        text = reason.cleaned_data["short_notice_reason"] if needs_reason else ""
        planned = plan_request.carry_out(reason=text, by=by, at=now)
        self._log(request, plan_request, planned)
        note = ngettext("%(n)d change is planned.", "%(n)d changes are planned.", len(planned)) % {"n": len(planned)}
        messages.success(request, f"{note} {gettext('Members who have such a product will be notified soon.')}")
        if len(planned) == 1:
            return HttpResponseRedirect(reverse(CHANGE, args=[planned[0].pk]))
        return HttpResponseRedirect(reverse(CHANGES))

    def _log(self, request: HttpRequest, plan_request: PlanRequest, planned: Sequence[StageChange]) -> None:
        origin = {
            "load": gettext("Planned from a file."),
            "replace": gettext("Planned in place of another change."),
            "proposals": gettext("Planned as proposed by a load of the catalogue."),
        }
        note = origin.get(plan_request.origin, gettext("Planned."))
        user = staff_user(request).pk
        LogEntry.objects.log_actions(user, list(planned), ADDITION, change_message=note)
        if plan_request.replaces:
            self.log_change(request, plan_request.replaces, gettext("Replaced by another plan."))
        for proposal in plan_request.proposals:
            self.log_change(request, cast("StageChange", cast("Model", proposal)), gettext("Planned."))

    def _back(self, request: HttpRequest, plan_request: PlanRequest) -> HttpResponse:
        """Back to the form, with all values kept."""
        if plan_request.origin == "load":
            return HttpResponseRedirect(reverse("admin:kitbag_stagechange_load"))
        if plan_request.proposals:
            keys = ",".join(str(row.pk) for row in plan_request.proposals)
            url = reverse("admin:kitbag_catalogueproposal_plan")
            return HttpResponseRedirect(f"{url}?proposals={keys}&on={plan_request.seen['on']}")
        return self._show_plans(request, plan_request)

    # Cancelling

    def cancel_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show how many members would be notified, then cancel the plan."""
        require_may_plan(request)
        change = get_object_or_404(StageChange.objects.select_related("product"), pk=pk)
        here = HttpResponseRedirect(reverse(CHANGE, args=[pk]))
        if request.method == "POST":
            try:
                cancel_change(change=change, by=staff_user(request), at=timezone.now())
            except Refusal as refusal:
                messages.error(request, str(refusal))
                return here
            self.log_change(request, change, gettext("Cancelled."))
            messages.success(request, _("Cancelled. Members who had been notified will get a second message."))
            return here
        if change.state != ChangeState.PLANNED:
            messages.error(request, _("This is no longer planned: it has taken effect or was cancelled."))
            return here
        notified = change.announcements.filter(withdrawn_at=None).count()
        return self._page(
            request, self.cancel_template, {"title": _("Cancel"), "original": change, "notified": notified}
        )

    def _page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        whole = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        return TemplateResponse(request, template, whole)


def _add_refusal(day: DayForm, row: Form, product: Product, refusal: Refusal, *, alone: bool) -> None:
    """Show the refusal of a plan beside its field."""
    if refusal.field == "effective_on":
        day.add_error("effective_on", str(refusal) if alone else f"{product}: {refusal}")
    else:
        row.add_error(refusal.field if refusal.field in row.fields else None, str(refusal))


def _problems(plan_request: PlanRequest, refusal: Refusal) -> dict[str, Any]:
    """The page if nothing can be planned: the reasons by product."""
    rows = refusal.rows if isinstance(refusal, PlansRefused) else {}
    problems = [(plan_request.plans[index].product, str(refusal)) for index, refusal in rows.items()]
    return {
        "title": _("Nothing was planned"),
        "problems": problems or [("", str(refusal))],
        "plan_request": plan_request,
    }


def points_at_stages(change: StageChange) -> list[tuple[str, int]]:
    """The points that a change sets by itself, by stage."""
    own = [(str(stage.label), getattr(change, name)) for stage, name in POINTS_FIELDS.items()]
    return [(label, value) for label, value in own if value is not None]


def keys_of(text: str) -> list[int]:
    """The keys in a query parameter such as 3,14,15. Anything else is ignored."""
    return [int(key) for key in text.split(",") if is_key(key)][:MAX_PER_REQUEST]


def is_key(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10
