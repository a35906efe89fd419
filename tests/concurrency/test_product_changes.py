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


def read_changes(shop: Machine, cursor: str) -> tuple[list[str], str]:
    names: list[str] = []
    while True:
        page = shop.get(f"products/changes?limit=100{'&cursor=' + cursor if cursor else ''}").json()
        names += [row["name"] for row in page["results"]]
        cursor = page["next"] or cursor
        if not page["results"]:
            return names, cursor


def test_a_slow_change_that_commits_after_a_fast_one_is_never_skipped(world: World) -> None:
    shop = machine("shop", PartnerKind.RETAILER)
    _before, cursor = read_changes(shop, "")
    written, may_commit = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            Product.objects.filter(pk=world.body.pk).update(name="Slow")
            written.set()
            assert may_commit.wait(20)

    running = Background(slow)
    assert written.wait(10)
    Product.objects.filter(pk=world.lens.pk).update(name="Fast")
    during, cursor = read_changes(shop, cursor)
    may_commit.set()
    running.finish()
    after, cursor = read_changes(shop, cursor)
    assert during + after == ["Slow", "Fast"]
    assert read_changes(shop, cursor)[0] == []
