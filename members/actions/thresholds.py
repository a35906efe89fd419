"""A change of the points that the levels need (R10, R22)."""

from datetime import datetime

from django.db import transaction

from members.actions.levels import settle_level
from members.enums import PointsCause
from members.models import Member


@transaction.atomic
def apply_thresholds(*, after: int, limit: int, at: datetime) -> int | None:
    """Let the thresholds in force decide the level of the next `limit` members by key (R10, R11).

    Returns the last key looked at, None at the end. Members whose level is right already are not touched.
    """
    keys = list(Member.objects.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:limit])
    if not keys:
        return None
    list(Member.objects.filter(pk__in=keys).locked().values_list("pk"))
    settle_level(deltas=dict.fromkeys(keys, 0), cause=PointsCause.THRESHOLDS, about="", at=at, later=True)
    return keys[-1]
