"""Fast Track targets by level (R3, R43, R44, R65)."""

from kitbag.queries.catalogue_counts import count_products
from members.models import LevelBenefit
from members.rules import Membership


def fast_track_days_by_level(membership: Membership) -> dict[str, int | None]:
    """The Fast Track target of each level in the member's country, in working days; empty while membership rests.

    Whether a product is eligible is not considered here: `rules.target_days` does that.
    """
    if not membership.is_active:
        return {}
    benefits = LevelBenefit.objects.filter(
        service_level=membership.service_level, country__in=["", membership.country]
    ).order_by("country")  # the row of the country comes after the general one, so it wins in the dict
    return {benefit.level: benefit.fast_track_days for benefit in benefits}


def count_fast_track_models() -> int:
    """How many models have Fast Track, for every text that names the number (R57)."""
    return count_products().fast_track
