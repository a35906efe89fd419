"""The Kitbag: all registrations of a member as cards or a table, sorted, with filters and search (R18)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from django.core.paginator import Page
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import Promise, cached_property
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from cps_portal.core.lib.compiled_queries import joined_keys
from kitbag import rules
from kitbag.enums import NEEDS_MEMBER, Shelf
from kitbag.models import Registration, Totals, totals_of
from kitbag.presenters.registrations import RegistrationCard, build_card
from kitbag.queries.duplicates import find_own_duplicates
from kitbag.queries.fast_track import fast_track_days_by_level
from kitbag.queries.in_service import InService, kit_in_service
from kitbag.queries.kit_groups import groups_of
from kitbag.queries.kit_list import (
    AT_CENTRE,
    CHECKING,
    COUNTING,
    OLDER,
    YOUR_TURN,
    Sums,
    counting,
    in_order,
    listed,
    others,
    sums_of,
    whole_kitbag,
)
from kitbag.queries.search import product_matches
from kitbag.views.shortcuts import paginate, query_text, read_keys, url_with_query
from members.access import MemberRequest, member_required
from members.models import Member
from members.queries import membership_of

PAGE_SIZE = 24  # rows of a page of the table, and cards of "Counting now" that are shown, and shown more, at once
MAX_SHOWN = 1000  # more than a Kitbag holds
MIN_TOGETHER = 2
GROUPS = {
    YOUR_TURN: ("turn", _("Your turn")),
    AT_CENTRE: ("centre", _("At the centre")),
    CHECKING: ("checking", _("Being checked")),
    COUNTING: ("counting", _("Counting now")),
    OLDER: ("older", _("Older kit")),
}
TURN, CENTRE = "turn", "centre"  # filters beside the shelves
SORTS: dict[str, Promise] = {  # keys of ORDERS
    "": _("Most points first"),
    "new": _("Newest purchase first"),
    "old": _("Oldest purchase first"),
    "name": _("Name, A to Z"),
    "serial": _("Serial number"),
}


@dataclass(frozen=True)
class Link:
    """A filter above the list, or an order of it."""

    label: str | Promise
    count: int
    url: str
    current: bool
    dot: bool = False


@dataclass(frozen=True)
class Group:
    """A heading with its cards. `count` is how many there are in all, and `points` their points."""

    key: str
    title: str | Promise
    cards: list[RegistrationCard]
    count: int
    points: int

    @property
    def wide(self) -> bool:
        """Cards with a sentence need more width than those that count."""
        return self.key != "counting"

    @property
    def more(self) -> int:
        """How many the next press shows."""
        return min(self.count - len(self.cards), PAGE_SIZE)

    @property
    def last_key(self) -> int:
        """The key of the last one shown, from which the reader goes on."""
        return self.cards[-1].registration.pk

    @property
    def can_be_picked(self) -> bool:
        """Whether there are several that can be finished together."""
        return sum(card.can_be_picked for card in self.cards) >= MIN_TOGETHER


@dataclass(frozen=True)
class Choice:
    """What the query string chooses."""

    is_table: bool
    shelf: str
    query: str
    sort: str
    shown: int
    group: int
    older: bool  # whether the fold of older kit is open

    @classmethod
    def of(cls, request: HttpRequest) -> "Choice":
        shelf, sort, shown = (request.GET.get(name, "") for name in ("show", "sort", "shown"))
        is_number = shown.isascii() and shown.isdigit() and len(shown) <= len(str(MAX_SHOWN))
        return cls(
            is_table=request.GET.get("view") == "table",
            shelf=shelf if shelf in (*Shelf.values, TURN, CENTRE) else "",
            query=query_text(request, "q"),
            sort=sort if sort in SORTS else "",
            group=next(iter(read_keys([request.GET.get("group", "")])), 0),
            older=request.GET.get("older") == "1",
            shown=min(max(int(shown), PAGE_SIZE), MAX_SHOWN) if is_number else PAGE_SIZE,
        )

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left out."""
        return not (self.shelf or self.query or self.group)

    @property
    def view(self) -> str:
        return "table" if self.is_table else ""

    def url(self, **changes: str | int) -> str:
        parameters: dict[str, str | int] = {"view": self.view, "show": self.shelf, "q": self.query, "sort": self.sort}
        parameters["group"] = self.group
        return url_with_query("kitbag:list", **{**parameters, **changes})


