"""The registrations of a Kitbag, in the groups of its page (R18).

Which filters are chosen changes the shape of a query. The whole Kitbag, by far the most often asked for, is compiled
for each order.
"""

from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Count, F, IntegerField, QuerySet, Sum, Value, When, Window

from cps_portal.core.lib.compiled_queries import CompiledModels, CompiledQuery, IsAmong
from kitbag.enums import NEEDS_MEMBER, RegistrationState, Stage
from kitbag.models import Registration, points_now

YOUR_TURN, AT_CENTRE, CHECKING, COUNTING, OLDER = range(5)
RELATED = ["product", "owner_details__thumbnail"]
ORDERS: dict[str, tuple[Any, ...]] = {
    "": ("-worth", "product__name"),
    "new": (F("purchased_on").desc(nulls_last=True), "product__name"),
    "old": (F("purchased_on").asc(nulls_last=True), "product__name"),
    "name": ("product__name",),
    "serial": (F("serial_key").asc(nulls_last=True), "product__name"),
}
Rows = QuerySet[Registration, Registration]


def listed(member: int, in_service: str) -> Rows:
    """Everything in the Kitbag of the member with this key, with `worth`, its points, and `group`.

    `in_service`: `joined_keys` of what centres have.
    """
    return (
        Registration.objects.filter(member=member)
        .live()
        .select_related(*RELATED)
        .annotate(worth=points_now("product__"), group=_group(in_service))
    )


def in_order(rows: Rows, order: str) -> Rows:
    return rows.order_by(*ORDERS[order], "pk")


def others(rows: Rows, order: str) -> Rows:
    """Of `listed`, those that do not count, by group."""
    return rows.exclude(group=COUNTING).order_by("group", *ORDERS[order], "pk")  # type: ignore[misc]


def counting(rows: Rows, order: str, shown: int) -> Rows:
    """Of `listed`, the first that count, with `in_all`: how many there are."""
    return in_order(rows.filter(group=COUNTING).annotate(in_all=Window(Count("pk"))), order)[:shown]  # type: ignore[misc]


def _group(in_service: str) -> Case:
    return Case(
        When(state__in=NEEDS_MEMBER, then=Value(YOUR_TURN)),
        When(IsAmong(F("pk"), Value(in_service)), then=Value(AT_CENTRE)),
        When(state=RegistrationState.SUBMITTED, then=Value(CHECKING)),
        When(product__stage=Stage.CURRENT, then=Value(COUNTING)),
        default=Value(OLDER),
        output_field=IntegerField(),
    )


@dataclass(frozen=True)
class _Whole:
    """The queries of a whole Kitbag in one order: what needs attention, that with older kit, and what counts."""

    current: CompiledModels[Registration]
    others: CompiledModels[Registration]
    counting: CompiledModels[Registration]

    @classmethod
    def by(cls, order: str) -> "_Whole":
        return cls(
            CompiledModels(
                lambda member, in_service: others(listed(member, in_service).exclude(group=OLDER), order),  # type: ignore[misc]
                related=RELATED,
                annotations=["worth", "group"],
            ),
            CompiledModels(
                lambda member, in_service: others(listed(member, in_service), order),
                related=RELATED,
                annotations=["worth", "group"],
            ),
            CompiledModels(
                lambda member, in_service, shown: counting(listed(member, in_service), order, shown),
                related=RELATED,
                annotations=["worth", "group", "in_all"],
            ),
        )


WHOLE = {order: _Whole.by(order) for order in ORDERS}


SUMS: CompiledQuery[tuple[str, int, int, int]] = CompiledQuery(
    lambda member, in_service: (
        listed(member, in_service)  # type: ignore[misc]
        .order_by()
        .values("product__shelf", "group")
        .annotate(number=Count("pk"), points=Sum("worth"))
        .values_list("product__shelf", "group", "number", "points")
    )
)


@dataclass(frozen=True)
class Sums:
    """How many products of a Kitbag stand on each shelf, and how many of them are older kit, with their points."""

    by_shelf: dict[str, int]
    older: int
    older_points: int


def sums_of(member: int, in_service: str) -> Sums:
    rows = SUMS.all(member=member, in_service=in_service)
    by_shelf: dict[str, int] = {}
    for shelf, _group, number, _points in rows:
        by_shelf[shelf] = by_shelf.get(shelf, 0) + number
    older = [(number, points) for _shelf, group, number, points in rows if group == OLDER]
    return Sums(by_shelf, sum(number for number, _points in older), sum(points for _number, points in older))


def whole_kitbag(
    member: int, in_service: str, order: str, shown: int, *, with_older: bool = True
) -> tuple[list[Registration], list[Registration]]:
    """The same as `others` and `counting` of `listed`; without older kit if the reader has not opened it."""
    whole = WHOLE[order]
    return (
        (whole.others if with_older else whole.current).all(member=member, in_service=in_service),
        whole.counting.all(member=member, in_service=in_service, shown=shown),
    )
