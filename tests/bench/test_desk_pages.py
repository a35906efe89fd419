"""The pages of the desk over a crowd: what each asks of the database, as plans, and how long it takes (R54).

BENCH_MEMBERS sets the size of the crowd; five times as many registrations, each with its history, two mails a member, a
job for every tenth and a case for every fifth. `make bench-desk` takes 200,000. Plans are asserted, never seconds: no
query of a page reads a big table from one end to the other.
"""

import os
import re
import time
from collections import Counter
from collections.abc import Iterator
from statistics import median
from typing import Any

import pgtrigger
import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import connection, models, reset_queries
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cps_portal.core.outbox.actions import enqueue
from cps_portal.core.outbox.models import Message
from cps_portal.site.queries.programme import count_totals
from kitbag.enums import RegistrationState
from kitbag.models import Registration
from members.models import Member
from members.support.actions import open_case
from members.support.enums import CaseKind
from members.support.models import Case, CaseMessage
from servicing.models import Parcel, Ticket, TicketEvent
from tests.admin.conftest import signed_in
from tests.factories import UserFactory
from tests.servicing.jobs import a_centre, a_request
from tests.world import World

pytestmark = [pytest.mark.bench, pytest.mark.django_db]
MEMBERS = int(os.environ.get("BENCH_MEMBERS", "10000"))
ROUNDS = int(os.environ.get("BENCH_PAGE_ROUNDS", "3"))
BIG = 5_000  # rows: a smaller table may be read whole
# Where the planner may read a table of some ten thousand rows: it expects as many hits as would cost more by an index.
BETTER_WHOLE = {("inbox: search", "cases_case")}
MAX_SHOWN = 2_000  # signs of a statement
KIND = re.compile(r" \w+_\w+$")  # the name of the index
PASSING = {"Seq Scan", "Nested Loop", "Hash Join", "Subquery Scan"}  # nodes that hand rows on as they come
SETTINGS = ("set local ", "SELECT set_config")  # sent before a statement, in one string with it


def copy_rows(model: type[models.Model], key: int, changed: dict[str, str], source: str, where: str) -> None:
    """The row with this key once for each row of `source`, with other values in the columns of `changed`."""
    fields = [str(field.column) for field in model._meta.concrete_fields if not field.primary_key]
    values = ", ".join(changed.get(column, f'one."{column}"') for column in fields)
    table, columns = model._meta.db_table, ", ".join(f'"{column}"' for column in fields)
    with pgtrigger.ignore(), connection.cursor() as cursor:
        cursor.execute("select 1")  # pgtrigger.ignore takes effect with the next statement
        cursor.execute(
            f"insert into {table} ({columns}) select {values} from {table} one, {source} "  # noqa: S608
            f"where one.{model._meta.pk.column} = {key} and {where}"
        )


def add_history() -> None:
    """What a history of registrations holds: that each was added."""
    events = apps.get_model("kitbag", "RegistrationEvent")
    shared = [field.column for field in events._meta.concrete_fields if not field.name.startswith("pgh_")]
    quoted = ", ".join(f'"{column}"' for column in shared)
    with connection.cursor() as cursor:
        cursor.execute(
            f"insert into kitbag_registrationevent (pgh_created_at, pgh_label, pgh_obj_id, {quoted}) "  # noqa: S608
            f"select added_at, 'insert', id, {quoted} from kitbag_registration r "
            "where not exists (select from kitbag_registrationevent e where e.pgh_obj_id = r.id)"
        )


def add_jobs(world: World) -> Ticket:
    """A job of every tenth member at one centre: one in a hundred of them is open, the others are closed."""
    ticket = a_request(world, a_centre())
    is_open = "mod(m.id, 1000) = 0"
    jobs = {
        "reference": "upper(lpad(to_hex(m.id), 8, '0'))",
        "member_id": "m.id",
        "parcel_id": "p.id",
        "registration_id": "null",
        "place": "null",
        "place_since": "null",
        "track": "'standard'",
        "state": f"case when {is_open} then 'requested' else 'closed' end",
        "ended_at": f"case when {is_open} then null else one.opened_at end",
    }
    of_member = "upper(lpad(to_hex(m.id + 32), 8, '0'))"
    copy_rows(Parcel, ticket.parcel_id, {"reference": of_member}, "members_member m", "mod(m.id, 10) = 0")
    copy_rows(Ticket, ticket.pk, jobs, f"members_member m join servicing_parcel p on p.reference = {of_member}", "true")
    event = TicketEvent.objects.filter(ticket=ticket).earliest("pk")
    copy_rows(TicketEvent, event.pk, {"ticket_id": "t.id"}, "servicing_ticket t", f"t.id <> {ticket.pk}")
    return ticket


