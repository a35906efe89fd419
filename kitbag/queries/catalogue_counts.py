"""How many products there are, for every text that names a number (R57)."""

from typing import NamedTuple

from django.db.models import Count, Value

from cps_portal.core.lib.compiled_queries import CompiledQuery
from kitbag.models import Product
from kitbag.models.catalogue import IS_FAST_TRACK, IS_REGISTRABLE

COUNTS: CompiledQuery[tuple[int, int]] = CompiledQuery(
    lambda: (
        Product.objects.order_by()
        .annotate(everything=Value(1))
        .values("everything")  # one group, so that there is one row
        .annotate(
            of_registrable=Count("pk", filter=IS_REGISTRABLE),
            of_fast_track=Count("pk", filter=IS_FAST_TRACK),
        )
        .values_list("of_registrable", "of_fast_track")
    )
)


class ProductCounts(NamedTuple):
    registrable: int
    fast_track: int


def count_products() -> ProductCounts:
    """Products that can be registered, and models that are eligible for Fast Track (R43)."""
    return ProductCounts(*COUNTS.all()[0])


def count_categories() -> dict[str, int]:
    """Products that can be registered, by the category of the catalogue."""
    rows = Product.objects.registrable().order_by().values_list("category").annotate(number=Count("pk"))
    return dict(rows)
