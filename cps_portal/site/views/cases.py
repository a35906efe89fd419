"""The inbox of cases in the admin (R54, R58)."""

from collections.abc import Callable
from typing import Any, cast

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.reference import parse_reference
from cps_portal.core.lib.text import clean_email, clean_name
from cps_portal.site.presenters import cases as presenter
from cps_portal.site.presenters.cases import VIEW_LABELS, read_snooze, snooze_choices
from cps_portal.site.queries import cases as queries
from cps_portal.site.queries.cases import FIGURES_DAYS, PAGE_ROWS, Filters
from cps_portal.site.views.case_page import CasePage
from members.enums import Level
from members.models import Member, User
from members.support import actions
from members.support.enums import CaseGroup, CaseKind
from members.support.models import Case

MAX_PICKED = 2 * PAGE_ROWS


class CaseAdmin(CasePage):
    """The cases by urgency, with what can be done with several at once."""

    inbox_template = "admin/cases/case/inbox.html"
    search_fields = ["reference"]
    list_display = (  # of the file
        "reference_in_groups",
        "group",
        "subject",
        "kind",
        "customer",
        "member_number",
        "country",
        "level",
        "language",
        "assigned_to",
        "opened_at",
        "due_at",
        "first_answered_at",
        "closed_at",
        "rating",
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return InboxList

    @admin.display(description=_("reference"))
    def reference_in_groups(self, row: Case) -> str:
        return row.reference_in_groups

    @admin.display(description=_("state"))
    def group(self, row: Any) -> str:
        return str(list(CaseGroup)[row.group_position].label)

    @admin.display(description=_("customer"))
    def customer(self, row: Case) -> str:
        return presenter.customer_name(row)

    @admin.display(description=_("member number"))
    def member_number(self, row: Case) -> str:
        return row.member.number_in_groups if row.member else ""

    @admin.display(description=_("country"))
    def country(self, row: Case) -> str:
        return str(row.member.country.name) if row.member else ""

    @admin.display(description=_("level"))
    def level(self, row: Case) -> str:
        return row.member.get_level_display() if row.member else ""

    @admin.display(description=_("language"))
    def language(self, row: Case) -> str:
        return row.member.language if row.member else row.visitor_language

    def search_conditions(self, term: str) -> list[Q]:
        return [
            Q(reference=parse_reference(term)),
            Q(member__in=Member.objects.search(term)),
            Q(visitor_email=clean_email(term)),
            Q(visitor_words__named=term),
            Q(subject__icontains=clean_name(term)),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            return self._do_with_picked(request)
        return TemplateResponse(request, self.inbox_template, self._inbox(request))

    def _inbox(self, request: HttpRequest) -> dict[str, Any]:
        user, now = cast(User, request.user), timezone.now()
        filters = _filters(request)
        rows, _may_repeat = self.get_search_results(request, self.get_queryset(request), filters.term)
        pages = queries.read_groups(rows, filters, user, now)
        counts = queries.count_views(user)
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": gettext("Cases"),
            "summary": ngettext("%(n)d open.", "%(n)d open.", counts["all"]) % {"n": counts["all"]},
            "figures": presenter.figures_line(queries.read_figures(now), FIGURES_DAYS),
            "tabs": [(view, label, counts.get(view)) for view, label in VIEW_LABELS.items()],
            "filters": filters,
            "levels": Level.choices,
            "languages": settings.LANGUAGES,
            "kinds": CaseKind.choices,
            "groups": presenter.inbox_groups(pages, user, now),
            "alone": len(filters.groups) == 1,
            "query": _query(request),
            "total": sum(page.total for page in pages),
            "may_answer": self.has_answer_permission(request),
            "snooze_choices": snooze_choices(now, []),
            "me": presenter.who(user, user),
        }

    # --- With the picked ones ---

    def _do_with_picked(self, request: HttpRequest) -> HttpResponse:
        """Take, snooze or close those that were picked; each for itself, so that one refusal leaves the others."""
        if not self.has_answer_permission(request):
            raise PermissionDenied
        call = self._call(request)
        keys = [key for key in request.POST.getlist("case") if key.isascii() and key.isdecimal() and len(key) < 19]
        rows = list(Case.objects.filter(pk__in=keys[:MAX_PICKED]).order_by("pk"))
        if call is None or not rows:
            self.message_user(request, gettext("Pick cases first, then what to do with them."), messages.WARNING)
        else:
            self._each(request, rows, call)
        return HttpResponseRedirect(request.get_full_path())

    def _call(self, request: HttpRequest) -> Callable[[Case], object] | None:
        by, at = cast(User, request.user), timezone.now()
        chosen = read_snooze(request.POST.get("until", ""), at)
        operation = request.POST.get("do", "snooze" if chosen else "")
        if operation == "take":
            return lambda case: actions.take(case=case, by=by, at=at)
        if operation == "close":
            return lambda case: actions.close(case=case, by=by, at=at, notify=True)
        if operation == "snooze" and chosen and not chosen[1]:
            return lambda case: actions.snooze(case=case, by=by, at=at, until=chosen[0])
        return None

    def _each(self, request: HttpRequest, rows: list[Case], call: Callable[[Case], object]) -> None:
        refused: dict[str, list[str]] = {}
        for row in rows:
            try:
                call(row)
            except Refusal as refusal:
                refused.setdefault(str(refusal), []).append(str(row))
            else:
                self.log_change(request, row, gettext("Done from the inbox."))
        done = len(rows) - sum(map(len, refused.values()))
        if done:
            self.message_user(request, ngettext("Done with %(n)d case.", "Done with %(n)d cases.", done) % {"n": done})
        for reason, references in refused.items():
            self.message_user(request, f"{', '.join(references)}: {reason}", messages.ERROR)


class InboxList(ChangeList):
    """The cases of the inbox as rows of a file: those that its view, filters and search choose, in its order."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Case]:
        filters = _filters(request)
        rows, _may_repeat = self.model_admin.get_search_results(request, self.root_queryset, filters.term)
        return queries.all_rows(rows, filters, cast(User, request.user), timezone.now())


def _filters(request: HttpRequest) -> Filters:
    return Filters.from_query({name: str(value) for name, value in request.GET.items()})


def _query(request: HttpRequest) -> str:
    """The address of the inbox without the group and its page, to add them."""
    query = request.GET.copy()
    for name in ("group", "page"):
        query.pop(name, None)
    return query.urlencode()