def add_cases(world: World) -> Case:
    """A case of every fifth member: one in a hundred of them waits for support, the others are closed."""
    one = open_case(kind=CaseKind.CONTACT, subject="Strap", text="Where?", member=world.ana, by=None, at=timezone.now())
    waits = "mod(m.id, 500) = 0"
    cases = {
        "reference": "upper(lpad(to_hex(m.id + 16), 8, '0'))",
        "member_id": "m.id",
        "subject": "'Strap ' || m.id",
        "state": f"case when {waits} then one.state else 'closed' end",
        "due_at": f"case when {waits} then one.due_at end",
        "closed_at": f"case when {waits} then null else one.opened_at end",
        "unread_since": f"case when {waits} then one.unread_since end",
    }
    copy_rows(Case, one.pk, cases, "members_member m", "mod(m.id, 5) = 0")
    message = CaseMessage.objects.filter(case=one).earliest("pk")
    copy_rows(CaseMessage, message.pk, {"case_id": "c.id"}, "cases_case c", f"c.id <> {one.pk}")
    return one


def add_mails() -> None:
    """Two mails of each member, sent."""
    enqueue(key="bench", kind="mail", to="crowd@example.net", payload={"subject": "Counts", "text": "It counts."})
    one = Message.objects.get(key="bench")
    mails = {
        "key": "'bench-' || m.id || '-' || n",
        "to": "'crowd' || m.id || '@example.net'",
        "state": "'sent'",
        "created_at": "one.created_at - interval '3 days'",
        "sent_at": "one.created_at",
        "next_at": "null",
    }
    copy_rows(Message, one.pk, mails, "members_member m, generate_series(1, 2) n", "true")


def big_tables() -> dict[str, int]:
    """The tables with many rows, as the planner knows them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select relname, reltuples from pg_class "
            "where relkind = 'r' and relnamespace = 'public'::regnamespace and reltuples >= %s",
            [BIG],
        )
        return {name: int(rows) for name, rows in cursor.fetchall()}


def nodes_of(statement: str) -> list[tuple[str, str]]:
    """The nodes of the plan that read a table: what kind, and which table."""
    with connection.cursor() as cursor:
        cursor.execute("explain (format json) " + statement)
        (plan,) = cursor.fetchone()[0]
    return list(_reads(plan["Plan"]))


def _reads(node: dict[str, Any], *, is_bounded: bool = False) -> Iterator[tuple[str, str]]:
    """A scan right below a Limit ends there; what sorts, counts or hashes in between reads everything first."""
    kind = node["Node Type"]
    is_bounded = kind == "Limit" or (is_bounded and kind in PASSING)
    if table := node.get("Relation Name"):
        index = node.get("Index Name", "")
        yield f"{'Bounded ' if is_bounded else ''}{kind} {index}".strip(), table
    for place, child in enumerate(node.get("Plans", [])):
        yield from _reads(child, is_bounded=is_bounded and place == 0)


def without_settings(sent: str) -> str:
    """The statement itself; empty if there were settings only."""
    while sent.startswith(SETTINGS):
        sent = sent.partition(";")[2].lstrip()
    return sent


def look(client: Client, url: str, **data: str) -> tuple[list[str], float, float]:
    """What the page asks, without what only sets up the connection; how long that takes in the database the second
    time, and the median of the times of the page, in milliseconds."""
    reset_queries()  # its log may be full
    with CaptureQueriesContext(connection) as asked:
        assert client.get(url, data).status_code in {200, 302}, url
    # Read at once: the next request empties the log.
    statements = [without_settings(query["sql"]) for query in asked]
    assert statements, url
    with CaptureQueriesContext(connection) as again:
        client.get(url, data)
    in_database = 1000 * sum(float(query["time"]) for query in again)
    times = []
    for _round in range(ROUNDS):
        begun = time.perf_counter()
        client.get(url, data)
        times.append((time.perf_counter() - begun) * 1000)
    return [one for one in statements if one.upper().startswith(("SELECT", "WITH", "("))], in_database, median(times)


def lists() -> dict[str, tuple[str, dict[str, str]]]:
    """Django's own list of every model."""
    return {
        f"list: {model._meta.label}": (
            reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"),
            {},
        )
        for model in admin.site._registry
    }


