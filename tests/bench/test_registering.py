"""What a registration costs: rows and bytes that it leaves, its history included, and the time that it takes (R54).

`BENCH_REGISTRATIONS` sets how many are added, submitted and checked, by members each of whom has ten.
"""

import os
import re
import time
from statistics import median

import pytest
from django.db import connection
from django.utils import timezone

from cps_portal.core.lib.history_context import attributed_to
from kitbag.actions import registrations
from kitbag.models import Registration
from members.models import Member
from tests.bench.test_page_cost import processor_seconds
from tests.factories import details
from tests.world import World, join

pytestmark = [pytest.mark.bench, pytest.mark.django_db(transaction=True)]
COUNT = int(os.environ.get("BENCH_REGISTRATIONS", "1000"))
OF_ONE_MEMBER = 10
STEPS = ("added", "submitted", "checked")
SIZES_SQL = """
select relname, pg_relation_size(oid)
from pg_class where oid = any(array(select %(tables)s::text[]::regclass[]))
   or oid in (select indexrelid from pg_index where indrelid = any(%(tables)s::text[]::regclass[]))
order by relkind desc, relname
"""
HISTORY = re.compile("kitbag_registrationevent|registration_event|pghistory_context")
TABLES = ["kitbag_registration", "kitbag_registrationevent", "pghistory_context", "kitbag_pointsentry"]


def sizes() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(SIZES_SQL, {"tables": TABLES})
        return dict(cursor.fetchall())


def register(world: World, member: Member, number: int, took: dict[str, list[float]]) -> None:
    """As the pages and the task do it: two requests, and a check after them."""
    now = timezone.now()
    path = "/kitbag/add/"
    serial = f"{200_000_000_000 + 7919 * number:012d}"
    began = time.perf_counter()
    with attributed_to(member.user, url=path):
        row = registrations.add_product(member=member, product=world.lens, at=now)
    added = time.perf_counter()
    with attributed_to(member.user, url=f"/kitbag/{row.pk}/finish/"):
        registrations.submit_registration(registration=row, details=details(serial), insisted=True, at=now)
    submitted = time.perf_counter()
    registrations.check_registration(registration=row, at=now)
    for step, seconds in zip(STEPS, (added - began, submitted - added, time.perf_counter() - submitted), strict=True):
        took[step].append(seconds)


def test_bytes_and_time_of_a_registration(committed_world: World, report: list[str]) -> None:
    took: dict[str, list[float]] = {step: [] for step in STEPS}
    members = [join(f"Member{number}", "ZA", committed_world.terms) for number in range(COUNT // OF_ONE_MEMBER)]
    before, rows_before, spent_before = sizes(), Registration.objects.count(), processor_seconds()
    for number in range(COUNT):
        register(committed_world, members[number % len(members)], number, took)
    spent = (processor_seconds() - spent_before) / COUNT
    rows = Registration.objects.count() - rows_before
    assert rows == COUNT
    report.append("")
    for name, size in sizes().items():
        report.append(f"{name:<60}{(size - before[name]) / COUNT:>8.0f} bytes")
    history = sum(size - before[name] for name, size in sizes().items() if HISTORY.match(name)) / COUNT
    report.append(f"{'history in all':<60}{history:>8.0f} bytes")
    report.append(f"processor time of Python and database: {1000 * spent:.1f} ms")
    report.append("ms: " + ", ".join(f"{step} {1000 * median(each):.2f}" for step, each in took.items()))
