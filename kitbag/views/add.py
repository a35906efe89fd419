"""Add products: search while typing, see the points at once, pick drafts, see where they would lead (R16)."""

from collections import Counter
from dataclasses import dataclass

from django.contrib import messages
from django.db.models import Count, Sum, prefetch_related_objects
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from cps_portal.core.lib.errors import Refusal
from kitbag.actions import missed_searches, registrations, removals
from kitbag.enums import RegistrationState
from kitbag.forms import PickForm
from kitbag.models import Product, Registration, points_now
from kitbag.presenters.families import FAMILIES
from kitbag.presenters.registrations import planned_change_sentences
from kitbag.presenters.scale import Scale, build_scale
from kitbag.presenters.search_results import mark_matches, matching_alias
from kitbag.queries.catalogue_counts import count_categories
from kitbag.queries.often_added import COUNTED_FOR, often_added
from kitbag.queries.search import MAX_RESULTS, search_products
from kitbag.views.shortcuts import (
    MIN_QUERY_LENGTH,
    get_own_registration,
    query_text,
    redirect_after_post,
    url_with_query,
)
from members import rules
from members.access import MemberRequest, answer_snapshot, is_viewed, member_required
from members.enums import Level
from members.models import LevelThreshold, Member

MAX_DRAFTS_SHOWN = 30


@dataclass(frozen=True)
class SearchResult:
    """A product with the typed words marked in its name, and how many of it the member holds."""

    product: Product
    name: SafeString
    alias: str
    held: int
    planned_changes: str

    @property
    def value(self) -> str:
        """What the button sends: the product, and how many of it the member saw in the Kitbag."""
        return f"{self.product.pk}.{self.held}"


@dataclass(frozen=True)
class Tray:
    """The drafts picked so far, and the level that they would give (R12, R16)."""

    drafts: list[tuple[Registration, str]]  # each with what is planned for its product (R22)
    count: int
    points: int
    total: int
    level: Level
    level_now: Level
    scale: Scale

    @property
    def hidden(self) -> int:
        return self.count - len(self.drafts)

    @property
    def rises(self) -> bool:
        return self.level.rank > self.level_now.rank

    @property
    def finish_url(self) -> str:
        """The oldest draft shown. Finishing it leads on to the next."""
        return f"{reverse('kitbag:finish', args=[self.drafts[-1][0].pk])}?through=1" if self.drafts else ""


@require_GET
@member_required
def add(request: MemberRequest) -> HttpResponse:
    """The page. With ?q= it shows the search results too, for browsers without JavaScript."""
    by_category = count_categories()
    searched = _search(request)
    context = {
        **searched,
        "picked": "picked" in request.GET,
        "tray": _tray(request.member),
        "registrable": sum(by_category.values()),
        "families": [(family, family.count(by_category)) for family in FAMILIES],
        "often": [] if searched["searched"] else _often_added(request.member),
        "often_days": COUNTED_FOR.days,
    }
    return render(request, "kitbag/add.html", context)


@require_GET
@member_required
def search(request: MemberRequest) -> HttpResponse:
    """The search results alone for htmx, otherwise the whole page."""
    if request.htmx:
        return render(request, "kitbag/_search_results.html", _search(request))
    return add(request)


@require_POST
@member_required
def pick(request: MemberRequest) -> HttpResponse:
    """Add one product as a draft. Submitting the same form twice adds one."""
    form = PickForm(request.POST)
    if not form.is_valid():
        return _tray_response(request, refusal=_t("Choose a product from the list."))
    key, held = form.product_and_held()
    product = get_object_or_404(Product, pk=key)
    try:
        draft = registrations.add_product(member=request.member, product=product, at=timezone.now(), held=held)
    except Refusal as refusal:
        return _tray_response(request, refusal=str(refusal))
    return _tray_response(request, done=_t("%(product)s added.") % {"product": draft.product.name}, product=product)


