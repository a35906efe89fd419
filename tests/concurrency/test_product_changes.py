"""Reading changes with a cursor misses nothing that commits late (R55)."""

import threading

import pytest
from django.db import transaction

from cps_portal.core.partners.enums import PartnerKind
from kitbag.models import Product
from tests.api.machines import Machine, machine
from tests.concurrency.threads import Background
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)


def read_on(shop: Machine, cursor: str) -> tuple[list[str], str]:
    names: list[str] = []
    while True:
        found = shop.get(f"products/changes?limit=100{'&cursor=' + cursor if cursor else ''}").json()
        names += [row["name"] for row in found["results"]]
        cursor = found["next"] or cursor
        if not found["results"]:
            return names, cursor


def test_a_slow_change_that_commits_after_a_fast_one_is_never_skipped(world: World) -> None:
    shop = machine("shop", PartnerKind.RETAILER)
    _before, cursor = read_on(shop, "")
    written, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            Product.objects.filter(pk=world.body.pk).update(name="Slow")
            written.set()
            assert go_on.wait(20)

    running = Background(slow)
    assert written.wait(10)
    Product.objects.filter(pk=world.lens.pk).update(name="Fast")
    during, cursor = read_on(shop, cursor)
    go_on.set()
    running.finish()
    after, cursor = read_on(shop, cursor)
    assert during + after == ["Slow", "Fast"]
    assert read_on(shop, cursor)[0] == []
