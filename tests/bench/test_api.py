"""Requests a second of the partner API, compared with the raw limit and plain REST framework in turns (R55)."""

import os
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from uuid import uuid4

import orjson
import pytest
from django.db import connection
from django.utils import timezone

from cps_portal.core.lib.reference import new_reference
from servicing.models import Ticket
from tests.api.machines import Machine, machine
from tests.bench.served.loading import Client, served
from tests.bench.test_desk import multiply
from tests.servicing.jobs import a_centre, a_request
from tests.world import World

pytestmark = [pytest.mark.bench, pytest.mark.django_db(transaction=True)]
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "1"))
TICKETS = int(os.environ.get("BENCH_TICKETS", "6000"))
IN_A_BATCH = 50  # as many as one call takes
SERVERS = {
    "raw": ("tests.bench.served.raw", {}),
    "ours": ("cps_portal.wsgi", {}),
    "plain": ("cps_portal.wsgi", {"BENCH_URLS": "tests.bench.served.plain"}),
}
Make = Callable[[int], bytes]


@pytest.fixture
def workshop(world: World) -> Machine:
    """One centre with many requested tickets of several members."""
    partner_machine = machine()
    partner_machine.credential.rate = 1_000_000
    partner_machine.credential.save()
    ticket = a_request(world, a_centre(partner=partner_machine.partner))
    multiply(ticket, TICKETS)
    keys = list(Ticket.objects.exclude(pk=ticket.pk).values_list("pk", flat=True))
    members = [world.ana.pk, world.ben.pk, world.chloe.pk]
    with connection.cursor() as cursor:
        cursor.execute(
            "update servicing_ticket t set reference = own.reference, member_id = (%s::bigint[])[1 + id %% 3], "
            "opened_at = opened_at + id * interval '1 second' "
            "from unnest(%s::bigint[], %s::text[]) as own (key, reference) where t.id = own.key",
            [members, keys, [new_reference(lambda _sign: False) for _key in keys]],
        )
        cursor.execute("analyze")
    assert partner_machine.fetch().status_code == 200
    return partner_machine


def event(client: Client, reference: str, kind: str) -> bytes:
    body = orjson.dumps({"kind": kind, "external_id": uuid4().hex, "occurred_at": timezone.now()})
    return client.request("POST", f"/api/v1/tickets/{reference}/events", body, **{"Idempotency-Key": uuid4().hex})


def batch(client: Client, references: list[str]) -> bytes:
    """One of each of these tickets in one call."""
    now = timezone.now()
    events = [
        {"reference": reference, "kind": "accepted", "external_id": uuid4().hex, "occurred_at": now}
        for reference in references
    ]
    body = orjson.dumps({"events": events})
    return client.request("POST", "/api/v1/tickets/events", body, **{"Idempotency-Key": uuid4().hex})


def of_server(port: int, name: str) -> list[str]:
    """The contents of the files in /proc with this name of all processes of a server."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"127.0.0.1:{port}" in (process / "cmdline").read_bytes().decode():
                found.append((process / name).read_text())
        except OSError:
            continue
    return found


def memory(port: int) -> float:
    """Memory of a server's worker in MiB: its own, and its share of what it has in common with its parent (PSS)."""
    lines = [row for text in of_server(port, "smaps_rollup") for row in text.splitlines() if row.startswith("Pss:")]
    return max((int(line.split()[1]) / 1024 for line in lines), default=0.0)


def cpu_time(port: int) -> float:
    """Seconds of CPU time of a server until now, without that of the database."""
    fields = [text.rpartition(")")[2].split() for text in of_server(port, "stat")]
    return sum(int(each[11]) + int(each[12]) for each in fields) / os.sysconf("SC_CLK_TCK")


def test_events_in_one_call_compared_with_single_ones(workshop: Machine, report: list[str]) -> None:
    """Events a second: one in each call, and 50 in each, of tickets like each other, in turns."""
    references = list(Ticket.objects.exclude(reference="").order_by("?").values_list("reference", flat=True))
    unused = iter(references)
    rates: dict[str, list[float]] = {"single": [], "batch": []}
    with ExitStack() as stack:
        name = connection.settings_dict["NAME"]
        client = Client(stack.enter_context(served("cps_portal.wsgi", name, core=0)), workshop.token)
        stack.callback(client.close)
        os.sched_setaffinity(0, {os.cpu_count() - 1})
        stack.callback(os.sched_setaffinity, 0, set(range(os.cpu_count() or 1)))
        single: Make = lambda _n: event(client, next(unused), "accepted")  # noqa: E731
        many: Make = lambda _n: batch(client, [next(unused) for _each in range(IN_A_BATCH)])  # noqa: E731
        for make in (single, many):
            client.rate(make, 0.3)
        for _round in range(ROUNDS):
            rates["single"].append(client.rate(single, SECONDS / 2))
            rates["batch"].append(client.rate(many, SECONDS / 2) * IN_A_BATCH)
    ratio = median(b / s for s, b in zip(rates["single"], rates["batch"], strict=True))
    assert workshop.get(f"tickets/{references[0]}").json()["state"] == "accepted"
    report.append(f"events a second, one in a call: {median(rates['single']):.0f}")
    report.append(f"events a second, {IN_A_BATCH} in a call: {median(rates['batch']):.0f}, {ratio:.1f} times as many")


