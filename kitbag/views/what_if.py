"""What if: try products bought, sold, superseded or no longer serviceable; everything is in the address, R12."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlencode

from django.db.models import Count
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from kitbag.enums import RegistrationState, Stage
from kitbag.models import Product, Registration
from kitbag.presenters.registrations import typed
from kitbag.queries.search import search_products
from kitbag.views.adding import SHORTEST_QUERY, Stop, marked
from members import rules
from members.access import MemberRequest, member_required
from members.enums import Level
from members.models import LevelThreshold, Member

MAX_ASSUMPTIONS = 30  # assumptions at once
KIT_SHOWN = 60
LARGEST_KEY = 2**31
BUY, SOLD = "buy", "sold"
KINDS = (BUY, SOLD, Stage.SUPERSEDED.value, Stage.UNSERVICEABLE.value)
WORDS = {
    BUY: _("Bought"),
    SOLD: _("Sold"),
    Stage.SUPERSEDED.value: _("Superseded"),
    Stage.UNSERVICEABLE.value: _("No longer serviceable"),
}


@dataclass(frozen=True)
class Guess:
    """What the address assumes: each kind of assumption about a product, counted."""

    counts: Mapping[tuple[str, int], int]
    waiting: bool

    def query(self, **changes: str) -> str:
        pairs = [(kind, str(key)) for (kind, key), times in self.counts.items() for _time in range(times)]
        if self.waiting:
            pairs.append(("waiting", "1"))
        return urlencode([*pairs, *((name, value) for name, value in changes.items() if value)])

    def address(self, **changes: str) -> str:
        query = self.query(**changes)
        return f"{reverse('kitbag:what_if')}?{query}" if query else reverse("kitbag:what_if")

    def moved(self, kind: str, key: int, by: int) -> "Guess":
        counts = Counter(self.counts)
        counts[kind, key] += by
        if kind in Stage.values and by > 0:  # a product is at one stage
            for other in Stage.values:
                if other != kind:
                    counts.pop((other, key), None)
        return Guess({pair: times for pair, times in counts.items() if times > 0}, self.waiting)

    @property
    def hidden(self) -> list[tuple[str, str]]:
        """For the search form: what has to go with it."""
        pairs = [(kind, str(key)) for (kind, key), times in self.counts.items() for _time in range(times)]
        return [*pairs, *([("waiting", "1")] if self.waiting else [])]


@dataclass(frozen=True)
class Choice:
    """A link that assumes something, or takes it back."""

    label: str | Promise
    href: str
    chosen: bool
    name: str  # for its id, so that the focus stays where it was


@dataclass(frozen=True)
class Own:
    """A product that the member holds, and what may be assumed of it."""

    product: Product
    copies: int
    choices: list[Choice]


@dataclass(frozen=True)
class Assumption:
    words: str | Promise
    product: Product
    times: int
    amount: int
    href: str  # without it


@dataclass(frozen=True)
class Outcome:
    """Where the member would stand; the names are those that kitbag/_scale.html reads."""

    points: int
    total: int
    thresholds: dict[str, int]

    @cached_property
    def level(self) -> Level:
        return Level(rules.level_for(self.total, self.thresholds))

    @cached_property
    def level_now(self) -> Level:
        return Level(rules.level_for(self.points, self.thresholds))

    @property
    def next_level(self) -> str | Promise:
        ahead = rules.next_level(self.total, self.thresholds)
        return Level(ahead[0]).label if ahead else ""

    @property
    def next_gap(self) -> int:
        ahead = rules.next_level(self.total, self.thresholds)
        return ahead[1] if ahead else 0

    @property
    def room(self) -> int:
        """How many points could go and the level would stay."""
        return self.total - self.thresholds[self.level]

    @property
    def amount(self) -> int:
        return self.total - self.points

    @property
    def at(self) -> str:
        return f"{max(rules.scale_position(self.total, self.thresholds), 0.4):.1f}%"

    @property
    def ahead(self) -> str:
        return f"{max(rules.scale_position(self.points, self.thresholds), 0.4):.1f}%"

    @property
    def stops(self) -> list[Stop]:
        rising = sorted(self.thresholds.items(), key=lambda item: item[1])
        return [Stop(Level(level).label, start, level == self.level) for level, start in rising]


@require_GET
@member_required
def what_if(request: MemberRequest) -> HttpResponse:
    """GET only: nothing is saved, and the address can be kept or sent (R12)."""
    member = request.member
    held = _held(member)
    guess, products, left_out = _read(request.GET, held)
    worth = _worth(guess, products, held)
    waiting = Registration.objects.of(member).totals()["waiting_points"]
    total = max(member.points + sum(worth.values()) + (waiting if guess.waiting else 0), 0)
    query = typed(request, "q")
    found = search_products(query) if len(query) >= SHORTEST_QUERY else []
    full = sum(guess.counts.values()) >= MAX_ASSUMPTIONS
    context = {
        "outcome": Outcome(member.points, total, LevelThreshold.objects.in_force()),
        "assumptions": [
            Assumption(WORDS[kind], products[key], times, worth[kind, key], guess.moved(kind, key, -1).address())
            for (kind, key), times in guess.counts.items()
        ],
        "own": [Own(products[key], copies, _choices(guess, products[key], copies)) for key, copies in _shown(held)],
        "own_hidden": max(len(held) - KIT_SHOWN, 0),
        "found": [
            (product, marked(product.name, query), guess.moved(BUY, product.pk, 1).address(q=query))
            for product in found
        ],
        "query": query,
        "asked": len(query) >= SHORTEST_QUERY,
        "guess": guess,
        "left_out": left_out,
        "full": full,
        "most": MAX_ASSUMPTIONS,
        "waiting_points": waiting,
        "waiting_href": Guess(guess.counts, not guess.waiting).address(),
    }
    return render(request, "kitbag/what_if.html", context)


def _held(member: Member) -> dict[int, int]:
    """How many of each product count, the ones worth most first."""
    rows = Registration.objects.of(member).filter(state=RegistrationState.VALIDATED)
    counted = rows.order_by().values_list("product").annotate(copies=Count("pk"))
    return dict(counted.order_by("-product__points_current", "product__name"))


def _shown(held: Mapping[int, int]) -> list[tuple[int, int]]:
    return list(held.items())[:KIT_SHOWN]


def _read(data: QueryDict, held: Mapping[int, int]) -> tuple[Guess, dict[int, Product], bool]:
    """What the address assumes as far as it can be, the products it names, and whether something was left out."""
    asked = [(kind, text) for kind in KINDS for text in data.getlist(kind)]
    pairs = [(kind, int(text)) for kind, text in asked if text.isascii() and text.isdigit() and len(text) < 10]
    keys = {key for _kind, key in pairs[: 4 * MAX_ASSUMPTIONS]} | {key for key, _copies in _shown(held)}
    products = Product.objects.in_bulk(keys)
    guess = Guess({}, bool(data.get("waiting")))
    used = 0
    for kind, key in pairs:
        product = products.get(key)
        if used < MAX_ASSUMPTIONS and product and _fits(guess, kind, product, held.get(key, 0)):
            guess = guess.moved(kind, key, 1)
            used += 1
    return guess, products, used < len(asked)


def _fits(guess: Guess, kind: str, product: Product, copies: int) -> bool:
    if kind == BUY:
        return product.registrable
    if kind == SOLD:
        return guess.counts.get((SOLD, product.pk), 0) < copies
    known = any((stage, product.pk) in guess.counts for stage in Stage.values)
    return bool(copies) and not known and kind in _stages(product)


def _stages(product: Product) -> list[str]:
    """The stages that a product may come to."""
    order = [Stage.CURRENT.value, Stage.SUPERSEDED.value, Stage.UNSERVICEABLE.value]
    return order[order.index(product.stage) + 1 :]


def _worth(guess: Guess, products: Mapping[int, Product], held: Mapping[int, int]) -> dict[tuple[str, int], int]:
    """What each assumption adds or takes; together they are the change of the total, whatever their order."""
    worth = {}
    for (kind, key), times in guess.counts.items():
        product = products[key]
        if kind == BUY:
            worth[kind, key] = times * product.points
        elif kind == SOLD:
            worth[kind, key] = -times * product.points
        else:
            copies = held[key] - guess.counts.get((SOLD, key), 0) + guess.counts.get((BUY, key), 0)
            worth[kind, key] = copies * (product.points_of(kind) - product.points)
    return worth


def _choices(guess: Guess, product: Product, copies: int) -> list[Choice]:
    sold = guess.counts.get((SOLD, product.pk), 0)
    kinds: Iterable[str] = [SOLD, *_stages(product)]
    made = []
    for kind in kinds:
        chosen = sold >= copies if kind == SOLD else (kind, product.pk) in guess.counts
        there = guess.moved(kind, product.pk, -sold if kind == SOLD and chosen else -1 if chosen else 1)
        made.append(Choice(WORDS[kind], there.address(), chosen, f"{kind}-{product.pk}"))
    return made
