"""Why did my points change? Every entry of the ledger with its reason and the running total (R21)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any

from django.core.paginator import Page
from django.db.models import OuterRef, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_safe

from cps_portal.core.lib.pdf import pdf_response
from kitbag.enums import WAITING, RegistrationState
from kitbag.models import PointsEntry, Product, Registration, totals_of
from kitbag.presenters.chart import Chart, points_chart, within_a_year
from kitbag.presenters.ledger import ENTRY_RELATIONS, entry_title, explain_entry, notified_at_by_change
from kitbag.presenters.points_statement import MAX_PRINTED, points_statement
from kitbag.presenters.registrations import RegistrationCard, build_card
from kitbag.queries.duplicates import find_own_duplicates
from kitbag.queries.forecast import forecast
from kitbag.views.shortcuts import paginate, url_with_query
from members.access import MemberRequest, member_required
from members.models import LevelThreshold, Member

PAGE_SIZE = 25
FILTERS = {"": _("All"), "up": _("Points up"), "down": _("Points down"), "waiting": _("Waiting")}


@dataclass(frozen=True)
class LedgerLine:
    """One entry of the ledger as the page shows it."""

    product: Product | None  # None if it is about points that staff added
    url: str
    title: str
    reason: str
    amount: int
    before: int
    after: int  # what the product counts since then
    total: int
    at: datetime

    @property
    def total_before(self) -> int:
        return self.total - self.amount

    @property
    def size(self) -> int:
        return abs(self.amount)

    @property
    def shows_both_values(self) -> bool:
        """Whether the product's points went from one number to another, neither of them 0."""
        return self.before > 0 and self.after > 0


@require_GET
@member_required
def points(request: MemberRequest) -> HttpResponse:
    show_only = request.GET.get("show", "")
    show_only = show_only if show_only in FILTERS else ""
    member = request.member
    waiting = show_only == "waiting"
    queryset: QuerySet[Registration] | QuerySet[PointsEntry] = (
        _waiting(member) if waiting else _entries(member, show_only)
    )
    page: Page[Any] = paginate(request, queryset, PAGE_SIZE)
    last = _entries(member, "").first()
    entries = [] if waiting else list(page)
    notified_at = notified_at_by_change(member, [*entries, *([last] if last else [])])
    steps = forecast(member, timezone.localdate())
    lines = _waiting_lines(list(page)) if waiting else [_ledger_line(entry, notified_at, member) for entry in entries]
    context = {
        "filters": [
            (label, url_with_query("kitbag:points", show=key), key == show_only) for key, label in FILTERS.items()
        ],
        "page": page,
        "page_query": url_with_query("kitbag:points", show=show_only).partition("?")[2],
        "waiting": waiting,
        "years": _by_year(lines),
        "last": _ledger_line(last, notified_at, member) if last else None,
        "chart": _chart(member, within_a_year(steps, timezone.localdate())),
        "next_step": steps[0] if steps else None,
    }
    return render(request, "kitbag/points.html", context)


@never_cache
@require_safe
@member_required
def statement(request: MemberRequest) -> HttpResponse:
    """All changes as a PDF, to keep or to hand in somewhere."""
    member, now = request.member, timezone.localtime()
    everything = PointsEntry.objects.of(member)
    entries = list(everything.with_total().select_related(*ENTRY_RELATIONS).order_by("-pk")[:MAX_PRINTED])
    prepared = points_statement(
        member, entries, notified_at_by_change(member, entries), count=everything.count(), at=now
    )
    return pdf_response(prepared, f"points-{now.date().isoformat()}.pdf", as_attachment=True)


def _chart(member: Member, planned: list[tuple[date, int]]) -> Chart:
    waiting = totals_of(member).waiting_points
    entries = PointsEntry.objects.of(member).with_total().order_by("pk")
    # The last one of each moment: when two accounts became one, points were closed and opened at once (R69).
    totals = dict(entries.values_list("at", "total"))  # type: ignore[misc]  # annotated by with_total
    return points_chart(
        entries=totals.items(),
        thresholds=LevelThreshold.objects.in_force(),
        waiting=waiting,
        joined_at=member.joined_at,
        now=timezone.now(),
        planned=planned,
    )


def _entries(member: Member, show_only: str) -> QuerySet[PointsEntry]:
    """Newest first with the running totals. Subqueries, because a window would only sum the rows after the filter."""
    earlier = PointsEntry.objects.of(member).filter(pk__lte=OuterRef("pk")).order_by()
    of_member = earlier.values(all=Value(1)).annotate(sum=Sum("amount")).values("sum")
    of_registration = (
        earlier.filter(registration=OuterRef("registration")).values("registration").annotate(sum=Sum("amount"))
    )
    entries = PointsEntry.objects.of(member).select_related(*ENTRY_RELATIONS).order_by("-pk")
    if show_only == "up":
        entries = entries.filter(amount__gt=0)
    if show_only == "down":
        entries = entries.filter(amount__lt=0)
    return entries.annotate(total=Subquery(of_member), counts=Subquery(of_registration.values("sum")))


def _ledger_line(entry: PointsEntry, notified_at: Mapping[int, datetime], reader: Member) -> LedgerLine:
    registration = entry.registration
    counts: int = entry.counts or 0  # type: ignore[attr-defined]  # of the product; an adjustment has none
    total: int = entry.total  # type: ignore[attr-defined]
    is_own = entry.member_id == reader.pk  # not of an account that became one with theirs: nobody opens that (R69)
    return LedgerLine(
        product=registration.product if registration else None,
        url=f"{registration.get_absolute_url()}#history" if registration and is_own else "",
        title=entry_title(entry.cause, registration.product.name if registration else ""),
        reason=explain_entry(entry, notified_at),
        amount=entry.amount,
        before=counts - entry.amount if registration else 0,
        after=counts if registration else 0,
        total=total,
        at=entry.at,
    )


@dataclass(frozen=True)
class WaitingLine:
    """A registration whose points wait (R18)."""

    card: RegistrationCard
    title: str
    at: datetime


def _waiting(member: Member) -> QuerySet[Registration]:
    waiting = Registration.objects.of(member).filter(state__in=WAITING).select_related("product")
    return waiting.order_by(Coalesce("decided_at", "submitted_at", "added_at").desc(), "-pk")


def _waiting_lines(registrations: list[Registration]) -> list[WaitingLine]:
    duplicates = find_own_duplicates(registrations)
    return [_waiting_line(registration, duplicates.get(registration.pk)) for registration in registrations]


def _waiting_line(registration: Registration, duplicate_of: int | None) -> WaitingLine:
    titles = {
        RegistrationState.DRAFT: _t("%(product)s added"),
        RegistrationState.SUBMITTED: _t("%(product)s submitted"),
        RegistrationState.REJECTED: _t("%(product)s not accepted"),
    }
    title = titles[RegistrationState(registration.state)] % {"product": registration.product.name}
    return WaitingLine(
        build_card(registration, None, duplicate_of),
        title,
        registration.decided_at or registration.submitted_at or registration.added_at,
    )


def _by_year(lines: Iterable[LedgerLine | WaitingLine]) -> list[tuple[int, list[LedgerLine | WaitingLine]]]:
    years = groupby(lines, key=lambda line: timezone.localtime(line.at).year)
    return [(year, list(group)) for year, group in years]
