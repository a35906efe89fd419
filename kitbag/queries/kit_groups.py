"""A member's groups of products, with how many each holds (R18)."""

from django.db.models import Count, Q, QuerySet

from kitbag.enums import LIVE
from kitbag.models import KitGroup
from members.models import Member


def groups_of(member: Member) -> QuerySet[KitGroup]:
    """By name, with `count`: the products of the Kitbag in each."""
    live = Count("products", filter=Q(products__registration__state__in=LIVE))
    return KitGroup.objects.filter(member=member).annotate(count=live)
