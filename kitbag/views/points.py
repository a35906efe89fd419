"""Why did my points change? Every entry of the ledger with its reason and the running total (R21)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any

from django.core.paginator import Page
from django.db.models import QuerySet
from django.db.models.functions import Coalesce
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_safe

from cps_portal.core.lib.addresses import address_of
from cps_portal.core.lib.pdf import pdf_response
from cps_portal.core.lib.written_dates import date_format
from cps_portal.core.lib.written_numbers import grouped
from kitbag.enums import WAITING, RegistrationState
from kitbag.models import PointsEntry, Product, Registration, totals_of
from kitbag.presenters.chart import Chart, points_chart, within_a_year
from kitbag.presenters.ledger import ENTRY_RELATIONS, entry_title, explain_entry, notified_at_by_change
from kitbag.presenters.points_statement import MAX_PRINTED, points_statement
from kitbag.presenters.registrations import RegistrationCard, build_card
from kitbag.queries.duplicates import find_own_duplicates
from kitbag.queries.forecast import forecast
from kitbag.queries.points_history import Change, changes_of, entries_of
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

    @property
    def both_values(self) -> str:
        """From what to what the product's points went; "" if they came or left."""
        if not self.shows_both_values:
            return ""
        return _t("From %(before)s to %(after)s.") % {"before": grouped(self.before), "after": grouped(self.after)}

    @property
    def day_and_total(self) -> str:
        day = date_format(timezone.localdate(self.at), "j M")
        return _t("%(day)s, total %(total)s") % {"day": day, "total": grouped(self.total)}


@require_GET
@member_required
def points(request: MemberRequest) -> HttpResponse:
    show_only = request.GET.get("show", "")
    show_only = show_only if show_only in FILTERS else ""
    member = request.member
    waiting = show_only == "waiting"
    changes = changes_of(member)
    page: Page[Any] = paginate(request, _waiting(member) if waiting else _chosen(changes, show_only), PAGE_SIZE)
    last = changes[-1:]
    shown = [] if waiting else list(page)
    entries = entries_of([*shown, *last], most=PAGE_SIZE + 1)
    notified_at = notified_at_by_change(member, entries.values())
    steps = forecast(member, timezone.localdate())
    ledger_lines = [_ledger_line(change, entries[change.key], notified_at, member) for change in [*shown, *last]]
    lines = _waiting_lines(list(page)) if waiting else ledger_lines[: len(shown)]
    context = {
        "filters": [
            (label, url_with_query("kitbag:points", show=key), key == show_only) for key, label in FILTERS.items()
        ],
        "page": page,
        "page_query": url_with_query("kitbag:points", show=show_only).partition("?")[2],
        "waiting": waiting,
        "years": _by_year(lines),
        "last": ledger_lines[-1] if last else None,
        "chart": _chart(member, changes, within_a_year(steps, timezone.localdate())),
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


def _chart(member: Member, changes: Iterable[Change], planned: list[tuple[date, int]]) -> Chart:
    waiting = totals_of(member).waiting_points
    # The last one of each moment: when two accounts became one, points were closed and opened at once (R69).
    totals = {change.at: change.total for change in changes}
    return points_chart(
        entries=totals.items(),
        thresholds=LevelThreshold.objects.in_force(),
        waiting=waiting,
        joined_at=member.joined_at,
        now=timezone.now(),
        planned=planned,
    )


def _chosen(changes: Sequence[Change], show_only: str) -> list[Change]:
    """Newest first. The totals are those of all changes, whatever is shown."""
    chosen = reversed(changes)
    if show_only == "up":
        return [change for change in chosen if change.amount > 0]
    if show_only == "down":
        return [change for change in chosen if change.amount < 0]
    return list(chosen)


def _ledger_line(change: Change, entry: PointsEntry, notified_at: Mapping[int, datetime], reader: Member) -> LedgerLine:
    registration = entry.registration
    is_own = entry.member_id == reader.pk  # not of an account that became one with theirs: nobody opens that (R69)
    return LedgerLine(
        product=registration.product if registration else None,
        url=f"{address_of('kitbag:product', registration.pk)}#history" if registration and is_own else "",
        title=entry_title(entry.cause, registration.product.name if registration else ""),
        reason=explain_entry(entry, notified_at),
        amount=entry.amount,
        before=change.counts - entry.amount if registration else 0,
        after=change.counts,
        total=change.total,
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
