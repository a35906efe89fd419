"""The purchase that a member entered last: its store, country and date are offered for the next product (R71)."""

from datetime import datetime, timedelta

from cps_portal.core.lib.compiled_queries import CompiledModels
from kitbag.models import Registration
from members.models import Member

CARRIED_OVER_FOR = timedelta(hours=1)
RECENT: CompiledModels[Registration] = CompiledModels(
    lambda member, after, until: (
        Registration.objects.filter(member=member, submitted_at__gt=after, submitted_at__lte=until)
        .select_related("product")
        .order_by("-submitted_at", "-pk")[:1]
    ),
    related=["product"],
)


def find_last_purchase(member: Member, at: datetime) -> Registration | None:
    """The product that the member sent in last, if that was within the hour; with its product."""
    return RECENT.first(member=member.pk, after=at - CARRIED_OVER_FOR, until=at)
