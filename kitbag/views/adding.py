"""Add a product: search as you type, see the points at once, pick, and what you would have (R16)."""

import re
from collections import Counter
from dataclasses import dataclass

from django.contrib import messages
from django.db.models import Count, Sum, prefetch_related_objects
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _t
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from cps_portal.core.lib.errors import Refusal
from kitbag import rules
from kitbag.actions import registrations
from kitbag.enums import RegistrationState
from kitbag.forms import PickForm
from kitbag.models import Product, Registration, points_now
from kitbag.presenters.registrations import address, ahead_sentences, go, own, typed
from kitbag.queries.search import search_products
from members import rules as member_rules
from members.access import MemberRequest, member_required
from members.enums import Level
from members.models import LevelThreshold, Member

TRAY_SIZE = 30
SHORTEST_QUERY = 2
ROMAN = {number: roman for roman, number in rules.ROMAN.items()}


@dataclass(frozen=True)
class Found:
    """A product that was found: its name with the matching words marked, and how many the member holds."""

    product: Product
    name: SafeString
    also: str
    held: int
    ahead: str  # what is planned for it (R22)

    @property
    def value(self) -> str:
        """What picking it sends: the product, and how many are in the Kitbag already."""
        return f"{self.product.pk}.{self.held}"


@dataclass(frozen=True)
class Stop:
    """A level under the scale."""

    label: str | Promise
    points_from: int
    current: bool


@dataclass(frozen=True)
class Tray:
    """The drafts picked so far and where they would lead (R12, R16)."""

    drafts: list[tuple[Registration, str]]  # each with what is planned for its product (R22)
    count: int
    waiting: int
    points: int
    level: str
    level_now: str
    thresholds: dict[str, int]

    @property
    def total(self) -> int:
        return self.points + self.waiting

    @property
    def hidden(self) -> int:
        return self.count - len(self.drafts)

    @property
    def rises(self) -> bool:
        return Level(self.level).rank > Level(self.level_now).rank

    @property
    def level_label(self) -> str:
        return str(Level(self.level).label)

    @property
    def at(self) -> str:
        return f"{max(member_rules.scale_position(self.points, self.thresholds), 0.4):.1f}%"

    @property
    def ahead(self) -> str:
        return f"{member_rules.scale_position(self.total, self.thresholds):.1f}%"

    @property
    def stops(self) -> list[Stop]:
        rising = sorted(self.thresholds.items(), key=lambda item: item[1])
        return [Stop(Level(level).label, start, level == self.level) for level, start in rising]

    @property
    def first(self) -> str:
        """The oldest draft shown; finishing it leads to the next."""
        return f"{reverse('kitbag:finish', args=[self.drafts[-1][0].pk])}?through=1" if self.drafts else ""


@require_GET
@member_required
def add(request: MemberRequest) -> HttpResponse:
    """The page; with ?q= it shows what was found, for those without JavaScript."""
    context = {
        **_search(request),
        "tray": _tray(request.member),
        "registrable": Product.objects.registrable().count(),
    }
    return render(request, "kitbag/add.html", context)


@require_GET
@member_required
def search(request: MemberRequest) -> HttpResponse:
    """The list of what was found, for the search as you type; a plain visit is the whole page."""
    if request.htmx:
        return render(request, "kitbag/_search_results.html", _search(request))
    return add(request)


@require_POST
@member_required
def pick(request: MemberRequest) -> HttpResponse:
    """Add one product as a draft. The same form twice adds one."""
    form = PickForm(request.POST)
    query = request.POST.get("q", "").replace("\x00", "")[:100]
    if not form.is_valid():
        return _picked(request, query, refusal=_t("Choose a product from the list."))
    key, held = form.product_and_held()
    product = get_object_or_404(Product, pk=key)
    try:
        row = registrations.add_product(member=request.member, product=product, at=timezone.now(), held=held)
    except Refusal as refusal:
        return _picked(request, query, refusal=str(refusal))
    return _picked(request, query, done=_t("%(product)s picked.") % {"product": row.product.name}, product=product)