def pages(member: Member, rare: Member, row: Registration, ticket: Ticket) -> dict[str, tuple[str, dict[str, str]]]:
    """Every page that staff open all day, by a name for the report.

    `rare` has a name of its own. Of a name that one in a hundred has, the first eight are found sooner in the table.
    """
    search, queue = reverse("admin:search"), reverse("admin:kitbag_registrationinreview_changelist")
    trail = reverse("admin:member_trail", args=[member.pk])
    return {
        "box: number": (search, {"q": member.number}),
        "box: name": (search, {"q": rare.full_name}),
        "box: e-mail": (search, {"q": member.user.email}),
        "box: serial number": (search, {"q": row.serial}),
        "box: job": (search, {"q": ticket.reference}),
        "today": (reverse("admin:index"), {}),
        "programme": (reverse("admin:programme"), {}),
        "all records": (reverse("admin:records"), {}),
        "board": (reverse("admin:servicing_ticket_board"), {}),
        "job": (reverse("admin:servicing_ticket_change", args=[ticket.pk]), {}),
        "inbox": (reverse("admin:cases_case_changelist"), {}),
        "inbox: search": (reverse("admin:cases_case_changelist"), {"q": Case.objects.latest("pk").subject}),
        "queue": (queue, {}),
        "decide": (reverse("admin:kitbag_registrationinreview_desk", args=[row.pk]), {}),
        "contact sheet": (reverse("admin:kitbag_registrationinreview_sheet"), {}),
        "claims": (reverse("admin:kitbag_claim_changelist"), {}),
        "member": (reverse("admin:members_member_change", args=[member.pk]), {}),
        **lists(),
        "trail": (trail, {}),
        "trail: kit": (trail, {"subject": "kit"}),
    }


def test_the_pages_of_the_desk_scan_no_big_table(world: World, groups: dict[str, Group], report: list[str]) -> None:
    begun = time.perf_counter()
    call_command("load_catalogue", verbosity=0)
    call_command("make_crowd", members=MEMBERS, registrations=5 * MEMBERS, add=True, verbosity=0)
    add_history()
    ticket = add_jobs(world)
    add_cases(world)
    add_mails()
    with connection.cursor() as cursor:
        cursor.execute("analyze")
    big = big_tables()
    rows = ", ".join(f"{name} {count:,}" for name, count in sorted(big.items(), key=lambda each: -each[1]))
    report.append(f"the desk over a crowd, made in {time.perf_counter() - begun:.0f} s: {rows}")
    for model in (Member, Registration, Ticket, Case, Message):
        assert model._meta.db_table in big or MEMBERS < BIG * 10, f"{model._meta.db_table} is too small to tell"
    row = Registration.objects.filter(state=RegistrationState.SUBMITTED).latest("pk")
    root = UserFactory(is_staff=True, is_superuser=True)
    support = UserFactory(is_staff=True)
    support.groups.add(groups["Support"])
    clients = {"today": signed_in(support)}
    everything = signed_in(root)
    count_totals(timezone.now())  # as a task does every five minutes, so that no page does
    scans = []
    for name, (url, data) in pages(Member.objects.latest("pk"), world.ana, row, ticket).items():
        statements, in_database, took = look(clients.get(name, everything), url, **data)
        nodes = [
            (node, table, statement) for statement in statements for node, table in nodes_of(statement) if table in big
        ]
        kinds = Counter(KIND.sub("", node) for node, _table, _statement in nodes)
        cost = f"{len(statements):>4} queries {in_database:>6.0f} of {took:>5.0f} ms"
        report.append(f"  {name:<34}{cost}   big tables: {dict(kinds)}")
        scans += [
            (name, table, statement)
            for node, table, statement in nodes
            if node.startswith("Seq Scan") and (name, table) not in BETTER_WHOLE
        ]
    report += [f"  {name} reads all of {table}: {statement[:MAX_SHOWN]}" for name, table, statement in scans]
    assert [scan[:2] for scan in scans] == []