def table(rates: Mapping[str, Mapping[str, list[float]]], used: Mapping[str, Mapping[str, list[float]]]) -> list[str]:
    """Requests a second and milliseconds of CPU time, by kind of request and server: medians of the rounds."""
    lines: list[str] = []
    lines.append(f"{'API, requests a second':<24}{'raw':>9}{'ours':>9}{'plain':>9}{'of raw':>12}{'of plain':>10}")
    for kind, by_server in rates.items():
        raw, ours, plain = (median(by_server.get(server, [0])) for server in SERVERS)
        of_raw = median(r / o for r, o in zip(by_server["raw"], by_server["ours"], strict=True)) if raw else 0
        of_plain = median(o / p for o, p in zip(by_server["ours"], by_server["plain"], strict=True)) if plain else 0
        lines.append(
            f"{kind:<24}{raw:>9.0f}{ours:>9.0f}{plain:>9.0f}{f'1/{of_raw:.1f}' if raw else '':>12}{of_plain:>10.1f}"
        )
    lines.append(f"{'CPU time of each, ms':<24}{'raw':>9}{'ours':>9}{'plain':>9}")
    medians = {kind: [median(by_server.get(server, [0])) for server in SERVERS] for kind, by_server in used.items()}
    lines += [f"{kind:<24}" + "".join(f"{spent:>9.2f}" for spent in row) for kind, row in medians.items()]
    return lines


def test_requests_a_second_compared_with_the_raw_limit(workshop: Machine, report: list[str]) -> None:
    references = list(Ticket.objects.exclude(reference="").order_by("?").values_list("reference", flat=True))
    unused = iter(
        [*((reference, "accepted") for reference in references), *((reference, "sent") for reference in references)]
    )
    rates: dict[str, dict[str, list[float]]] = {}
    used: dict[str, dict[str, list[float]]] = {}  # milliseconds of CPU time for each request
    known = references[-1]  # gets no event in this run
    etag = workshop.get(f"tickets/{known}")["ETag"]
    with ExitStack() as stack:
        clients, ports = {}, {}
        name = connection.settings_dict["NAME"]
        for server, (application, more) in SERVERS.items():
            ports[server] = stack.enter_context(served(application, name, core=0, **more))
            clients[server] = Client(ports[server], workshop.token)
            stack.callback(clients[server].close)
        os.sched_setaffinity(0, {os.cpu_count() - 1})
        stack.callback(os.sched_setaffinity, 0, set(range(os.cpu_count() or 1)))

        def kinds(client: Client) -> dict[str, Make]:
            page = client.request("GET", "/api/v1/tickets")
            return {
                "list of 50": lambda _n: page,
                "read one": lambda n: client.request("GET", f"/api/v1/tickets/{references[n % len(references)]}"),
                "read one, 304": lambda _n: client.request(
                    "GET", f"/api/v1/tickets/{known}", **{"If-None-Match": etag}
                ),
                "record an event": lambda _n: event(client, *next(unused)),
            }

        answered_by = {"record an event": ("raw", "ours"), "read one, 304": ("ours",)}  # the others by all
        for server, client in clients.items():
            for kind, make in kinds(client).items():
                if server in answered_by.get(kind, SERVERS):
                    client.rate(make, 0.3)
        for _round in range(ROUNDS):
            for server, client in clients.items():
                for kind, make in kinds(client).items():
                    if server in answered_by.get(kind, SERVERS):
                        before, begun = cpu_time(ports[server]), time.perf_counter()
                        rate = client.rate(make, SECONDS)
                        requests = rate * (time.perf_counter() - begun)
                        rates.setdefault(kind, {}).setdefault(server, []).append(rate)
                        spent = 1000 * (cpu_time(ports[server]) - before) / requests
                        used.setdefault(kind, {}).setdefault(server, []).append(spent)
        report += table(rates, used)
        report.append(f"a worker of ours has {memory(ports['ours']):.0f} MiB (its own, and its part of what is shared)")
