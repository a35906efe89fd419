"""Loads the reference catalogue, again and again, changing only what changed (R15, R20, R22)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from cps_portal.core.lib.locks import lock_rules_exclusive
from kitbag import rules
from kitbag.catalogue.reader import BadRow, ProductFacts, ShapeFacts
from kitbag.enums import ProposalState
from kitbag.models import CatalogueProposal, Product, ProductName, Registration, SerialShape, StageChange

# What a member counts on: while somebody holds the product a load only proposes these (R22).
GUARDED = ("points_current", "points_superseded", "points_unserviceable", "stage", "successor_id", "registrable")
BATCH_SIZE = 1000


@dataclass
class CatalogueReport:
    """What a load did: slugs by what happened to them, and what could not be used."""

    added: list[str] = field(default_factory=list)
    changed: dict[str, list[str]] = field(default_factory=dict)  # slug: the names of what changed
    left_alone: int = 0
    proposed: dict[str, dict[str, Any]] = field(default_factory=dict)  # slug: field: [now, proposed]
    still_proposed: int = 0
    withdrawn: list[str] = field(default_factory=list)
    not_in_file: list[str] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)
    shapes_added: int = 0
    shapes_changed: int = 0
    shapes_differing: int = 0


@transaction.atomic
def load_catalogue(
    *,
    products: Sequence[ProductFacts],
    shapes: Sequence[ShapeFacts],
    at: datetime,
    reset_shapes: bool = False,
) -> CatalogueReport:
    """Make the catalogue what the facts say, but for the points and stage of products that members hold.

    Those become one open proposal per product, which a later load corrects or withdraws. Products that are
    not among the facts are left alone. Shapes of serial numbers are added; those that are there already may have
    been edited by staff and stay, unless `reset_shapes`.
    """
    report = CatalogueReport()
    lock_rules_exclusive()
    with connection.cursor() as cursor:  # no second load, no edit in the admin meanwhile; reading goes on
        cursor.execute("lock table kitbag_product in share row exclusive mode")
    _Load(report, at).run(products)
    _load_shapes(shapes, report, reset=reset_shapes)
    return report


class _Load:
    """One load of products. Everything is read once, compared in memory and written in bulk."""

    def __init__(self, report: CatalogueReport, at: datetime) -> None:
        self.report = report
        self.at = at
        self.known = {product.slug: product for product in Product.objects.all()}
        # Asked after the lock: whoever validates under the old rules has committed by now.
        self.held = set(Registration.objects.live().order_by().values_list("product_id", flat=True).distinct())
        self.held |= set(StageChange.objects.open().values_list("product_id", flat=True))
        self.slug_of = {product.pk: slug for slug, product in self.known.items()}

    def run(self, products: Sequence[ProductFacts]) -> None:
        there = dict(self.known)
        self.report.not_in_file = sorted(there.keys() - {facts.slug for facts in products})
        fresh = [facts for facts in products if facts.slug not in there]
        for facts, key in zip(fresh, self._next_keys(len(fresh)), strict=True):
            self.known[facts.slug] = Product(pk=key, slug=facts.slug)
            self.slug_of[key] = facts.slug
        added, changed, columns, proposals = [], [], set[str](), {}
        for facts in products:
            product = self.known[facts.slug]
            wanted = self._wanted(facts, product)
            if facts.slug not in there:
                _set(product, wanted)
                added.append(product)
                self.report.added.append(facts.slug)
                continue
            differing = {name: value for name, value in wanted.items() if getattr(product, name) != value}
            if product.pk in self.held:
                guarded = {name: differing.pop(name) for name in GUARDED if name in differing}
                if guarded:
                    proposals[product.pk] = self._proposal(product, guarded)
            if differing:
                _set(product, differing)
                changed.append(product)
                columns |= differing.keys()
                self.report.changed[facts.slug] = sorted(differing)
        Product.objects.bulk_create(added, batch_size=BATCH_SIZE)
        if changed:
            Product.objects.bulk_update(changed, sorted(columns), batch_size=BATCH_SIZE)
        names = self._names(products)
        if len(added) + names > BATCH_SIZE:
            _prepare_search()
        self._proposals(proposals)
        self.report.left_alone = len(products) - len(added) - len(self.report.changed)

    def _next_keys(self, count: int) -> list[int]:
        # Known keys let one insert name successors that are in the same insert.
        with connection.cursor() as cursor:
            cursor.execute(
                "select nextval(pg_get_serial_sequence('kitbag_product', 'id')) from generate_series(1, %s)", [count]
            )
            return [key for (key,) in cursor.fetchall()]

    def _wanted(self, facts: ProductFacts, product: Product) -> dict[str, Any]:
        today: date = timezone.localdate(self.at)
        stage = rules.stage_today(
            superseded=facts.superseded, service_end_year=facts.fields["service_end_year"], on=today
        )
        return {**facts.fields, "stage": stage, "successor_id": self._successor(facts, product)}

    def _successor(self, facts: ProductFacts, product: Product) -> int | None:
        if not facts.successor:
            return None
        successor = self.known.get(facts.successor)
        if successor is None or successor is product:
            reason = "does not exist" if successor is None else "is the product itself"
            text = f"the successor “{facts.successor}” {reason}; the rest of the row is loaded"
            self.report.bad.append(BadRow(facts.line, "superseded_by", text))
            return product.successor_id
        return successor.pk

    def _names(self, products: Sequence[ProductFacts]) -> int:
        """Make the names of the products in the file those of the file, with today's search keys.

        Returns how many rows it wrote.
        """
        there = {(name.product_id, name.name): name for name in ProductName.objects.all()}
        wanted = {(self.known[facts.slug].pk, name): facts.slug for facts in products for name in facts.names}
        in_file = {self.known[facts.slug].pk for facts in products}
        gone = [key for key in there if key[0] in in_file and key not in wanted]
        fresh = [key for key in wanted if key not in there]
        stale = []
        for key in there.keys() & wanted.keys():
            search_key, words = _search_columns(key[1])
            if (there[key].search_key, there[key].words) != (search_key, words):
                there[key].search_key, there[key].words = search_key, words
                stale.append(there[key])
        ProductName.objects.filter(pk__in=[there[key].pk for key in gone]).delete()
        ProductName.objects.bulk_create([_product_name(*key) for key in fresh], batch_size=BATCH_SIZE)
        if stale:
            ProductName.objects.bulk_update(stale, ["search_key", "words"], batch_size=BATCH_SIZE)
        added = set(self.report.added)
        for slug in sorted({self.slug_of[key] for key, _ in [*gone, *fresh]} - added):
            self.report.changed.setdefault(slug, []).append("names")
        return len(fresh) + len(stale)

    def _proposal(self, product: Product, guarded: dict[str, Any]) -> dict[str, list[Any]]:
        changes = {name: [getattr(product, name), value] for name, value in guarded.items()}
        if keys := changes.pop("successor_id", None):
            changes["successor"] = [key and self.slug_of[key] for key in keys]
        return changes

    def _proposals(self, wanted: dict[int, dict[str, list[Any]]]) -> None:
        """Open, correct and withdraw proposals for the products of the file."""
        in_file = {product.pk for product in self.known.values()} - {
            self.known[slug].pk for slug in self.report.not_in_file
        }
        there = {
            proposal.product_id: proposal
            for proposal in CatalogueProposal.objects.filter(state=ProposalState.OPEN).select_for_update()
        }
        answered = self._answered(wanted)
        fresh, corrected, withdrawn = [], [], []
        for key, changes in wanted.items():
            proposal = there.get(key)
            if proposal is None and answered.get(key) == changes:
                continue
            if proposal is None:
                fresh.append(CatalogueProposal(product_id=key, changes=changes, proposed_at=self.at))
            elif proposal.changes == changes:
                self.report.still_proposed += 1
                continue
            else:
                proposal.changes, proposal.proposed_at = changes, self.at
                corrected.append(proposal)
            self.report.proposed[self.slug_of[key]] = changes
        for key in (there.keys() & in_file) - wanted.keys():
            there[key].state, there[key].closed_at = ProposalState.WITHDRAWN, self.at
            withdrawn.append(there[key])
            self.report.withdrawn.append(self.slug_of[key])
        CatalogueProposal.objects.bulk_create(fresh, batch_size=BATCH_SIZE)
        CatalogueProposal.objects.bulk_update(corrected, ["changes", "proposed_at"], batch_size=BATCH_SIZE)
        CatalogueProposal.objects.bulk_update(withdrawn, ["state", "closed_at"], batch_size=BATCH_SIZE)

    @staticmethod
    def _answered(wanted: Mapping[int, object]) -> dict[int, dict[str, list[Any]]]:
        """What staff said last to each product, planned or declined: the same is not proposed again."""
        rows = CatalogueProposal.objects.filter(product__in=wanted).exclude(state=ProposalState.OPEN)
        latest = rows.exclude(state=ProposalState.WITHDRAWN).order_by("product_id", "-closed_at").distinct("product_id")
        return dict(latest.values_list("product_id", "changes"))


def _prepare_search() -> None:
    """Let the first search after a big load be as fast as the later ones, without waiting for autovacuum."""
    with connection.cursor() as cursor:
        cursor.execute("select gin_clean_pending_list('product_name_search')")
        cursor.execute("analyze kitbag_product, kitbag_productname")


def _set(product: Product, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(product, name, value)


def _search_columns(name: str) -> tuple[str, int]:
    return rules.search_key(name), len(rules.name_tokens(name))


def _product_name(product: int, name: str) -> ProductName:
    search_key, words = _search_columns(name)
    return ProductName(product_id=product, name=name, search_key=search_key, words=words)


def _load_shapes(shapes: Sequence[ShapeFacts], report: CatalogueReport, *, reset: bool) -> None:
    there = {(tuple(shape.categories), shape.period): shape for shape in SerialShape.objects.all()}
    fresh, changed = [], []
    for facts in shapes:
        values: dict[str, Any] = {
            "year_from": facts.year_from,
            "year_to": facts.year_to,
            "pattern": facts.pattern,
            "use": facts.use,
            "example": facts.example,
        }
        shape = there.get((facts.categories, facts.period))
        if shape is None:
            fresh.append(SerialShape(categories=list(facts.categories), period=facts.period, **values))
        elif any(getattr(shape, name) != value for name, value in values.items()):
            for name, value in values.items():
                setattr(shape, name, value)
            changed.append(shape)
    SerialShape.objects.bulk_create(fresh)
    if reset:
        SerialShape.objects.bulk_update(changed, ["year_from", "year_to", "pattern", "use", "example"])
    report.shapes_added = len(fresh)
    report.shapes_changed = len(changed) if reset else 0
    report.shapes_differing = 0 if reset else len(changed)
