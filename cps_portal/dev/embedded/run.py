"""`make run`: servers, web, two workers, beat and the fulfilment simulator, supervised until Ctrl-C."""

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
from cps_portal.dev.embedded.folder import check_space, locked_folder, make_private, write_private
from cps_portal.dev.embedded.ports import bind_addresses, check_free, chosen_port, free_port
from cps_portal.dev.embedded.schema import OWN_DATABASE
from cps_portal.dev.embedded.services import Service
from cps_portal.dev.embedded.urls import ROOT, SERVER_URLS, STATE
from cps_portal.dev.embedded.watch import Supervisor

PROGRAMS = Path(sys.executable).parent
ANSWER_TIMEOUT_SECONDS = 60
DATABASE_LIMITS = {"web": "web", "worker": "worker", "webhooks": "worker", "fulfilment": "worker", "beat": "worker"}


def run() -> None:
    began = time.monotonic()
    os.environ["DJANGO_SETTINGS_MODULE"] = "cps_portal.settings.dev"
    os.environ["PYTHONUNBUFFERED"] = "1"
    os.environ.setdefault("PYTHONWARNINGS", "ignore:You're running the worker with superuser privileges")
    port = chosen_port()
    with locked_folder(STATE):
        check_space(STATE)
        os.environ.update(simulator_environment(port))
        portal = portal_services(port)
        for service in portal:
            service.stop_leftovers()
        check_free(port)
        say("  starting PostgreSQL and Valkey ...")
        with servers.running(STATE, durable=True) as (started, urls), write_server_urls(urls):
            prepare(own_database="DATABASE_URL" in urls)
            say("  starting web, workers and beat ...")
            with stop_afterwards(portal):
                supervisor = Supervisor([*started, *portal], shown=portal)
                for service in portal:
                    service.start()
                wait_for_answer(supervisor, port)
                say(f"\nThe portal runs at http://localhost:{port} (after {time.monotonic() - began:.0f} s).")
                say(f"Logs are in {STATE / 'log'}. Ctrl-C stops everything.\n")
                supervisor.run_forever()


@contextmanager
def write_server_urls(urls: dict[str, str]) -> Iterator[None]:
    """Let `manage.py` in another terminal find the servers, for as long as they run."""
    write_private(SERVER_URLS, json.dumps(urls))
    try:
        yield
    finally:
        SERVER_URLS.unlink(missing_ok=True)


def prepare(*, own_database: bool) -> None:
    command = [sys.executable, "-m", "cps_portal.dev.embedded.prepare"]
    environment = os.environ | ({OWN_DATABASE: "1"} if own_database else {})
    done = subprocess.run(command, cwd=ROOT, env=environment)  # noqa: PLW1510, S603
    if done.returncode:
        raise CannotStart("the database could not be brought up to date; the reason is above.")


def simulator_environment(port: int, state: Path = STATE) -> dict[str, str]:
    """Settings of the fulfilment simulator: its port, its file and the file with its signing secret."""
    folder, own_port = make_private(state / "simulator"), free_port()
    return {
        "SIMULATOR_PORT": str(own_port),
        "SIMULATOR_URL": f"http://127.0.0.1:{own_port}/",
        "SIMULATOR_PORTAL": f"http://127.0.0.1:{port}",
        "SIMULATOR_FILE": str(folder / "simulator.sqlite3"),
        "SIMULATOR_SECRET_FILE": str(folder / "secret"),
    }


def portal_services(port: int, state: Path = STATE) -> list[Service]:
    """The same processes as in production, only fewer, and with reloading."""
    logs, beat = make_private(state / "log"), make_private(state / "beat")
    celery: list[str | Path] = [PROGRAMS / "celery", "--quiet", "--app", "cps_portal"]
    binds = [part for address in bind_addresses(port) for part in ("--bind", address)]
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
        "webhooks": [
            *celery,
            "worker",
            "--queues",
            "webhooks",
            "--pool",
            "threads",
            "--concurrency",
            "4",
            "--hostname",
            "webhooks@%h",
            "--loglevel",
            "warning",
            "--without-gossip",
            "--without-mingle",
        ],
        "fulfilment": [sys.executable, "-m", "cps_portal.dev.embedded.fulfilment_simulator"],
        "beat": [*celery[:-1], "cps_portal.beat", "beat", "--loglevel", "warning", "--schedule", beat / "schedule"],
    }
    return [
        Service(
            name=name,
            command=command,
            folder=logs,
            working_directory=ROOT,
            environment={"DATABASE_LIMITS": DATABASE_LIMITS[name]},
        )
        for name, command in commands.items()
    ]


@contextmanager
def stop_afterwards(services: list[Service]) -> Iterator[None]:
    try:
        yield
    finally:
        say("\nStopping ...")
        for service in services:
            service.ask_to_stop()
        for service in services:
            service.stop()


def wait_for_answer(supervisor: Supervisor, port: int) -> None:
    """Wait until the web process answers anything, error pages included. Raises CannotStart after a minute."""
    deadline = time.monotonic() + ANSWER_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        supervisor.check()
        with suppress(OSError):
            with suppress(urllib.error.HTTPError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10).close()
            return
        time.sleep(0.2)
    log = STATE / "log" / "web.log"
    raise CannotStart(f"the web process did not answer within {ANSWER_TIMEOUT_SECONDS} s; see {log}")


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
