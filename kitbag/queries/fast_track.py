"""Fast Track targets by level (R3, R43, R44, R65)."""

from django.db.models import Q

from cps_portal.core.lib.compiled_queries import CompiledQuery
from kitbag.queries.catalogue_counts import count_products
from members.models import LevelBenefit
from members.rules import Membership

DAYS: CompiledQuery[tuple[str, int | None]] = CompiledQuery(
    lambda service_level, country: (
        LevelBenefit.objects.filter(Q(country="") | Q(country=country), service_level=service_level)
        .order_by("country")  # the row of the country comes after the general one, so it wins in the dict
        .values_list("level", "fast_track_days")
    )
)


def fast_track_days_by_level(membership: Membership) -> dict[str, int | None]:
    """The Fast Track target of each level in the member's country, in working days; empty while membership rests.

    Whether a product is eligible is not considered here: `rules.target_days` does that.
    """
    if not membership.is_active:
        return {}
    return dict(DAYS.all(service_level=membership.service_level, country=membership.country))


def count_fast_track_models() -> int:
    """How many models have Fast Track, for every text that names the number (R57)."""
    return count_products().fast_track
