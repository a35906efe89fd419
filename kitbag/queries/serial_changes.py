"""The other serial numbers that a product had or has, because a service centre replaced it (R64)."""

from collections.abc import Collection, Iterable

from django.db.models import Q

from kitbag import rules
from kitbag.enums import SerialChangeState
from kitbag.models import SerialChange

SerialOf = tuple[int, str]  # the keys of a product and of its serial number


def known_serials(serials: Collection[SerialOf]) -> dict[SerialOf, set[SerialOf]]:
    """Each serial number with all that the same product had or has: one query, and one more for each step between."""
    families = {serial: {serial} for serial in serials}
    frontier = {serial for serial in serials if serial[1]}
    seen: set[SerialOf] = set()
    while frontier:
        seen |= frontier
        pairs = list(_changes(frontier))
        for family in families.values():
            for old, new in pairs:
                if old in family or new in family:
                    family |= {old, new}
        frontier = {serial for pair in pairs for serial in pair} - seen
    return families


def known_keys(product: int, serial_key: str) -> set[str]:
    """The keys of every serial number that this product had or has, with its own."""
    return {key for _product, key in known_serials([(product, serial_key)])[product, serial_key]}


def find_changes(text: str) -> list[SerialChange]:
    """The changes in which a number that somebody presents was replaced, the latest first."""
    rows = SerialChange.objects.applied().filter(serial_key__in=rules.look_up_keys(text))
    return list(rows.select_related("product").order_by("-at", "-pk"))


def relatives_of(text: str) -> set[SerialOf]:
    """The other numbers of every product that has or had the number that somebody presents."""
    keys = rules.look_up_keys(text)
    rows = SerialChange.objects.exclude(state=SerialChangeState.DROPPED)
    touched = rows.filter(Q(serial_key__in=keys) | Q(new_key__in=keys)).order_by()
    serials = {
        (product, key) for product, *pair in touched.values_list("product_id", "serial_key", "new_key") for key in pair
    }
    families = known_serials(serials).values() if serials else ()
    return {(product, key) for family in families for product, key in family if key not in keys}


def presented_as(text: str, relatives: Collection[SerialOf] | None = None) -> Q:
    """A condition on rows with `product` and `serial_key`: the number that somebody presents, or a relative of it.

    `relatives`: those of `relatives_of`, if the caller has read them.
    """
    condition = Q(serial_key__in=rules.look_up_keys(text))
    for product, key in relatives_of(text) if relatives is None else relatives:
        condition |= Q(product=product, serial_key=key)
    return condition


def is_replaced(product: int, serial_key: str | None) -> bool:
    """Whether this is the old number of a product, so that nothing else can have it."""
    return SerialChange.objects.applied().filter(product=product, serial_key=serial_key).exists()


def _changes(serials: Iterable[SerialOf]) -> Iterable[tuple[SerialOf, SerialOf]]:
    presented = set(serials)
    keys = {key for _product, key in presented}
    rows = SerialChange.objects.exclude(state=SerialChangeState.DROPPED).filter(
        Q(serial_key__in=keys) | Q(new_key__in=keys), product__in={product for product, _key in presented}
    )
    for product, old, new in rows.order_by().values_list("product_id", "serial_key", "new_key"):
        if (product, old) in presented or (product, new) in presented:
            yield (product, old), (product, new)
