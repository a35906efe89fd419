"""Why did my points change? Every entry of the ledger with its reason and the running total (R21)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from kitbag.enums import WAITING, RegistrationState, Stage
from kitbag.models import PointsEntry, Product, Registration
from kitbag.presenters.chart import Chart, points_chart, within_a_year
from kitbag.presenters.registrations import Kit, address, entry_title, page_of, show
from kitbag.queries.forecast import forecast
from kitbag.views.causes import CAUSES, explain, told_when
from members.access import MemberRequest, member_required
from members.models import LevelThreshold, Member

PAGE_SIZE = 25
FILTERS = {"": _("All"), "up": _("Points up"), "down": _("Points down"), "waiting": _("Waiting")}
FALLS = (Stage.SUPERSEDED, Stage.UNSERVICEABLE)


@dataclass(frozen=True)
class Change:
    """One entry of the ledger as the page shows it."""

    product: Product | None  # None: it is about points that staff added
    href: str
    title: str
    why: str
    amount: int
    before: int
    after: int  # what the product counts since
    total: int
    at: datetime

    @property
    def total_before(self) -> int:
        return self.total - self.amount

    @property
    def size(self) -> int:
        return abs(self.amount)

    @property
    def steps(self) -> bool:
        """Whether it went from one number to another that is not nothing."""
        return self.before > 0 and self.after > 0


@require_GET
@member_required
def points(request: MemberRequest) -> HttpResponse:
    show_only = request.GET.get("show", "")
    show_only = show_only if show_only in FILTERS else ""
    member = request.member
    waiting = show_only == "waiting"
    rows: QuerySet[Registration] | QuerySet[PointsEntry] = _waiting(member) if waiting else _entries(member, show_only)
    page = page_of(request, rows, PAGE_SIZE)
    last = _entries(member, "").first()
    entries = [] if waiting else list(page)
    told = told_when(member, [*entries, *([last] if last else [])])
    steps = forecast(member, timezone.localdate())
    context = {
        "filters": [(label, address("kitbag:points", show=key), key == show_only) for key, label in FILTERS.items()],
        "page": page,
        "page_query": address("kitbag:points", show=show_only).partition("?")[2],
        "waiting": waiting,
        "years": _by_year([_waiting_line(row) for row in page] if waiting else [_change(row, told) for row in entries]),
        "last": _change(last, told) if last else None,
        "chart": _chart(member, within_a_year(steps, timezone.localdate())),
        "next_step": steps[0] if steps else None,
    }
    return render(request, "kitbag/points.html", context)


def _chart(member: Member, ahead: list[tuple[date, int]]) -> Chart:
    totals = Registration.objects.of(member).totals()
    entries = PointsEntry.objects.filter(member=member).with_total().order_by("pk")
    return points_chart(
        entries=entries.values_list("at", "total"),  # type: ignore[misc]
        thresholds=LevelThreshold.objects.in_force(),
        waiting=totals["waiting_points"],
        since=member.joined_at,
        now=timezone.now(),
        ahead=ahead,
    )


def _entries(member: Member, show_only: str) -> QuerySet[PointsEntry]:
    """Newest first with the running totals. Sums of their own, because a filter on the amount cuts a window."""
    upto = PointsEntry.objects.filter(member=member, pk__lte=OuterRef("pk")).order_by()
    of_member = upto.values("member").annotate(sum=Sum("amount")).values("sum")
    of_row = upto.filter(registration=OuterRef("registration")).values("registration").annotate(sum=Sum("amount"))
    rows = PointsEntry.objects.filter(member=member).select_related(*CAUSES).order_by("-pk")
    if show_only == "up":
        rows = rows.filter(amount__gt=0)
    if show_only == "down":
        rows = rows.filter(amount__lt=0)
    return rows.annotate(total=Subquery(of_member), counts=Subquery(of_row.values("sum")))


def _change(entry: PointsEntry, told: Mapping[int, datetime]) -> Change:
    row = entry.registration
    counts: int = entry.counts or 0  # type: ignore[attr-defined]  # of the product; an adjustment has none
    total: int = entry.total  # type: ignore[attr-defined]
    return Change(
        product=row.product if row else None,
        href=f"{row.get_absolute_url()}#history" if row else "",
        title=entry_title(entry.cause, row.product.name if row else ""),
        why=explain(entry, told),
        amount=entry.amount,
        before=counts - entry.amount if row else 0,
        after=counts if row else 0,
        total=total,
        at=entry.at,
    )


@dataclass(frozen=True)
class WaitingLine:
    """A registration whose points wait (R18)."""

    kit: Kit
    title: str
    at: datetime


def _waiting(member: Member) -> QuerySet[Registration]:
    rows = Registration.objects.of(member).filter(state__in=WAITING).select_related("product")
    return rows.order_by(Coalesce("decided_at", "submitted_at", "added_at").desc(), "-pk")


def _waiting_line(row: Registration) -> WaitingLine:
    titles = {
        RegistrationState.DRAFT: _t("%(product)s added"),
        RegistrationState.SUBMITTED: _t("%(product)s handed in"),
        RegistrationState.REJECTED: _t("%(product)s refused"),
    }
    title = titles[RegistrationState(row.state)] % {"product": row.product.name}
    return WaitingLine(show(row, None), title, row.decided_at or row.submitted_at or row.added_at)


def _by_year(lines: Iterable[Change | WaitingLine]) -> list[tuple[int, list[Change | WaitingLine]]]:
    years = groupby(lines, key=lambda line: timezone.localtime(line.at).year)
    return [(year, list(group)) for year, group in years]
