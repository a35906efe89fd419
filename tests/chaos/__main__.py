"""Members use the portal over HTTP while everything is killed, frozen or full; then all sides are counted.

    python -m tests.chaos --count 500 --clients 20 --seed 7

Real processes: nginx, two web servers, both workers, beat twice, PostgreSQL, broker, cache, and the fulfilment
simulator with all its faults. Prints a table and exits with 1 if anything was lost or doubled, or if the two sides do
not agree.
"""

import argparse
import importlib
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import django

from cps_portal.dev.embedded import servers
from cps_portal.dev.embedded.folder import locked_folder, remove
from tests.chaos.installation import Installation, running_portal, running_servers
from tests.chaos.strikes import Strikes

STANDSTILL_SECONDS = 120  # without any progress


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=500, help="members who request a pack")
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--pause", type=float, default=1, help="seconds between two strikes")
    parser.add_argument("--rounds", type=int, help="how often at most each kind of strike is done")
    options = parser.parse_args()
    say(f"{options.count} members, {options.clients} clients, seed {options.seed}")
    folder = Path(tempfile.mkdtemp(prefix=servers.PREFIX))
    try:
        with locked_folder(folder), running_servers(folder) as installation:
            django.setup()
            faults = run(installation, options)
    finally:
        remove(folder)
    for fault in faults[:20]:
        say(f"FAULT {fault}")
    sys.exit(1 if faults else 0)


def run(installation: Installation, options: argparse.Namespace) -> list[str]:
    """Use and strike at the same time, wait until all is settled, count. Returns the faults."""
    # They need the models, which cannot be imported before Django is set up.
    world, journeys = (importlib.import_module(f"tests.chaos.{name}") for name in ("world", "journeys"))
    plan = world.Plan(options.count)
    cameras = world.prepare(plan)
    dice = random.Random(options.seed)  # noqa: S311 (to repeat a run)
    strikes = Strikes(installation, dice, pause=options.pause, max_rounds=options.rounds)
    crowd = journeys.Crowd(installation.front, plan, cameras, options.clients, options.seed)
    say("Members are ready.")
    with running_portal(installation):
        began = time.monotonic()
        crowd.start()
        strikes.go_on_while(crowd.is_busy)
        installation.start_ended()
        used = time.monotonic() - began
        say(f"All journeys have ended after {used:.0f} s. Waiting until both sides agree.")
        is_quiet = world.wait_for_quiet(STANDSTILL_SECONDS, installation.start_ended)
        settled = time.monotonic() - began
    parcels, received, tries = read_simulator(installation.simulator_file)
    accepted = crowd.accepted
    faults = [*accepted.failures, *([] if is_quiet else ["it never settled"])]
    faults += world.find_faults(plan, accepted.urls) + world.find_disagreements(parcels, received)
    show(
        {
            **{f"forms accepted: {kind}": len(urls) for kind, urls in accepted.urls.items()},
            "requests sent again, by reason": f"{accepted.repeats.total()}: {listed(accepted.repeats)}",
            "longest wait of a client for one answer, in seconds": round(accepted.slowest),
            "seconds of journeys and strikes": round(used),
            "seconds until both sides agreed": round(settled),
            "strikes": f"{strikes.counts.total()}: {listed(strikes.counts)}",
            "requests that the simulator recorded": received.total(),
            "of these received again": received.total() - len(received),
            "parcels it counted": len(parcels),
            "reports it sent until all were answered": tries,
            "lost, doubled or disagreeing": len(faults),
        }
    )
    for line in strikes.skipped:
        say(f"SKIPPED {line}")
    return faults


def read_simulator(file: Path) -> tuple[dict[str, int], Counter[str], int]:
    """Steps by parcel, how often each was received, and how many reports were sent."""
    with sqlite3.connect(file) as database:
        parcels = dict(database.execute("select key, done from parcel").fetchall())
        received = Counter(key for (key,) in database.execute("select key from received where type like '%requested'"))
        (tries,) = database.execute("select sum(tries) from report").fetchone()
    return parcels, received, tries


def listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


def show(rows: dict[str, Any]) -> None:
    for name, value in rows.items():
        say(f"| {name} | {value} |")


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
