"""Reading changes with a cursor misses nothing that commits late (R55)."""

import threading

import pytest
from django.apps import apps
from django.db import connection, transaction

from cps_portal.core.lib.commit_horizon import fully_committed_until
from cps_portal.core.lib.snapshot import read_snapshot
from cps_portal.core.partners.enums import PartnerKind
from kitbag.models import Product
from tests.api.machines import Machine, machine
from tests.concurrency.threads import Background, together
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


def test_a_transaction_that_writes_something_else_holds_nobody_up(world: World) -> None:
    """A backup, a report, vacuum or an idle session may be open for hours; what partners see does not wait for it."""
    shop = machine("shop", PartnerKind.RETAILER)
    _before, cursor = read_changes(shop, "")
    is_open, may_end = threading.Event(), threading.Event()

    def long() -> None:
        with transaction.atomic():
            assert Product.objects.filter(pk=world.lens.pk).exists()
            apps.get_model("kitbag", "ProductEvent")._default_manager.count()
            world.terms.save()
            is_open.set()
            assert may_end.wait(20)

    running = Background(long)
    assert is_open.wait(10)
    Product.objects.filter(pk=world.body.pk).update(name="Renamed")
    try:
        assert read_changes(shop, cursor)[0] == ["Renamed"]
    finally:
        may_end.set()
    assert running.finish() is None


def test_a_transaction_that_began_early_and_writes_late_is_not_skipped(world: World) -> None:
    shop = machine("shop", PartnerKind.RETAILER)
    _before, cursor = read_changes(shop, "")
    has_begun, may_write = threading.Event(), threading.Event()

    def early() -> None:
        with transaction.atomic():
            with connection.cursor() as statement:
                statement.execute("select now()")
            has_begun.set()
            assert may_write.wait(20)
            Product.objects.filter(pk=world.body.pk).update(name="Early")

    running = Background(early)
    assert has_begun.wait(10)
    Product.objects.filter(pk=world.lens.pk).update(name="Fast")
    during, cursor = read_changes(shop, cursor)
    may_write.set()
    assert running.finish() is None
    assert (during, read_changes(shop, cursor)[0]) == (["Fast"], ["Early"])


def test_the_horizon_is_asked_for_before_a_snapshot(world: World) -> None:
    """What is committed after the snapshot and before the horizon would be older than it, and never be seen."""
    log = apps.get_model("kitbag", "ProductEvent")
    with read_snapshot(), pytest.raises(RuntimeError, match="before the snapshot"):
        fully_committed_until(log)


def test_no_change_is_lost_or_repeated_while_many_write_and_one_reads(world: World) -> None:
    shop = machine("shop", PartnerKind.RETAILER)
    _before, start = read_changes(shop, "")
    products = list(Product.objects.order_by("pk").values_list("pk", flat=True)[:3])
    written = [f"{product} {number}" for product in products for number in range(15)]
    ended: list[int] = []

    def write(product: int) -> None:
        for number in range(15):
            with transaction.atomic():
                Product.objects.filter(pk=product).update(name=f"{product} {number}")
                with connection.cursor() as statement:
                    statement.execute("select pg_sleep(0.01 * random())")
        ended.append(product)

    def read() -> list[str]:
        found, cursor = [], start
        while True:
            last = len(ended) == len(products)
            names, cursor = read_changes(shop, cursor)
            found += names
            if last:
                return found

    *_writers, found = together(*(lambda pk=pk: write(pk) for pk in products), read)
    assert sorted(found) == sorted(written)
