"""What if: try products bought, sold, superseded or no longer serviceable (R12). The whole scenario is in the URL."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.db.models import Count
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise, cached_property
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from kitbag.enums import RegistrationState, Stage
from kitbag.models import Product, Registration, totals_of
from kitbag.presenters.scale import Scale, build_scale
from kitbag.presenters.search_results import mark_matches
from kitbag.queries.search import search_products
from kitbag.views.shortcuts import MIN_QUERY_LENGTH, query_text
from members import rules
from members.access import MemberRequest, member_required
from members.enums import Level
from members.models import LevelThreshold, Member
from members.queries import membership_of
from members.rules import Membership

MAX_ASSUMPTIONS = 30
MAX_PRODUCTS_SHOWN = 60
MAX_KEY_DIGITS = 9  # fits an integer column of Postgres
BOUGHT, SOLD = "buy", "sold"
KIND_LABELS = {
    BOUGHT: _("Bought"),
    SOLD: _("Sold"),
    Stage.SUPERSEDED.value: _("Superseded"),
    Stage.UNSERVICEABLE.value: _("No longer serviceable"),
}


@dataclass(frozen=True)
class Scenario:
    """What the URL assumes: how many times each (kind, key of a product), and whether waiting points count."""

    counts: Mapping[tuple[str, int], int]
    waiting: bool

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """The query parameters of this scenario; the search form sends them as hidden fields."""
        pairs = [(kind, str(key)) for (kind, key), times in self.counts.items() for _time in range(times)]
        return [*pairs, *([("waiting", "1")] if self.waiting else [])]

    def url(self, *, q: str = "") -> str:
        query = urlencode([*self.parameters, *([("q", q)] if q else [])])
        return f"{reverse('kitbag:what_if')}?{query}" if query else reverse("kitbag:what_if")

    def changed(self, kind: str, key: int, times: int) -> "Scenario":
        """The same with one assumption made (or, if `times` is negative, taken back) that many times."""
        counts = Counter(self.counts)
        counts[kind, key] += times
        if kind in Stage.values and times > 0:  # a product is at one stage only
            for other in Stage.values:
                if other != kind:
                    counts.pop((other, key), None)
        return Scenario({pair: count for pair, count in counts.items() if count > 0}, self.waiting)


@dataclass(frozen=True)
class Choice:
    """A link that makes an assumption or takes it back."""

    label: str | Promise
    url: str
    chosen: bool
    element_id: str  # stays the same when the page is replaced, so that the focus stays on the link


@dataclass(frozen=True)
class HeldProduct:
    """A product that counts for the member, and what can be assumed about it."""

    product: Product
    copies: int
    choices: list[Choice]


@dataclass(frozen=True)
class Assumption:
    label: str | Promise
    product: Product
    times: int
    amount: int
    undo_url: str


@dataclass(frozen=True)
class Outcome:
    """Points and level under the scenario (`total`) beside those of today (`points`)."""

    points: int
    total: int
    thresholds: Mapping[str, int]
    membership: Membership

    @cached_property
    def level(self) -> Level:
        return Level(rules.level_for(self.total, self.thresholds))

    @cached_property
    def level_now(self) -> Level:
        return Level(rules.level_for(self.points, self.thresholds))

    @property
    def next_level(self) -> str | Promise:
        next_level = rules.next_level(self.total, self.thresholds)
        return Level(next_level[0]).label if next_level else ""

    @property
    def gives_more(self) -> bool:
        """Whether the next level gives more where the member lives (R3, R65)."""
        ahead = rules.next_level(self.total, self.thresholds)
        return ahead is not None and replace(self.membership, level=self.level).gives_more_at(ahead[0])

    @property
    def next_gap(self) -> int:
        next_level = rules.next_level(self.total, self.thresholds)
        return next_level[1] if next_level else 0

    @property
    def points_to_spare(self) -> int:
        """How many points could go without the level going down."""
        return self.total - self.thresholds[self.level]

    @property
    def difference(self) -> int:
        return self.total - self.points

    @property
    def scale(self) -> Scale:
        return build_scale(points=self.total, second_points=self.points, thresholds=self.thresholds)


@require_GET
@member_required
def what_if(request: MemberRequest) -> HttpResponse:
    """Only GET: nothing is saved, and the URL can be kept or shared (R12)."""
    member = request.member
    copies = _copies_held(member)
    scenario, products, left_out = _read_scenario(request.GET, copies)
    amounts = _amounts(scenario, products, copies)
    waiting_points = totals_of(member).waiting_points
    total = max(member.points + sum(amounts.values()) + (waiting_points if scenario.waiting else 0), 0)
    query = query_text(request, "q")
    searched = len(query) >= MIN_QUERY_LENGTH
    context = {
        "outcome": Outcome(member.points, total, LevelThreshold.objects.in_force(), membership_of(member)),
        "assumptions": [
            Assumption(
                label=KIND_LABELS[kind],
                product=products[key],
                times=times,
                amount=amounts[kind, key],
                undo_url=scenario.changed(kind, key, -1).url(),
            )
            for (kind, key), times in scenario.counts.items()
        ],
        "held_products": [
            HeldProduct(products[key], count, _choices(scenario, products[key], count))
            for key, count in _shown(copies).items()
        ],
        "held_hidden": max(len(copies) - MAX_PRODUCTS_SHOWN, 0),
        "results": [
            (product, mark_matches(product.name, query), scenario.changed(BOUGHT, product.pk, 1).url(q=query))
            for product in (search_products(query) if searched else [])
        ],
        "query": query,
        "searched": searched,
        "scenario": scenario,
        "left_out": left_out,
        "full": sum(scenario.counts.values()) >= MAX_ASSUMPTIONS,
        "max_assumptions": MAX_ASSUMPTIONS,
        "waiting_points": waiting_points,
        "waiting_url": Scenario(scenario.counts, not scenario.waiting).url(),
    }
    return render(request, "kitbag/what_if.html", context)


def _copies_held(member: Member) -> dict[int, int]:
    """How many of each product count, by key, most points first."""
    counting = Registration.objects.of(member).filter(state=RegistrationState.VALIDATED)
    copies = counting.order_by().values_list("product").annotate(copies=Count("pk"))
    return dict(copies.order_by("-product__points_current", "product__name"))


def _shown(copies: Mapping[int, int]) -> dict[int, int]:
    return dict(list(copies.items())[:MAX_PRODUCTS_SHOWN])


def _read_scenario(data: QueryDict, copies: Mapping[int, int]) -> tuple[Scenario, dict[int, Product], bool]:
    """The part of the URL that makes sense, the products it names, and whether something was left out."""
    requested = [(kind, text) for kind in KIND_LABELS for text in data.getlist(kind)]
    pairs = [
        (kind, int(text))
        for kind, text in requested
        if text.isascii() and text.isdigit() and len(text) <= MAX_KEY_DIGITS
    ]
    keys = {key for _kind, key in pairs[: 4 * MAX_ASSUMPTIONS]} | _shown(copies).keys()
    products = Product.objects.in_bulk(keys)
    scenario = Scenario({}, bool(data.get("waiting")))
    used = 0
    for kind, key in pairs:
        product = products.get(key)
        if used < MAX_ASSUMPTIONS and product and _is_possible(scenario, kind, product, copies.get(key, 0)):
            scenario = scenario.changed(kind, key, 1)
            used += 1
    return scenario, products, used < len(requested)


def _is_possible(scenario: Scenario, kind: str, product: Product, copies: int) -> bool:
    if kind == BOUGHT:
        return product.registrable
    if kind == SOLD:
        return scenario.counts.get((SOLD, product.pk), 0) < copies
    has_stage = any((stage, product.pk) in scenario.counts for stage in Stage.values)
    return bool(copies) and not has_stage and kind in _later_stages(product)


def _later_stages(product: Product) -> list[str]:
    order = [Stage.CURRENT.value, Stage.SUPERSEDED.value, Stage.UNSERVICEABLE.value]
    return order[order.index(product.stage) + 1 :]


def _amounts(
    scenario: Scenario, products: Mapping[int, Product], copies: Mapping[int, int]
) -> dict[tuple[str, int], int]:
    """What each assumption adds or takes. Their sum is the change of the total, whatever their order."""
    amounts = {}
    for (kind, key), times in scenario.counts.items():
        product = products[key]
        if kind == BOUGHT:
            amounts[kind, key] = times * product.points
        elif kind == SOLD:
            amounts[kind, key] = -times * product.points
        else:
            # A new stage changes every copy there would be: those sold are gone, those bought are included.
            count = copies[key] - scenario.counts.get((SOLD, key), 0) + scenario.counts.get((BOUGHT, key), 0)
            amounts[kind, key] = count * (product.points_of(kind) - product.points)
    return amounts


def _choices(scenario: Scenario, product: Product, copies: int) -> list[Choice]:
    sold = scenario.counts.get((SOLD, product.pk), 0)
    choices = []
    for kind in [SOLD, *_later_stages(product)]:
        chosen = sold >= copies if kind == SOLD else (kind, product.pk) in scenario.counts
        undo = -sold if kind == SOLD else -1
        url = scenario.changed(kind, product.pk, undo if chosen else 1).url()
        choices.append(Choice(KIND_LABELS[kind], url, chosen, f"{kind}-{product.pk}"))
    return choices
