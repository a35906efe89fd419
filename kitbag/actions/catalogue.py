"""Load the reference catalogue, as often as needed, and write only differences (R15, R20, R22)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from cps_portal.core.lib.locks import lock_rules_exclusive
from kitbag import rules
from kitbag.catalogue.reader import BadRow, ProductRecord, ShapeRecord
from kitbag.enums import ProposalState
from kitbag.models import CatalogueProposal, Product, ProductName, Registration, SerialShape, StageChange

# Fields that members rely on: while a member holds the product, a load only proposes changes of these (R22).
GUARDED = ("points_current", "points_superseded", "points_unserviceable", "stage", "successor_id", "registrable")
BATCH_SIZE = 1000


@dataclass
class CatalogueReport:
    """What a load did, by product slug, and which rows could not be used."""

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
    products: Sequence[ProductRecord],
    shapes: Sequence[ShapeRecord],
    at: datetime,
    reset_shapes: bool = False,
) -> CatalogueReport:
    """Update the catalogue from the rows of the file, except points and stage of products that members hold.

    Changes of those become one open proposal per product, which a later load corrects or withdraws. Products that are
    not in the file are left alone. New shapes of serial numbers are added; existing ones may have been edited by staff
    and are left alone, unless `reset_shapes`.
    """
    report = CatalogueReport()
    lock_rules_exclusive()
    with connection.cursor() as cursor:  # excludes another load and edits in the admin, but not readers
        cursor.execute("lock table kitbag_product in share row exclusive mode")
    _Load(report, at).run(products)
    _load_shapes(shapes, report, reset=reset_shapes)
    return report


class _Load:
    """A load of products. It reads everything once, compares in memory and writes in bulk."""

    def __init__(self, report: CatalogueReport, at: datetime) -> None:
        self.report = report
        self.at = at
        self.known = {product.slug: product for product in Product.objects.all()}
        # Must come after the lock: then all validations by the old rules have been committed and are seen.
        self.held = set(Registration.objects.live().order_by().values_list("product_id", flat=True).distinct())
        self.held |= set(StageChange.objects.open().values_list("product_id", flat=True))
        self.slug_of = {product.pk: slug for slug, product in self.known.items()}

    def run(self, products: Sequence[ProductRecord]) -> None:
        existing = dict(self.known)
        self.report.not_in_file = sorted(existing.keys() - {record.slug for record in products})
        new = [record for record in products if record.slug not in existing]
        for record, key in zip(new, self._next_keys(len(new)), strict=True):
            self.known[record.slug] = Product(pk=key, slug=record.slug)
            self.slug_of[key] = record.slug
        added, changed, columns, proposals = [], [], set[str](), {}
        for record in products:
            product = self.known[record.slug]
            desired = self._desired(record, product)
            if record.slug not in existing:
                _set(product, desired)
                added.append(product)
                self.report.added.append(record.slug)
                continue
            differing = {name: value for name, value in desired.items() if getattr(product, name) != value}
            if product.pk in self.held:
                guarded = {name: differing.pop(name) for name in GUARDED if name in differing}
                if guarded:
                    proposals[product.pk] = self._proposal(product, guarded)
            if differing:
                _set(product, differing)
                changed.append(product)
                columns |= differing.keys()
                self.report.changed[record.slug] = sorted(differing)
        Product.objects.bulk_create(added, batch_size=BATCH_SIZE)
        if changed:
            Product.objects.bulk_update(changed, sorted(columns), batch_size=BATCH_SIZE)
        names = self._names(products)
        if len(added) + names > BATCH_SIZE:
            _prepare_search()
        self._proposals(proposals)
        self.report.left_alone = len(products) - len(added) - len(self.report.changed)

    def _next_keys(self, count: int) -> list[int]:
        # Keys are drawn beforehand, so that products can refer to successors in the same insert.
        with connection.cursor() as cursor:
            cursor.execute(
                "select nextval(pg_get_serial_sequence('kitbag_product', 'id')) from generate_series(1, %s)", [count]
            )
            return [key for (key,) in cursor.fetchall()]

    def _desired(self, record: ProductRecord, product: Product) -> dict[str, Any]:
        today: date = timezone.localdate(self.at)
        stage = rules.stage_today(
            superseded=record.superseded, service_end_year=record.fields["service_end_year"], on=today
        )
        return {**record.fields, "stage": stage, "successor_id": self._successor(record, product)}

    def _successor(self, record: ProductRecord, product: Product) -> int | None:
        if not record.successor:
            return None
        successor = self.known.get(record.successor)
        if successor is None or successor is product:
            reason = "does not exist" if successor is None else "is the product itself"
            text = f"the successor “{record.successor}” {reason}; the rest of the row is loaded"
            self.report.bad.append(BadRow(record.line, "superseded_by", text))
            return product.successor_id
        return successor.pk

    def _names(self, products: Sequence[ProductRecord]) -> int:
        """Update the names of the products in the file, and their search keys. Returns the number of rows written."""
        existing = {(name.product_id, name.name): name for name in ProductName.objects.all()}
        desired = {(self.known[record.slug].pk, name): record.slug for record in products for name in record.names}
        in_file = {self.known[record.slug].pk for record in products}
        gone = [key for key in existing if key[0] in in_file and key not in desired]
        new = [key for key in desired if key not in existing]
        stale = []
        for key in existing.keys() & desired.keys():
            search_key, words = _search_columns(key[1])
            if (existing[key].search_key, existing[key].words) != (search_key, words):
                existing[key].search_key, existing[key].words = search_key, words
                stale.append(existing[key])
        ProductName.objects.filter(pk__in=[existing[key].pk for key in gone]).delete()
        ProductName.objects.bulk_create([_product_name(*key) for key in new], batch_size=BATCH_SIZE)
        if stale:
            ProductName.objects.bulk_update(stale, ["search_key", "words"], batch_size=BATCH_SIZE)
        added = set(self.report.added)
        for slug in sorted({self.slug_of[key] for key, _ in [*gone, *new]} - added):
            self.report.changed.setdefault(slug, []).append("names")
        return len(new) + len(stale)

    def _proposal(self, product: Product, guarded: dict[str, Any]) -> dict[str, list[Any]]:
        changes = {name: [getattr(product, name), value] for name, value in guarded.items()}
        if keys := changes.pop("successor_id", None):
            changes["successor"] = [key and self.slug_of[key] for key in keys]
        return changes

    def _proposals(self, desired: dict[int, dict[str, list[Any]]]) -> None:
        """Open, correct and withdraw proposals for the products of the file."""
        in_file = {product.pk for product in self.known.values()} - {
            self.known[slug].pk for slug in self.report.not_in_file
        }
        existing = {
            proposal.product_id: proposal
            for proposal in CatalogueProposal.objects.filter(state=ProposalState.OPEN).select_for_update()
        }
        answered = self._answered(desired)
        new, corrected, withdrawn = [], [], []
        for key, changes in desired.items():
            proposal = existing.get(key)
            if proposal is None and answered.get(key) == changes:
                continue
            if proposal is None:
                new.append(CatalogueProposal(product_id=key, changes=changes, proposed_at=self.at))
            elif proposal.changes == changes:
                self.report.still_proposed += 1
                continue
            else:
                proposal.changes, proposal.proposed_at = changes, self.at
                corrected.append(proposal)
            self.report.proposed[self.slug_of[key]] = changes
        for key in (existing.keys() & in_file) - desired.keys():
            existing[key].state, existing[key].closed_at = ProposalState.WITHDRAWN, self.at
            withdrawn.append(existing[key])
            self.report.withdrawn.append(self.slug_of[key])
        CatalogueProposal.objects.bulk_create(new, batch_size=BATCH_SIZE)
        CatalogueProposal.objects.bulk_update(corrected, ["changes", "proposed_at"], batch_size=BATCH_SIZE)
        CatalogueProposal.objects.bulk_update(withdrawn, ["state", "closed_at"], batch_size=BATCH_SIZE)

    @staticmethod
    def _answered(desired: Mapping[int, object]) -> dict[int, dict[str, list[Any]]]:
        """The last proposal of each product that staff planned or declined: the same is not proposed again."""
        rows = CatalogueProposal.objects.filter(product__in=desired).exclude(state=ProposalState.OPEN)
        latest = rows.exclude(state=ProposalState.WITHDRAWN).order_by("product_id", "-closed_at").distinct("product_id")
        return dict(latest.values_list("product_id", "changes"))


def _prepare_search() -> None:
    """Make the first search after a big load fast, instead of waiting for autovacuum to clean the index."""
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


def _load_shapes(shapes: Sequence[ShapeRecord], report: CatalogueReport, *, reset: bool) -> None:
    existing = {(tuple(shape.categories), shape.period): shape for shape in SerialShape.objects.all()}
    new, changed = [], []
    for record in shapes:
        values: dict[str, Any] = {
            "year_from": record.year_from,
            "year_to": record.year_to,
            "pattern": record.pattern,
            "use": record.use,
            "example": record.example,
        }
        shape = existing.get((record.categories, record.period))
        if shape is None:
            new.append(SerialShape(categories=list(record.categories), period=record.period, **values))
        elif any(getattr(shape, name) != value for name, value in values.items()):
            for name, value in values.items():
                setattr(shape, name, value)
            changed.append(shape)
    SerialShape.objects.bulk_create(new)
    if reset:
        SerialShape.objects.bulk_update(changed, ["year_from", "year_to", "pattern", "use", "example"])
    report.shapes_added = len(new)
    report.shapes_changed = len(changed) if reset else 0
    report.shapes_differing = 0 if reset else len(changed)