@require_POST
@member_required
def unpick(request: MemberRequest, pk: int) -> HttpResponse:
    """Take a draft back out of the tray."""
    draft = get_own_registration(request, pk)
    if draft.is_live:
        try:
            removals.discard_draft(registration=draft, by=request.user, at=timezone.now())
        except Refusal as refusal:
            return _tray_response(request, refusal=str(refusal))
    done = _t("%(product)s removed.") % {"product": draft.product.name}
    query = _posted_query(request)
    listed = request.htmx and query and draft.product in search_products(query)
    return _tray_response(request, done=done, product=draft.product if listed else None)


def _posted_query(request: MemberRequest) -> str:
    return request.POST.get("q", "").replace("\x00", "")[:100]


def _tray_response(
    request: MemberRequest, *, done: str = "", refusal: str = "", product: Product | None = None
) -> HttpResponse:
    """The new tray for htmx, with the search result of `product` beside it; otherwise back to the page."""
    query = _posted_query(request)
    if not request.htmx:
        if refusal:
            messages.error(request, refusal)
        else:
            messages.success(request, done)
        picked = {"picked": 1} if product and query else {}  # the box is empty then, so that the next words don't join
        return redirect_after_post(request, url_with_query("kitbag:add", q=query, **picked))
    with answer_snapshot(request):
        context = {
            "tray": _tray(request.member),
            "update": True,
            "done": done,
            "refusal": refusal,
            "option": _results(request.member, [product], query)[0] if product else None,
        }
        return render(request, "kitbag/_tray.html", context)


def _search(request: MemberRequest) -> dict[str, object]:
    query = query_text(request, "q")
    searched = len(query) >= MIN_QUERY_LENGTH
    products = search_products(query) if searched else []
    if searched and not products and not is_viewed(request):
        missed_searches.log_missed_search(request.member, query)
    results = _results(request.member, products, query)
    status = ngettext("%(count)s product found.", "%(count)s products found.", len(results)) % {"count": len(results)}
    if len(results) == MAX_RESULTS:
        status = _t("The first %(count)s. Type more of a name to find others.") % {"count": MAX_RESULTS}
    return {"query": query, "searched": searched, "results": results, "status": status if searched else ""}


def _often_added(member: Member) -> list[Product]:
    held = set(Registration.objects.of(member).live().values_list("product", flat=True))
    return often_added(member.country.code, held, timezone.now())


def _results(member: Member, products: list[Product], query: str) -> list[SearchResult]:
    if not products:
        return []
    prefetch_related_objects(products, "names")
    held = Counter(
        Registration.objects.of(member).live().filter(product__in=products).values_list("product", flat=True)
    )
    planned_changes = planned_change_sentences([product.pk for product in products])
    return [
        SearchResult(
            product=product,
            name=mark_matches(product.name, query),
            alias=matching_alias(product, query),
            held=held[product.pk],
            planned_changes=planned_changes.get(product.pk, ""),
        )
        for product in products
    ]


def _tray(member: Member) -> Tray:
    all_drafts = Registration.objects.of(member).filter(state=RegistrationState.DRAFT)
    sums = all_drafts.aggregate(points=Sum(points_now("product__")), count=Count("pk"))
    drafts = list(all_drafts.select_related("product").order_by("-pk")[:MAX_DRAFTS_SHOWN])
    planned_changes = planned_change_sentences([draft.product_id for draft in drafts])
    thresholds = LevelThreshold.objects.in_force()
    total = member.points + (sums["points"] or 0)
    level = Level(rules.level_for(total, thresholds))
    return Tray(
        drafts=[(draft, planned_changes.get(draft.product_id, "")) for draft in drafts],
        count=sums["count"],
        points=member.points,
        total=total,
        level=level,
        level_now=Level(member.level),
        scale=build_scale(points=member.points, second_points=total, level=level, thresholds=thresholds),
    )
