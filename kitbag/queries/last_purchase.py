"""The purchase that a member entered last: its store, country and date are offered for the next product (R71)."""

from datetime import datetime, timedelta

from kitbag.models import Registration
from members.models import Member

CARRIED_OVER_FOR = timedelta(hours=1)


def find_last_purchase(member: Member, at: datetime) -> Registration | None:
    """The product that the member sent in last, if that was within the hour; with its product."""
    recent = Registration.objects.of(member).filter(submitted_at__gt=at - CARRIED_OVER_FOR, submitted_at__lte=at)
    return recent.select_related("product").order_by("-submitted_at", "-pk").first()
