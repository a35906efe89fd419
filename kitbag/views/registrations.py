"""The Kitbag: all registrations of a member as cards or a table, with filters and search (R18)."""

from dataclasses import dataclass
from itertools import groupby

from django.db.models import Case, Count, IntegerField, Q, QuerySet, Value, When
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from kitbag import rules
from kitbag.enums import NEEDS_MEMBER, RegistrationState, Shelf, Stage
from kitbag.models import Registration, points_now
from kitbag.presenters.registrations import RegistrationCard, build_card
from kitbag.queries.duplicates import find_own_duplicates
from kitbag.queries.fast_track import fast_track_days_by_level
from kitbag.queries.search import product_matches
from kitbag.views.shortcuts import paginate, query_text, url_with_query
from members.access import MemberRequest, member_required
from members.models import Member
from members.queries import membership_of

PAGE_SIZE = 24
YOUR_TURN, CHECKING, COUNTING, OLDER = range(4)
GROUP_TITLES = {
    YOUR_TURN: _("Your turn"),
    CHECKING: _("Being checked"),
    COUNTING: _("Counting now"),
    OLDER: _("Older kit"),
}


@dataclass(frozen=True)
class Filter:
    """A filter above the list."""

    label: str | Promise
    count: int
    url: str
    current: bool
    dot: bool = False


@dataclass(frozen=True)
class Group:
    """A heading with its cards."""

    key: int
    title: str | Promise
    cards: list[RegistrationCard]

    @property
    def is_your_turn(self) -> bool:
        return self.key == YOUR_TURN

    @property
    def is_checking(self) -> bool:
        return self.key == CHECKING

    @property
    def wide(self) -> bool:
        """Cards with a sentence need more width than those that count."""
        return self.key != COUNTING

    @property
    def is_older(self) -> bool:
        return self.key == OLDER


@require_GET
@member_required
def registration_list(request: MemberRequest) -> HttpResponse:
    """Everything in the member's Kitbag, what needs the member first (R18)."""
    member = request.member
    table = request.GET.get("view") == "table"
    shelf = request.GET.get("show", "")
    shelf = shelf if shelf in (*Shelf.values, "turn") else ""
    query = query_text(request, "q")
    totals = Registration.objects.of(member).totals()
    page = paginate(request, _registrations(member, shelf, query, table=table), PAGE_SIZE)
    days = fast_track_days_by_level(membership_of(member)).get(member.level)
    registrations = list(page.object_list)
    duplicates = find_own_duplicates(registrations)
    cards = [build_card(registration, days, duplicates.get(registration.pk)) for registration in registrations]
    view = "table" if table else ""
    context = {
        "totals": totals,
        "filters": _filters(member, totals, shelf=shelf, query=query, view=view),
        "query": query,
        "shelf": shelf,
        "view": view,
        "page": page,
        "page_query": url_with_query("kitbag:list", view=view, show=shelf, q=query).partition("?")[2],
        "cards_url": url_with_query("kitbag:list", show=shelf, q=query),
        "table_url": url_with_query("kitbag:list", view="table", show=shelf, q=query),
        "cards": cards if table else [],
        "groups": [] if table else _groups(cards),
    }
    return render(request, "kitbag/list.html", context)


def _registrations(member: Member, shelf: str, query: str, *, table: bool) -> QuerySet[Registration]:
    registrations = Registration.objects.of(member).live().select_related("product")
    if shelf == "turn":
        registrations = registrations.filter(state__in=NEEDS_MEMBER)
    elif shelf:
        registrations = registrations.filter(product__shelf=shelf)
    if query:
        registrations = registrations.filter(_matches(query))
    registrations = registrations.annotate(
        worth=points_now("product__"),
        group=Case(
            When(state__in=NEEDS_MEMBER, then=Value(YOUR_TURN)),
            When(state=RegistrationState.SUBMITTED, then=Value(CHECKING)),
            When(product__stage=Stage.CURRENT, then=Value(COUNTING)),
            default=Value(OLDER),
            output_field=IntegerField(),
        ),
    )
    first = [] if table else ["group"]
    return registrations.order_by(*first, "-worth", "product__name", "pk")  # type: ignore[misc]


def _matches(query: str) -> Q:
    """Words of the product's name or of a regional name, a kind of product, or part of the serial number."""
    matches = Q(product__name__icontains=query) | product_matches(query, product="product__")
    for key in rules.look_up_keys(query):
        matches |= Q(serial_key__contains=key)
    return matches


def _filters(member: Member, totals: dict[str, int], *, shelf: str, query: str, view: str) -> list[Filter]:
    counts = dict(
        Registration.objects.of(member)
        .live()
        .order_by()
        .values_list("product__shelf")
        .annotate(count=Count("pk"))
        .values_list("product__shelf", "count")
    )

    def build_filter(key: str, label: str | Promise, count: int) -> Filter:
        url = url_with_query("kitbag:list", view=view, show=key, q=query)
        return Filter(label, count, url, current=key == shelf, dot=key == "turn" and count > 0)

    shelves = [
        build_filter(key, Shelf(key).label, counts[key]) for key in Shelf.values if key in counts or key == shelf
    ]
    turn = [build_filter("turn", _("Your turn"), totals["needing"])] if totals["needing"] or shelf == "turn" else []
    return [build_filter("", _("All"), totals["live"]), *turn, *shelves]


def _groups(cards: list[RegistrationCard]) -> list[Group]:
    return [
        Group(key, GROUP_TITLES[key], list(members))
        for key, members in groupby(cards, key=lambda card: int(card.registration.group))  # type: ignore[attr-defined]
    ]
