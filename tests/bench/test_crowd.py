"""A planned change at scale: its batches compared with the best single statement, what members notice, and the audit.

BENCH_MEMBERS sets the size of the crowd; five times as many registrations. `make bench-crowd` takes 200,000.
"""

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median, quantiles

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from cps_portal.dev import crowd
from kitbag.actions import stage_changes
from kitbag.actions.ledger_checks import check_ledger
from kitbag.enums import Stage
from kitbag.models import Product, StageChange
from kitbag.tasks import HOLDERS
from members.enums import ChangeState, PointsCause
from members.models import LevelThreshold, Member
from tests.bench import by_hand

pytestmark = [pytest.mark.bench, pytest.mark.django_db(transaction=True)]
MEMBERS = int(os.environ.get("BENCH_MEMBERS", "10000"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "2"))  # pairs of runs of the largest product
PAGES = ["/dashboard/", "/kitbag/", "/kitbag/points/"]
READERS = 20
CALM = min(400, MEMBERS // 50)  # pages asked for before the run
WRITTEN = ["members_member", "members_levelchange", "kitbag_pointsentry", "kitbag_registration"]


TICK = 0.01  # seconds: what the system counts processor time in


def sql(statement: str, params: object = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


def settle_down() -> None:
    """Do what autovacuum does in a quiet minute, and forget notifications that are still due."""
    sql("truncate members_untoldlevelchange")
    for table in WRITTEN:
        sql(f"vacuum analyze {table}")
    sql("checkpoint")


def flip(product: Product) -> StageChange:
    """Begin a stage change (superseded, or back to current) announced long ago. Its holders are not reconciled yet."""
    product.refresh_from_db()
    stage = Stage.SUPERSEDED if product.stage == Stage.CURRENT else Stage.CURRENT
    now = timezone.now()
    row = StageChange.objects.create(
        product=product,
        to_stage=stage,
        before=product.points,
        after=product.points_of(stage),
        cause=PointsCause.SUPERSEDED if stage == Stage.SUPERSEDED else PointsCause.RESTORED,
        effective_on=date(2026, 3, 1),
        planned_at=now - timedelta(days=100),
        announced_at=now - timedelta(days=99),
    )
    assert stage_changes.begin_change(change=row, at=now)
    row.refresh_from_db()
    settle_down()
    return row


def spent() -> float:
    """Seconds of processor that this process and its backend of the database have used."""
    backend = Path(f"/proc/{connection.connection.info.backend_pid}/stat").read_text().rsplit(")", 1)[1].split()
    mine = os.times()
    return (int(backend[11]) + int(backend[12])) / os.sysconf("SC_CLK_TCK") + mine.user + mine.system


@dataclass
class Run:
    seconds: float
    processor: float = 0
    batches: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)


def by_batches(change: StageChange) -> Run:
    """As the task does it."""
    run = Run(0)
    begun, more = time.perf_counter(), True
    while more:
        before = time.perf_counter()
        more = stage_changes.reconcile_step(change=change.pk, limit=HOLDERS, at=timezone.now())
        run.batches.append(time.perf_counter() - before)
        run.memory.append(resident())
    run.seconds = time.perf_counter() - begun
    return run


def by_one_statement(change: StageChange) -> Run:
    thresholds = LevelThreshold.objects.in_force()
    facts = {
        "amount": change.after - change.before,
        "cause": change.cause,
        "stage": change.to_stage,
        "change": change.pk,
        "about": change.product.name,
        "at": timezone.now(),
        "product": change.product_id,
        "levels": list(thresholds.keys()),
        "froms": list(thresholds.values()),
    }
    begun = time.perf_counter()
    with transaction.atomic():
        sql("set local work_mem = '256MB'")  # the portal's batches use the server's default
        sql(by_hand.OF_A_PRODUCT, facts)
    run = Run(time.perf_counter() - begun)
    StageChange.objects.filter(pk=change.pk).update(state=ChangeState.DONE, finished_at=timezone.now())
    return run


def resident() -> int:
    """Of this process, in kB."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1])


def compare(product: Product, holders: int, rounds: int) -> str:
    """Both forms take turns on the same product and the same holders: down, up, and who begins changes too."""
    runs: dict[Callable[[StageChange], Run], list[Run]] = {by_batches: [], by_one_statement: []}
    for number in range(rounds):
        order = [by_batches, by_one_statement]
        for form in order if number % 2 == 0 else reversed(order):
            change = flip(product)
            begun = spent()
            run = form(change)
            run.processor = spent() - begun
            runs[form].append(run)
    ours, plain = (sum(run.seconds for run in each) for each in runs.values())
    our_processor, plain_processor = (sum(run.processor for run in each) for each in runs.values())
    batches = [batch * 1000 for run in runs[by_batches] for batch in run.batches]
    return (
        f"{holders:>9,}{ours / plain:>8.2f}{our_processor / max(plain_processor, TICK):>8.2f}"
        f"{ours / rounds:>10.2f}{plain / rounds:>10.2f}"
        f"{ours / rounds / holders * 1e6:>10.0f}{plain / rounds / holders * 1e6:>10.0f}"
        f"{median(batches):>10.0f}{max(batches):>10.0f}"
    )


def readers() -> Iterator[Callable[[], float]]:
    """Members over the whole crowd, who look at their pages in turn."""
    keys = list(Member.objects.order_by("pk").values_list("pk", flat=True))
    clients = []
    for key in keys[:: max(1, len(keys) // READERS)][:READERS]:
        client = Client()
        client.force_login(Member.objects.select_related("user").get(pk=key).user)
        clients.append(client)
    asked = [(client, page) for page in PAGES for client in clients]
    for client, page in asked:
        assert client.get(page).status_code == 200
    while True:
        for client, page in asked:

            def ask(client: Client = client, page: str = page) -> float:
                begun = time.perf_counter()
                assert client.get(page).status_code == 200
                return time.perf_counter() - begun

            yield ask


def in_another_process(change: StageChange, tell: Connection) -> None:
    tell.send(by_batches(change))
    connection.close()


def felt(product: Product) -> list[str]:
    """What members feel of the largest run, and what its process needs."""
    change = flip(product)
    asks = readers()
    calm = [next(asks)() for _ in range(CALM)]
    here, there = multiprocessing.Pipe()
    connection.close()  # the fork gets one of its own
    worker = multiprocessing.get_context("fork").Process(target=in_another_process, args=(change, there))
    worker.start()
    during = []
    while not here.poll() or len(during) < 2:
        during.append(next(asks)())
    run = here.recv()
    worker.join()
    before, meanwhile = (quantiles(each, n=100) for each in (calm, during))
    begun, ended, most = (kb / 1024 for kb in (run.memory[len(run.memory) // 10], run.memory[-1], max(run.memory)))
    pages = (
        f"member pages, 99 %: {before[98] * 1000:.0f} ms before ({len(calm)} pages), {meanwhile[98] * 1000:.0f} ms "
        f"during ({len(during)} pages), ratio {meanwhile[98] / before[98]:.2f}; "
        f"median {before[49] * 1000:.0f} and {meanwhile[49] * 1000:.0f} ms"
    )
    memory = (
        f"the run beside them: {run.seconds:.1f} s; memory of its process {begun:.1f} MB after a tenth, "
        f"{ended:.1f} MB at the end, {most:.1f} MB at most"
    )
    return [pages, memory]


def audited() -> str:
    begun = time.perf_counter()
    check = check_ledger(by=None, at=timezone.now())
    assert check.is_clean
    return (
        f"check_ledger: {check.registrations:,} registrations in {time.perf_counter() - begun:.1f} s, nothing differs"
    )


def test_a_planned_change_at_scale(transactional_db: None, report: list[str]) -> None:
    begun = time.perf_counter()
    call_command("make_crowd", members=MEMBERS, registrations=5 * MEMBERS, verbosity=0)
    report.append(
        f"make_crowd: {MEMBERS:,} members, {5 * MEMBERS:,} registrations in {time.perf_counter() - begun:.0f} s"
    )
    report.append(audited())
    titles = ["holders", "ratio", "CPU", "s", "plain s", "µs each", "plain µs", "batch ms", "worst ms"]
    report.append("")
    report.append("".join(f"{title:>{width}}" for title, width in zip(titles, [9, 8, 8, *[10] * 6], strict=True)))
    products = [(product, product.registrations.filter(state="validated").count()) for product in crowd.popular()]
    compare(products[-1][0], products[-1][1], 1)  # warm
    for product, holders in reversed(products):
        rounds = ROUNDS if holders >= MEMBERS else 2 * ROUNDS
        report.append(compare(product, holders, rounds))
    report.append("")
    report.extend(felt(products[0][0]))
    report.append(audited())
