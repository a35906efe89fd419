"""Request Welcome Packs while worker, broker, web and the simulator are killed at random, then count on both sides.

    python -m tests.chaos --count 500 --seed 7

Real processes: PostgreSQL, broker, web, both workers, beat and the fulfilment simulator with all its faults. Prints a
table and exits with 1 if a request was lost, doubled, or the two sides do not agree.
"""

import argparse
import os
import random
import signal
import sqlite3
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import django
from django.utils.module_loading import import_string

from cps_portal.dev.embedded import servers
from cps_portal.dev.embedded.folder import locked_folder, remove
from cps_portal.dev.embedded.ports import free_port
from cps_portal.dev.embedded.run import portal_services, simulator_environment
from cps_portal.dev.embedded.services import Service, signal_group

PAUSES = {  # about a hundred times faster than in production
    "OUTBOX_LEASE_SECONDS": "6",
    "OUTBOX_SWEEP_SECONDS": "1",
    "WEBHOOK_TIMEOUT_SECONDS": "2",
    "WEBHOOK_FIRST_PAUSE_SECONDS": "0.5",
    "WEBHOOK_MAX_PAUSE_SECONDS": "4",
    "WEBHOOK_QUIET_SECONDS": "0.2",
    "WEBHOOK_MAX_QUIET_SECONDS": "0.5",
    "SIMULATOR_PAUSE": "1",
    "SIMULATOR_FAULTS": "fails=0.05,slow=0.02,garbage=0.04,hangs_up=0.06",
}
VICTIMS = ("worker", "webhooks", "web", "fulfilment", "broker")
STANDSTILL_SECONDS = 90  # without any progress


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--pace", type=float, default=12, help="requests a second")
    options = parser.parse_args()
    sys.stdout.write(f"{options.count} requests, seed {options.seed}\n")
    folder = Path(tempfile.mkdtemp(prefix=servers.PREFIX))
    port = free_port()
    os.environ.update({**PAUSES, "DJANGO_SETTINGS_MODULE": "cps_portal.settings.dev", "PORT": str(port)})
    os.environ.update({"FILES_ROOT": str(folder / "files"), "DEBUG": "false", "LOG_LEVEL": "ERROR"})
    os.environ.update(simulator_environment(port, folder))
    for name in ("DATABASE_URL", "REDIS_URL"):  # a run that kills its broker has one of its own
        os.environ.pop(name, None)
    try:
        with locked_folder(folder), servers.running(folder, durable=True) as (started, _urls):
            django.setup()
            portal = portal_services(port, folder)
            dice = random.Random(options.seed)  # noqa: S311 (to repeat a run)
            # It needs the models, which cannot be imported before Django is set up.
            run = import_string("tests.chaos.run.Run")(options.count, options.pace, dice)
            run.prepare()
            ok = under_fire(run, [*started, *portal], portal, dice, folder / "simulator")
    finally:
        remove(folder)
    sys.exit(0 if ok else 1)


def under_fire(run, everything: list[Service], portal: list[Service], dice: random.Random, simulator: Path) -> bool:  # type: ignore[no-untyped-def]
    """Request and kill at the same time, wait until all is settled, count."""
    kills: Counter[str] = Counter()
    try:
        for service in portal:
            service.start()
        asking = threading.Thread(target=run.ask_all, daemon=True)
        began = time.monotonic()
        asking.start()
        victims = [service for service in everything if service.name in VICTIMS or service.name == "valkey"]
        while asking.is_alive():
            time.sleep(dice.uniform(0.4, 1.6))
            kills[strike(dice.choice(victims), dice)] += 1
        asked = time.monotonic() - began
        revive(everything)
        quiet = run.wait_for_quiet(STANDSTILL_SECONDS, lambda: revive(everything))
        done = time.monotonic() - began
    finally:
        for service in portal:
            service.stop()
    with sqlite3.connect(simulator / "simulator.sqlite3") as database:
        parcels = dict(database.execute("select key, done from parcel").fetchall())
        received = Counter(key for (key,) in database.execute("select key from received where type like '%requested'"))
        (tries,) = database.execute("select sum(tries) from report").fetchone()
    faults = run.faults(parcels, received) + ([] if quiet else ["it never settled"])
    rows = {
        "packs requested": run.count,
        "seconds of requests and kills": round(asked),
        "seconds until both sides agreed": round(done),
        "kills (SIGKILL or a frozen network)": f"{sum(kills.values())}: {dict(sorted(kills.items()))}",
        "requests that the simulator recorded": sum(received.values()),
        "of these received again": sum(received.values()) - len(received),
        "parcels it counted": len(parcels),
        "reports it sent until all were answered": tries,
        "lost, doubled or disagreeing": len(faults),
    }
    for name, value in rows.items():
        sys.stdout.write(f"| {name} | {value} |\n")
    for fault in faults[:20]:
        sys.stdout.write(f"FAULT {fault}\n")
    return not faults


def strike(victim: Service, dice: random.Random) -> str:
    """Kill its process group and start it again; sometimes freeze the simulator instead, like a failing network."""
    if victim.process is None or victim.has_ended():
        victim.start()
        return f"{victim.name} (found dead)"
    if victim.name == "fulfilment" and dice.random() < 0.4:
        signal_group(victim.process.pid, signal.SIGSTOP)
        time.sleep(dice.uniform(1, 4))
        signal_group(victim.process.pid, signal.SIGCONT)
        return "network"
    signal_group(victim.process.pid, signal.SIGKILL)
    victim.process.wait()
    time.sleep(dice.uniform(0, 1.5))
    victim.start()
    return victim.name


def revive(services: list[Service]) -> None:
    for service in services:
        if service.has_ended():
            service.start()


if __name__ == "__main__":
    main()
