"""What the portal costs compared with the plainest code for the same work, on the same data in the same run."""

import os
from collections.abc import Callable
from datetime import UTC, datetime

import pgtrigger
import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from kitbag.actions import ledger
from kitbag.actions.catalogue import load_catalogue
from kitbag.catalogue import reader
from kitbag.enums import Stage
from kitbag.models import Product, Registration
from kitbag.queries.search import search_products
from members.enums import PointsCause
from members.models import LevelThreshold, Member, User
from tests.bench import by_hand
from tests.bench.conftest import Table
from tests.fullbag import build_validated, fill
from tests.world import World

pytestmark = [pytest.mark.bench, pytest.mark.django_db]
LARGE = int(os.environ.get("BENCH_PRODUCTS", "100000"))
SEARCHES = ["r5", "70-200", "ef 50", "speedlite", "mark ii", "powershot", "24-105", "macro", "eos-1", "pixma"]
HOLDERS = 500
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def sql(statement: str, params: object = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


def settle_down() -> None:
    """Do what autovacuum does in a quiet minute after a load."""
    sql("select gin_clean_pending_list('product_name_search')")
    sql("analyze")


@pytest.fixture
def catalogue(world: World) -> World:
    facts, bad = reader.read_products(reader.PRODUCTS)
    assert not bad
    load_catalogue(products=facts, shapes=reader.read_shapes(), at=timezone.now())
    return world


def get(client: Client, url: str, **headers: str) -> Callable[[int], None]:
    def ask(n: int) -> None:
        answer = client.get(url.format(q=SEARCHES[n % len(SEARCHES)]), headers=headers)
        assert answer.status_code == 200, url

    return ask


def find(n: int) -> None:
    assert search_products(SEARCHES[n % len(SEARCHES)])


def find_plainly(n: int) -> None:
    list(Product.objects.filter(registrable=True, name__icontains=SEARCHES[n % len(SEARCHES)]).order_by("name")[:20])


def test_pages_and_search(catalogue: World, as_ben: Client, settings: Settings, table: Table) -> None:
    settings.ROOT_URLCONF = "tests.bench.plain"
    products = list(Product.objects.registrable()[:40])
    fill(catalogue.ben, products, validated=100, drafts=20)
    settle_down()
    plain = get(as_ben, "/plain/kits/24/")
    table.compare("dashboard", get(as_ben, "/dashboard/"), get(as_ben, "/plain/kits/5/"))
    table.compare("kitbag, 24 cards", get(as_ben, "/kitbag/?page=2"), plain)
    table.compare("kitbag, table of 24", get(as_ben, "/kitbag/?view=table"), plain)
    table.compare("points history, 25 changes", get(as_ben, "/kitbag/points/"), get(as_ben, "/plain/history/"))
    fragment = get(as_ben, "/kitbag/add/search/?q={q}", **{"HX-Request": "true"})
    table.compare("search fragment, 20 results", fragment, get(as_ben, "/plain/search/?q={q}"))
    count = Product.objects.count()
    table.compare(f"search, {count:,} products, to name__icontains", find, find_plainly)


def test_search_in_a_large_catalogue(catalogue: World, table: Table) -> None:
    """The same products again and again under other numbers."""
    times = LARGE // Product.objects.count()
    changed = {"name": "name || ' ' || n", "slug": "slug || '-copy-' || n"}
    columns = [field.column for field in Product._meta.concrete_fields if not field.primary_key]
    with pgtrigger.ignore():  # their history is not measured
        sql(
            f"insert into kitbag_product ({', '.join(columns)}) "  # noqa: S608
            f"select {', '.join(changed.get(column, column) for column in columns)} "
            f"from kitbag_product, generate_series(1, {times}) as n"
        )
    sql(
        "insert into kitbag_productname (product_id, name, search_key, words) "  # noqa: S608
        "select p.id, p.name, replace(old.search_key, ' |', ' ' || n || ' |'), old.words + 1 "
        f"from generate_series(1, {times}) as copies (n) cross join kitbag_product as first "
        "join kitbag_productname as old on old.product_id = first.id and old.name = first.name "
        "join kitbag_product as p on p.slug = first.slug || '-copy-' || n"
    )
    settle_down()
    table.compare(f"search, {Product.objects.count():,} products, to name__icontains", find, find_plainly, rounds=20)


@pytest.mark.parametrize(
    ("what", "current", "rounds"),
    [("no level moves", 300, 20), ("all levels move, mails written", 600, 3)],
)
def test_settle(world: World, table: Table, what: str, current: int, rounds: int) -> None:
    product = world.body
    Product.objects.filter(pk=product.pk).update(points_current=current)
    product.refresh_from_db()
    users = User.objects.bulk_create(User(email=f"holder{n}@example.org") for n in range(HOLDERS))
    members = Member.objects.bulk_create(
        Member(user=user, number=f"{n:012}", first_name="Ho", last_name="Lder", country="ZA", joined_at=NOW)
        for n, user in enumerate(users)
    )
    rows = [
        row.pk
        for row in Registration.objects.bulk_create(
            build_validated(member, product, n) for n, member in enumerate(members)
        )
    ]
    ledger.reconcile(registrations=rows, cause=PointsCause.VALIDATED, about="", by=None, at=NOW)
    Product.objects.filter(pk=product.pk).update(stage=Stage.SUPERSEDED)
    sql("analyze")
    thresholds = LevelThreshold.objects.in_force()
    facts = {
        "rows": rows,
        "amount": product.points_superseded - current,
        "cause": "superseded",
        "stage": "superseded",
        "change": None,
        "about": "",
        "at": NOW,
        "levels": list(thresholds.keys()),
        "froms": list(thresholds.values()),
    }

    def undone(job: Callable[[], object]) -> Callable[[int], None]:
        def run(_n: int) -> None:
            with transaction.atomic():
                job()
                transaction.set_rollback(True)

        return run

    def settle() -> None:
        settled = ledger.reconcile(registrations=rows, cause=PointsCause.SUPERSEDED, about="", by=None, at=NOW)
        assert len(settled.deltas) == HOLDERS

    plain = undone(lambda: sql(by_hand.OF_ROWS, facts))
    table.compare(f"settle {HOLDERS}, {what}, to one statement", undone(settle), plain, rounds)
