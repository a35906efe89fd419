"""`make run`: the servers, then web, two workers, beat and a fulfilment house, watched until somebody says stop."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cps_portal.dev.embedded import servers
from cps_portal.dev.embedded.errors import CannotStart
from cps_portal.dev.embedded.folder import check_space, claimed, make_private, write_private
from cps_portal.dev.embedded.ports import bindings, check_free, chosen_port, free_port
from cps_portal.dev.embedded.schema import OWN_DATABASE
from cps_portal.dev.embedded.services import Service
from cps_portal.dev.embedded.urls import ADDRESSES, ROOT, STATE
from cps_portal.dev.embedded.watch import Watch

PROGRAMS = Path(sys.executable).parent
ANSWER_WITHIN = 60


def run() -> None:
    began = time.monotonic()
    os.environ["DJANGO_SETTINGS_MODULE"] = "cps_portal.settings.dev"
    os.environ["PYTHONUNBUFFERED"] = "1"
    os.environ.setdefault("PYTHONWARNINGS", "ignore:You're running the worker with superuser privileges")
    port = chosen_port()
    with claimed(STATE):
        check_space(STATE)
        os.environ.update(house_environment(port))
        portal = portal_services(port)
        for service in portal:
            service.end_leftovers()
        check_free(port)
        say("  starting PostgreSQL and Valkey ...")
        with servers.running(STATE, durable=True) as (started, urls), addresses_written(urls):
            prepare(own_database="DATABASE_URL" in urls)
            say("  starting web, workers and beat ...")
            with all_stopped_afterwards(portal):
                watch = Watch([*started, *portal], shown=portal)
                for service in portal:
                    service.start()
                wait_for_answer(watch, port)
                say(f"\nThe portal runs at http://localhost:{port} (after {time.monotonic() - began:.0f} s).")
                say(f"Logs are in {STATE / 'log'}. Ctrl-C stops everything.\n")
                watch.forever()


@contextmanager
def addresses_written(urls: dict[str, str]) -> Iterator[None]:
    """Let a bare `manage.py` in another terminal find the servers, for as long as they run."""
    write_private(ADDRESSES, json.dumps(urls))
    try:
        yield
    finally:
        ADDRESSES.unlink(missing_ok=True)


def prepare(*, own_database: bool) -> None:
    command = [sys.executable, "-m", "cps_portal.dev.embedded.prepare"]
    environment = os.environ | ({OWN_DATABASE: "1"} if own_database else {})
    done = subprocess.run(command, cwd=ROOT, env=environment)  # noqa: PLW1510, S603
    if done.returncode:
        raise CannotStart("the database could not be brought up to date; the reason is above.")


def house_environment(port: int, state: Path = STATE) -> dict[str, str]:
    """Where the stand-in fulfilment house listens, keeps its file and finds its secret."""
    folder, own = make_private(state / "house"), free_port()
    return {
        "HOUSE_PORT": str(own),
        "HOUSE_URL": f"http://127.0.0.1:{own}/",
        "HOUSE_PORTAL": f"http://127.0.0.1:{port}",
        "HOUSE_FILE": str(folder / "house.sqlite3"),
        "HOUSE_SECRET_FILE": str(folder / "secret"),
    }


def portal_services(port: int, state: Path = STATE) -> list[Service]:
    """The processes of the portal, as in production but for their numbers and the reloading."""
    logs, beat = make_private(state / "log"), make_private(state / "beat")
    celery: list[str | Path] = [PROGRAMS / "celery", "--quiet", "--app", "cps_portal"]
    binds = [part for address in bindings(port) for part in ("--bind", address)]
    commands: dict[str, list[str | Path]] = {
        "web": [
            PROGRAMS / "gunicorn",
            "--config",
            ROOT / "cps_portal" / "gunicorn.py",
            *binds,
            "--reload",
            "--graceful-timeout",
            "5",
            "--log-level",
            "error",
        ],
        "worker": [
            *celery,
            "worker",
            "--concurrency",
            "2",
            "--loglevel",
            "warning",
            "--without-gossip",
            "--without-mingle",
        ],
        "hooks": [
            *celery,
            "worker",
            "--queues",
            "webhooks",
            "--pool",
            "threads",
            "--concurrency",
            "4",
            "--hostname",
            "hooks@%h",
            "--loglevel",
            "warning",
            "--without-gossip",
            "--without-mingle",
        ],
        "house": [sys.executable, "-m", "cps_portal.dev.embedded.fulfilment_simulator"],
        "beat": [*celery, "beat", "--loglevel", "warning", "--schedule", beat / "schedule"],
    }
    return [Service(name=name, command=command, folder=logs, workplace=ROOT) for name, command in commands.items()]


@contextmanager
def all_stopped_afterwards(services: list[Service]) -> Iterator[None]:
    try:
        yield
    finally:
        say("\nStopping ...")
        for service in services:
            service.ask_to_stop()
        for service in services:
            service.stop()


def wait_for_answer(watch: Watch, port: int) -> None:
    """Until the web process answers anything at all: a page that fails is the page's matter."""
    deadline = time.monotonic() + ANSWER_WITHIN
    while time.monotonic() < deadline:
        watch.once()
        with suppress(OSError):
            with suppress(urllib.error.HTTPError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10).close()
            return
        time.sleep(0.2)
    raise CannotStart(f"the web process did not answer within {ANSWER_WITHIN} s; see {STATE / 'log' / 'web.log'}")


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
