"""Visits over HTTP at a growing rate, until 95 of 100 answers take longer than half a second; then what that carries.

    make load MEMBERS=20000 SECONDS=60

Real processes on loopback: gunicorn with two workers as in production, PostgreSQL, broker. Prints, for members who are
signed in, members who sign in first, and clerks: visits and requests a second, percentiles, and errors; at the end the
memory of the workers and of beat.
"""

import argparse
import importlib
import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import django

from cps_portal.dev.embedded import servers
from cps_portal.dev.embedded.folder import locked_folder, make_private, remove
from cps_portal.dev.embedded.ports import free_port
from cps_portal.dev.embedded.run import PROGRAMS
from cps_portal.dev.embedded.schema import OWN_DATABASE
from cps_portal.dev.embedded.services import Service
from cps_portal.dev.embedded.urls import ROOT
from tests.launcher.front import HOST, wait_until_ready

SLOW = 500  # ms that 95 of 100 answers may take
SAFE = 0.8  # of that rate: no errors at all
GROWTH = 1.3  # from one step to the next
SIGNING_IN_FIRST = 0.10  # of all members, within an hour after a mail to everybody
HOUR = 3600


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--members", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=60, help="of each step")
    parser.add_argument("--from-rate", type=float, default=1.0, help="visits a second of the first step")
    parser.add_argument("--steps", type=int, default=12)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix=servers.PREFIX))
    port = free_port()
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    os.environ.update(environment(folder))
    try:
        with locked_folder(folder), servers.running(folder, durable=True):
            django.setup()
            people: Any = importlib.import_module("tests.load.people")  # its models need Django set up
            crowd = people.prepare(options.members)
            say(f"{options.members:,} members are ready.")
            web, beat = processes(folder, port)
            web.start()
            beat.start()
            try:
                wait_until_ready(port)
                measure(people, crowd, port, options)
                assert web.process and beat.process
                tell_memory(web.process.pid, beat.process.pid)
            finally:
                web.stop()
                beat.stop()
    finally:
        remove(folder)


def environment(folder: Path) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "tests.load.settings",
        "SECRET_KEY": "a-secret-of-the-tests-0123456789abcdefghijklmnopqrstuvwxyz",
        "ALLOWED_HOSTS": f"{HOST},127.0.0.1",
        "SITE_URL": f"https://{HOST}",
        "BEHIND_PROXY": "true",
        "FILES_ROOT": str(make_private(folder / "files")),
        "EMAIL_URL": "dummymail://",
        OWN_DATABASE: "1",
        "LOG_LEVEL": "ERROR",
    }


def processes(folder: Path, port: int) -> tuple[Service, Service]:
    """The web server and beat, as production starts them."""
    logs, made = make_private(folder / "log"), {"working_directory": ROOT}
    web = [PROGRAMS / "gunicorn", "--config", ROOT / "cps_portal" / "gunicorn.py", "--preload"]
    web += ["--bind", f"127.0.0.1:{port}", "--log-level", "error"]
    beat = [PROGRAMS / "celery", "--app", "cps_portal.beat", "beat", "--loglevel", "warning"]
    beat += ["--schedule", make_private(folder / "beat") / "schedule"]
    return (
        Service(name="web", command=web, folder=logs, environment={"DATABASE_LIMITS": "web"}, **made),  # type: ignore[arg-type]
        Service(name="beat", command=beat, folder=logs, environment={"DATABASE_LIMITS": "worker"}, **made),  # type: ignore[arg-type]
    )


def measure(people: Any, crowd: Any, port: int, options: argparse.Namespace) -> None:
    for kind, words in people.KINDS.items():
        say(f"\n{words}\n{'visits/s':>10}{'requests/s':>12}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'errors':>8}")
        rate, best = options.from_rate, 0.0
        for _step in range(options.steps):
            answers = people.run(kind, crowd, port, rate, options.seconds)
            tell(rate, answers, options.seconds)
            if answers.percentile(0.95) > SLOW or answers.errors:
                break
            best, rate = rate, rate * GROWTH
        if not best:
            say("Too slow at the first step: begin lower (--from-rate).")
            continue
        safe = people.run(kind, crowd, port, SAFE * best, options.seconds)
        tell(SAFE * best, safe, options.seconds)
        say(f"{best:.1f} visits a second; at {SAFE:.0%} of them {len(safe.errors)} errors.")
        if kind == "arriving":
            say(f"The hour after a mail to everybody: {best * HOUR / SIGNING_IN_FIRST:,.0f} members on this machine.")


def tell(rate: float, answers: Any, seconds: float) -> None:
    times = "".join(f"{answers.percentile(part):>9.0f}" for part in (0.5, 0.95, 0.99))
    say(f"{rate:>10.1f}{len(answers.seconds) / seconds:>12.1f}{times}{len(answers.errors):>8}")
    for error in sorted(set(answers.errors))[:3]:
        say(f"  {error}")


def tell_memory(web: int, beat: int) -> None:
    """PSS: what a process has for itself, and its share of what it shares with others."""
    workers = processes_of(web)
    say(f"\nMemory in MiB: gunicorn {mebibytes(web):.0f}, its processes {[round(mebibytes(one)) for one in workers]}")
    say(f"together {sum(map(mebibytes, [web, *workers])):.0f}; beat {mebibytes(beat):.0f}")


def processes_of(parent: int) -> list[int]:
    """The processes that this one has started."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # others of the machine end at any moment
            if int(path.read_text().rsplit(")", 1)[1].split()[1]) == parent:
                found.append(int(path.parent.name))
    return found


def mebibytes(process: int) -> float:
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
