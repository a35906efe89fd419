"""The Kitbag: cards and table, filters, search, and rows that refresh themselves while being checked."""

from dataclasses import dataclass
from itertools import groupby

from django.db.models import Case, Count, Exists, IntegerField, OuterRef, Q, QuerySet, Value, When
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from kitbag import rules
from kitbag.enums import NEEDS_MEMBER, RegistrationState, Shelf, Stage
from kitbag.models import ProductName, Registration, points_now
from kitbag.presenters.registrations import Kit, address, days_by_level, page_of, show, typed
from members.access import MemberRequest, member_required
from members.models import Member

PAGE_SIZE = 24
TURN, CHECKING, COUNTING, OLDER = range(4)
GROUP_TITLES = {
    TURN: _("Your turn"),
    CHECKING: _("Being checked"),
    COUNTING: _("Counting now"),
    OLDER: _("Older kit"),
}


@dataclass(frozen=True)
class Chip:
    """A filter above the list."""

    label: str | Promise
    count: int
    href: str
    current: bool
    dot: bool = False


@dataclass(frozen=True)
class Group:
    """A heading with its cards."""

    key: int
    title: str | Promise
    kits: list[Kit]

    @property
    def is_turn(self) -> bool:
        return self.key == TURN

    @property
    def is_checking(self) -> bool:
        return self.key == CHECKING

    @property
    def wide(self) -> bool:
        """Cards with a sentence need more room than those that count."""
        return self.key != COUNTING

    @property
    def is_older(self) -> bool:
        return self.key == OLDER


@require_GET
@member_required
def kit_list(request: MemberRequest) -> HttpResponse:
    """Everything the member has, what waits for them first (R18)."""
    member = request.member
    table = request.GET.get("view") == "table"
    shelf = request.GET.get("show", "")
    shelf = shelf if shelf in (*Shelf.values, "turn") else ""
    query = typed(request, "q")
    totals = Registration.objects.of(member).totals()
    page = page_of(request, _rows(member, shelf, query, table=table), PAGE_SIZE)
    days = days_by_level(member).get(member.level)
    rows = list(page.object_list)
    view = "table" if table else ""
    context = {
        "totals": totals,
        "chips": _chips(member, totals, shelf=shelf, query=query, view=view),
        "query": query,
        "shelf": shelf,
        "view": view,
        "page": page,
        "page_query": address("kitbag:list", view=view, show=shelf, q=query).partition("?")[2],
        "cards_href": address("kitbag:list", show=shelf, q=query),
        "table_href": address("kitbag:list", view="table", show=shelf, q=query),
        "kits": [show(row, days) for row in rows] if table else [],
        "groups": [] if table else _groups(rows, days),
    }
    return render(request, "kitbag/list.html", context)


def _rows(member: Member, shelf: str, query: str, *, table: bool) -> QuerySet[Registration]:
    rows = Registration.objects.of(member).live().select_related("product")
    if shelf == "turn":
        rows = rows.filter(state__in=NEEDS_MEMBER)
    elif shelf:
        rows = rows.filter(product__shelf=shelf)
    if query:
        rows = rows.filter(_matches(query))
    rows = rows.annotate(
        worth=points_now("product__"),
        group=Case(
            When(state__in=NEEDS_MEMBER, then=Value(TURN)),
            When(state=RegistrationState.SUBMITTED, then=Value(CHECKING)),
            When(product__stage=Stage.CURRENT, then=Value(COUNTING)),
            default=Value(OLDER),
            output_field=IntegerField(),
        ),
    )
    first = [] if table else ["group"]
    return rows.order_by(*first, "-worth", "product__name", "pk")  # type: ignore[misc]


def _matches(query: str) -> Q:
    """Words of the product's name or of a regional name, or a part of the serial number."""
    found = Q(product__name__icontains=query)
    if tokens := rules.name_tokens(query):
        names = ProductName.objects.filter(product=OuterRef("product"))
        for token in tokens:
            names = names.filter(search_key__contains=f" {token}")
        found |= Q(Exists(names))
    if key := rules.serial_key(query):
        found |= Q(serial_key__contains=key)
    return found


def _chips(member: Member, totals: dict[str, int], *, shelf: str, query: str, view: str) -> list[Chip]:
    counts = dict(
        Registration.objects.of(member)
        .live()
        .order_by()
        .values_list("product__shelf")
        .annotate(count=Count("pk"))
        .values_list("product__shelf", "count")
    )

    def chip(key: str, label: str | Promise, count: int) -> Chip:
        href = address("kitbag:list", view=view, show=key, q=query)
        return Chip(label, count, href, current=key == shelf, dot=key == "turn" and count > 0)

    shelves = [chip(key, Shelf(key).label, counts[key]) for key in Shelf.values if key in counts or key == shelf]
    turn = [chip("turn", _("Your turn"), totals["needing"])] if totals["needing"] or shelf == "turn" else []
    return [chip("", _("All"), totals["live"]), *turn, *shelves]


def _groups(rows: list[Registration], days: int | None) -> list[Group]:
    return [
        Group(key, GROUP_TITLES[key], [show(row, days) for row in members])
        for key, members in groupby(rows, key=lambda row: int(row.group))  # type: ignore[attr-defined]
    ]
