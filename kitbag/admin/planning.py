"""The ways to plan changes: typed, from a file, instead of another. All go by a preview, and then once more ask."""

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
    first_values,
    plan_as_it_stands,
    values_of,
)
from kitbag.admin.wishes import ChangedMeanwhile, Wish, read_file
from kitbag.catalogue.plans_reader import COLUMNS, MAX_ROWS
from kitbag.catalogue.reader import BadRow, UnreadableFile
from kitbag.enums import Stage
from kitbag.models import POINTS_FIELDS, Product, StageChange
from kitbag.queries.preview import preview
from members.enums import ChangeState
from members.models import User

PLAN = "kitbag.plan_stagechange"
LINES_SHOWN = 200
CHANGES = "admin:kitbag_stagechange_changelist"
CHANGE = "admin:kitbag_stagechange_change"


def may_plan(request: HttpRequest) -> bool:
    return request.user.has_perm(PLAN)


def by_of(request: HttpRequest) -> User:
    return cast("User", request.user)


def need_to_plan(request: HttpRequest) -> None:
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

    # Typed

    def plan_view(self, request: HttpRequest) -> HttpResponse:
        """A row for each product that was chosen, and one day."""
        need_to_plan(request)
        if request.method == "POST":
            return self._typed(request, None)
        products = Product.objects.filter(pk__in=keys_of(request.GET.get("products", "")))
        if not products:
            messages.info(request, _("Choose the products in the list, then “Plan a change” from the actions."))
            return HttpResponseRedirect(reverse("admin:kitbag_product_changelist"))
        rows = PlanSet(prefix="rows", initial=[first_values(product) for product in products])
        return self._form_page(request, DayForm(initial={"effective_on": earliest_day(timezone.now())}), rows)

    def replace_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Another plan instead of one that has not taken effect."""
        need_to_plan(request)
        old = get_object_or_404(StageChange.objects.select_related("product", "successor"), pk=pk)
        if old.state != ChangeState.PLANNED:
            messages.error(request, _("This is not planned any more: it has taken effect or was cancelled."))
            return HttpResponseRedirect(reverse(CHANGE, args=[pk]))
        if request.method == "POST":
            return self._typed(request, old)
        return self._show_plans(request, Wish([plan_as_it_stands(old)], "replace", old))

    def _show_plans(self, request: HttpRequest, wish: Wish) -> HttpResponse:
        rows = PlanSet(prefix="rows", initial=[values_of(plan) for plan in wish.plans])
        return self._form_page(
            request, DayForm(initial={"effective_on": wish.plans[0].effective_on}), rows, wish.replaces
        )

    def _typed(self, request: HttpRequest, old: StageChange | None) -> HttpResponse:
        day, rows = DayForm(request.POST), PlanSet(request.POST, prefix="rows")
        if not (rows.is_valid() & day.is_valid()):
            return self._form_page(request, day, rows, old)
        besides = plan_as_it_stands(old).points if old else None
        plans = [row.plan(day.cleaned_data["effective_on"], dict(besides or {})) for row in rows]
        wish = Wish(plans, "replace" if old else "plan", old)
        try:
            return self.review(request, wish)
        except PlansRefused as refused:
            for place, refusal in refused.rows.items():
                _blame(day, rows[place], plans[place].product, refusal, alone=len(plans) == 1)
            return self._form_page(request, day, rows, old)

    def _form_page(
        self, request: HttpRequest, day: DayForm, rows: BaseFormSet[Any], old: StageChange | None = None
    ) -> HttpResponse:
        asked = [str(row["product"].value()) for row in rows]
        products = Product.objects.in_bulk([int(key) for key in asked if is_key(key)])
        action = reverse("admin:kitbag_stagechange_replace", args=[old.pk]) if old else None
        context = {
            "title": _("Change a plan") if old else _("Plan a change"),
            "day": day,
            "rows": rows,
            "pairs": [
                (row, products.get(int(key)) if is_key(key) else None) for row, key in zip(rows, asked, strict=True)
            ],
            "old": old,
            "action": action or reverse("admin:kitbag_stagechange_plan"),
            "earliest": earliest_day(timezone.now()),
        }
        return self._page(request, self.form_template, context)

    # From a file

    def load_view(self, request: HttpRequest) -> HttpResponse:
        """Changes of a CSV file: all of them, or every bad row named and none of them."""
        need_to_plan(request)
        posted = request.method == "POST"
        form = LoadForm(request.POST, request.FILES) if posted else LoadForm()
        bad: Sequence[BadRow] = []
        if posted and form.is_valid():
            try:
                wish, bad = read_file(form.cleaned_data["file"].read(), by_of(request))
                if not bad:
                    return self.review(request, wish)
            except UnreadableFile as error:
                form.add_error("file", str(error))
            except PlansRefused as refused:  # planned by somebody else between reading and looking
                form.add_error("file", str(refused))
        context = {
            "title": _("Load a CSV of changes"),
            "form": form,
            "bad": bad,
            "columns": COLUMNS,
            "stages": list(Stage),
            "most": MAX_ROWS,
        }
        return self._page(request, self.load_template, context)

    def sample_view(self, request: HttpRequest) -> HttpResponse:
        """A file to start from, with products of this catalogue."""
        need_to_plan(request)
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
        self, request: HttpRequest, wish: Wish, *, reason: ReasonForm | None = None, note: str = ""
    ) -> HttpResponse:
        """What it would do, and the question whether to plan it. Raises PlansRefused."""
        rows, needs_reason = wish.draft(by_of(request), timezone.now())
        found = preview(rows)
        context = {
            "title": _("Preview"),
            "wish": wish,
            "found": found,
            "lines": found.lines[:LINES_SHOWN],
            "more": max(len(found.lines) - LINES_SHOWN, 0),
            "sealed": wish.sealed(rows, found, by_of(request)),
            "reason": (reason or ReasonForm()) if needs_reason else None,
            "earliest": earliest_day(timezone.now()),
            "note": note,
            "may_see_members": request.user.has_perm("members.view_member"),
        }
        return self._page(request, self.preview_template, context)

    def confirm_view(self, request: HttpRequest) -> HttpResponse:
        """Plan what was looked at, if it is still that."""
        need_to_plan(request)
        wish = Wish.opened(request.POST.get("wish", ""), by_of(request)) if request.method == "POST" else None
        if wish is None:
            messages.error(request, _("This preview is too old, or something in it is gone. Start again."))
            return HttpResponseRedirect(reverse(CHANGES))
        if "back" in request.POST:
            return self._back(request, wish)
        try:
            try:
                return self._confirm(request, wish)
            except ChangedMeanwhile:
                note = gettext("It has changed since you looked. This is how it is now: look again.")
                return self.review(request, wish, note=note)
        except Refusal as refusal:
            if wish.is_planned(by_of(request), timezone.now()):
                messages.info(request, _("This was planned already: the button was pressed twice."))
                return HttpResponseRedirect(reverse(CHANGES))
            return self._page(request, self.preview_template, _problems(wish, refusal))

    def _confirm(self, request: HttpRequest, wish: Wish) -> HttpResponse:
        now, by = timezone.now(), by_of(request)
        rows, needs_reason = wish.draft(by, now)
        if wish.differs(rows, preview(rows)):
            raise ChangedMeanwhile
        reason = ReasonForm(request.POST)
        if needs_reason and not reason.is_valid():
            return self.review(request, wish, reason=reason)
        text = reason.cleaned_data["short_notice_reason"] if needs_reason else ""
        planned = wish.carry_out(reason=text, by=by, at=now)
        self._log(request, wish, planned)
        note = ngettext("%(n)d change is planned.", "%(n)d changes are planned.", len(planned)) % {"n": len(planned)}
        messages.success(request, f"{note} {gettext('Members who hold such a product are told soon.')}")
        if len(planned) == 1:
            return HttpResponseRedirect(reverse(CHANGE, args=[planned[0].pk]))
        return HttpResponseRedirect(reverse(CHANGES))

    def _log(self, request: HttpRequest, wish: Wish, planned: Sequence[StageChange]) -> None:
        origin = {
            "load": gettext("Planned from a file."),
            "replace": gettext("Planned instead of another."),
            "proposals": gettext("Planned as a load of the catalogue proposed."),
        }
        note = origin.get(wish.origin, gettext("Planned."))
        user = by_of(request).pk
        LogEntry.objects.log_actions(user, list(planned), ADDITION, change_message=note)
        if wish.replaces:
            self.log_change(request, wish.replaces, gettext("Another plan stands instead."))
        for proposal in wish.proposals:
            self.log_change(request, cast("StageChange", cast("Model", proposal)), gettext("Planned."))

    def _back(self, request: HttpRequest, wish: Wish) -> HttpResponse:
        """The form again, with all that was typed."""
        if wish.origin == "load":
            return HttpResponseRedirect(reverse("admin:kitbag_stagechange_load"))
        if wish.proposals:
            keys = ",".join(str(row.pk) for row in wish.proposals)
            url = reverse("admin:kitbag_catalogueproposal_plan")
            return HttpResponseRedirect(f"{url}?proposals={keys}&on={wish.seen['on']}")
        return self._show_plans(request, wish)

    # Taking back

    def cancel_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Say who would be told, then drop the plan."""
        need_to_plan(request)
        row = get_object_or_404(StageChange.objects.select_related("product"), pk=pk)
        here = HttpResponseRedirect(reverse(CHANGE, args=[pk]))
        if request.method == "POST":
            try:
                cancel_change(change=row, by=by_of(request), at=timezone.now())
            except Refusal as refusal:
                messages.error(request, str(refusal))
                return here
            self.log_change(request, row, gettext("Cancelled."))
            messages.success(request, _("Cancelled. Members who were told are told of that, too."))
            return here
        if row.state != ChangeState.PLANNED:
            messages.error(request, _("This is not planned any more: it has taken effect or was cancelled."))
            return here
        told = row.announcements.filter(withdrawn_at=None).count()
        return self._page(request, self.cancel_template, {"title": _("Cancel"), "original": row, "told": told})

    def _page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        whole = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        return TemplateResponse(request, template, whole)