@require_POST
@member_required
def unpick(request: MemberRequest, pk: int) -> HttpResponse:
    """Take a draft back out of the tray."""
    row = own(request, pk)
    query = request.POST.get("q", "").replace("\x00", "")[:100]
    if row.is_live:
        try:
            registrations.discard_draft(registration=row, by=request.user, at=timezone.now())
        except Refusal as refusal:
            return _picked(request, query, refusal=str(refusal))
    done = _t("%(product)s taken back.") % {"product": row.product.name}
    listed = request.htmx and query and row.product in search_products(query)
    return _picked(request, query, done=done, product=row.product if listed else None)


def _picked(
    request: MemberRequest, query: str, *, done: str = "", refusal: str = "", product: Product | None = None
) -> HttpResponse:
    if not request.htmx:
        if refusal:
            messages.error(request, refusal)
        else:
            messages.success(request, done)
        return go(request, address("kitbag:add", q=query))
    context = {
        "tray": _tray(request.member),
        "update": True,
        "done": done,
        "refusal": refusal,
        "query": query,
        "option": _found(request.member, [product], query)[0] if product else None,
    }
    return render(request, "kitbag/_tray.html", context)


def _search(request: MemberRequest) -> dict[str, object]:
    query = typed(request, "q")
    asked = len(query) >= SHORTEST_QUERY
    found = _found(request.member, search_products(query) if asked else [], query)
    status = ngettext("%(count)s product found.", "%(count)s products found.", len(found)) % {"count": len(found)}
    return {"query": query, "asked": asked, "found": found, "status": status if asked else ""}


def _found(member: Member, products: list[Product], query: str) -> list[Found]:
    if not products:
        return []
    prefetch_related_objects(products, "names")
    held = Counter(
        Registration.objects.of(member).live().filter(product__in=products).values_list("product", flat=True)
    )
    ahead = ahead_sentences([product.pk for product in products])
    return [
        Found(
            product,
            marked(product.name, query),
            _also(product, query),
            held[product.pk],
            ahead.get(product.pk, ""),
        )
        for product in products
    ]


def _also(product: Product, query: str) -> str:
    """The regional name that was typed, if the product's own name does not say it: "Rebel T8i"."""
    tokens = rules.name_tokens(query)

    def fits(name: str) -> bool:
        words = rules.name_tokens(name)
        return all(any(word.startswith(token) for word in words) for token in tokens)

    if fits(product.name):
        return ""
    return next((name.name for name in product.names.all() if name.name != product.name and fits(name.name)), "")


def marked(name: str, query: str) -> SafeString:
    """The name with every word of the query in it marked, words that touch as one; safe to put in a page."""
    spans = []
    tokens = rules.name_tokens(query)
    for place, token in enumerate(tokens):
        forms = "|".join(re.escape(form) for form in {token, ROMAN.get(token, token)})
        before = r"(?<![0-9.])" if token[0].isdigit() else r"(?<![A-Za-z])"
        after = r"(?![0-9])" if token[-1].isdigit() and place < len(tokens) - 1 else ""  # the last may go on
        if match := re.search(f"{before}(?:{forms}){after}", name, re.IGNORECASE):
            spans.append(match.span())
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and re.fullmatch(r"[\s-]*", name[joined[-1][1] : start]):
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        elif not joined or start >= joined[-1][1]:
            joined.append((start, end))
    parts, at = [], 0
    for start, end in joined:
        parts += [escape(name[at:start]), "<mark>", escape(name[start:end]), "</mark>"]
        at = end
    return mark_safe("".join([*parts, escape(name[at:])]))  # noqa: S308 every piece is escaped


def _tray(member: Member) -> Tray:
    drafts = Registration.objects.of(member).filter(state=RegistrationState.DRAFT)
    sums = drafts.aggregate(waiting=Sum(points_now("product__")), count=Count("pk"))
    rows = list(drafts.select_related("product").order_by("-pk")[:TRAY_SIZE])
    ahead = ahead_sentences([row.product_id for row in rows])
    thresholds = LevelThreshold.objects.in_force()
    waiting = sums["waiting"] or 0
    return Tray(
        drafts=[(row, ahead.get(row.product_id, "")) for row in rows],
        count=sums["count"],
        waiting=waiting,
        points=member.points,
        level=member_rules.level_for(member.points + waiting, thresholds),
        level_now=member.level,
        thresholds=thresholds,
    )
