"""A member's groups of products, with how many each holds (R18)."""

from django.db.models import Count, Q

from cps_portal.core.lib.compiled_queries import CompiledModels
from kitbag.enums import LIVE
from kitbag.models import KitGroup
from members.models import Member


def groups_of(member: Member) -> list[KitGroup]:
    """By name, with `count`: the products of the Kitbag in each."""
    return GROUPS.all(member=member.pk)


GROUPS: CompiledModels[KitGroup] = CompiledModels(
    lambda member: KitGroup.objects.filter(member=member).annotate(
        count=Count("products", filter=Q(products__registration__state__in=LIVE))
    ),
    annotations=["count"],
)