def _blame(day: DayForm, row: Form, product: Product, refusal: Refusal, *, alone: bool) -> None:
    """Show what is wrong with a plan beside what was typed."""
    if refusal.field == "effective_on":
        day.add_error("effective_on", str(refusal) if alone else f"{product}: {refusal}")
    else:
        row.add_error(refusal.field if refusal.field in row.fields else None, str(refusal))


def _problems(wish: Wish, refusal: Refusal) -> dict[str, Any]:
    """Nothing can be planned as it stands: why, product by product."""
    rows = refusal.rows if isinstance(refusal, PlansRefused) else {}
    problems = [(wish.plans[place].product, str(each)) for place, each in rows.items()]
    return {"title": _("Nothing was planned"), "problems": problems or [("", str(refusal))], "wish": wish}


def points_at_stages(change: StageChange) -> list[tuple[str, int]]:
    """The points that a change sets by itself, by stage."""
    own = [(str(stage.label), getattr(change, name)) for stage, name in POINTS_FIELDS.items()]
    return [(label, value) for label, value in own if value is not None]


def keys_of(text: str) -> list[int]:
    """The keys in an address, such as 3,14,15; what is none is passed over."""
    return [int(key) for key in text.split(",") if is_key(key)][:MAX_PER_REQUEST]


def is_key(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10