@dataclass
class KitList:
    """The registrations that a choice shows, with what their cards need."""

    member: Member
    choice: Choice
    in_service: dict[int, InService]

    @cached_property
    def registrations(self) -> QuerySet[Registration]:
        registrations = listed(self.member.pk, joined_keys(self.in_service))
        shelf, query = self.choice.shelf, self.choice.query
        if shelf == TURN:
            registrations = registrations.filter(state__in=NEEDS_MEMBER)
        elif shelf == CENTRE:
            registrations = registrations.filter(pk__in=self.in_service)
        elif shelf:
            registrations = registrations.filter(product__shelf=shelf)
        if self.choice.group:
            registrations = registrations.filter(owner_details__group=self.choice.group)
        if query:
            registrations = registrations.filter(_matches(query))
        return registrations

    @cached_property
    def sums(self) -> Sums:
        return sums_of(self.member.pk, joined_keys(self.in_service))

    def cards(self, rows: Sequence[Registration]) -> list[RegistrationCard]:
        days = fast_track_days_by_level(membership_of(self.member)).get(self.member.level)
        duplicates = find_own_duplicates(rows)
        return [build_card(row, days, duplicates.get(row.pk), self.in_service.get(row.pk)) for row in rows]

    def groups(self) -> list[Group]:
        """All groups, each whole: but of what counts, as many as were asked for, and older kit once it is opened."""
        sort, most = self.choice.sort, self.choice.shown
        number, points = 0, 0  # of older kit that is not shown
        if self.choice.is_whole:
            key, away, is_open = self.member.pk, joined_keys(self.in_service), self.choice.older
            rest, shown = whole_kitbag(key, away, sort, most, with_older=is_open)
            number, points = (0, 0) if is_open else (self.sums.older, self.sums.older_points)
        else:
            rest, shown = list(others(self.registrations, sort)), list(counting(self.registrations, sort, most))
        rows = sorted([*rest, *shown], key=lambda row: int(row.group))  # type: ignore[attr-defined]
        counts = {COUNTING: shown[0].in_all} if shown else {}  # type: ignore[attr-defined]
        groups = []
        for place, members in groupby(self.cards(rows), key=lambda card: int(card.registration.group)):  # type: ignore[attr-defined]
            cards = list(members)
            in_all = counts.get(place, len(cards))
            groups.append(Group(*GROUPS[place], cards, in_all, sum(card.points for card in cards)))
        if number:
            groups.append(Group(*GROUPS[OLDER], [], number, points))
        return groups


@require_GET
@member_required
def registration_list(request: MemberRequest) -> HttpResponse:
    """Everything in the member's Kitbag, what needs the member first (R18)."""
    member, choice = request.member, Choice.of(request)
    kit = KitList(member, choice, kit_in_service(member, timezone.now()))
    totals = totals_of(member)
    request.turn_count = totals.needing
    page: Page[Registration] | None = None
    if choice.is_table:
        page = paginate(request, in_order(kit.registrations, choice.sort), PAGE_SIZE)
    groups = [] if page else kit.groups()
    context = {
        "totals": totals,
        "filters": _filters(member, totals, choice, kit),
        "sorts": [Link(label, 0, choice.url(sort=key), current=key == choice.sort) for key, label in SORTS.items()],
        "choice": choice,
        "sort_label": SORTS[choice.sort],
        "page": page,
        "page_query": choice.url().partition("?")[2],
        "cards_url": choice.url(view=""),
        "table_url": choice.url(view="table"),
        "export_query": f"?group={choice.group}" if choice.group else "",
        "older_url": choice.url(older=1, shown=choice.shown),
        "more_url": choice.url(shown=choice.shown + PAGE_SIZE),
        "cards": kit.cards(list(page.object_list)) if page else [],
        "groups": groups,
        "number": page.paginator.count if page else sum(group.count for group in groups),
    }
    return render(request, "kitbag/list.html", context)


def _matches(query: str) -> Q:
    """Words of the product's name or of a regional name, a kind of product, or part of the serial number."""
    matches = Q(product__name__icontains=query) | product_matches(query, product="product__")
    for key in rules.look_up_keys(query):
        matches |= Q(serial_key__contains=key)
    return matches


def _filters(member: Member, totals: Totals, choice: Choice, kit: KitList) -> list[Link]:
    counts = {"": totals.live, TURN: totals.needing, CENTRE: len(kit.in_service), **kit.sums.by_shelf}
    labels = {"": _("All"), TURN: _("Your turn"), CENTRE: _("At the centre"), **dict(Shelf.choices)}
    links = [
        Link(
            label,
            count,
            choice.url(show=key, group=0),
            current=key == choice.shelf and not choice.group,
            dot=key == TURN and count > 0,
        )
        for key, label in labels.items()
        if (count := counts.get(key, 0)) or key in ("", choice.shelf)
    ]
    groups = [
        Link(group.name, group.count, choice.url(show="", group=group.pk), current=group.pk == choice.group)  # type: ignore[attr-defined]
        for group in groups_of(member)
    ]
    return links + groups
