"""A broker for one test and real Celery workers, to be killed like crashed processes."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import connection
from pytest_django import Settings

from cps_portal.celery import app
from cps_portal.core.lib import background
from cps_portal.dev.embedded import valkey
from cps_portal.dev.embedded.services import Service

NOWHERE = "redis://127.0.0.1:1/0"
StartWorker = Callable[..., subprocess.Popen[bytes]]


def use_broker(url: str) -> None:
    """Let this process publish to another broker."""
    app.conf.broker_url = app.conf.broker_write_url = url
    background.reset_backoff()


class Broker:
    """A real broker; a durable one keeps its messages when it is killed."""

    def __init__(self, home: Path, *, durable: bool) -> None:
        self.home, self.durable = home, durable
        self.service: Service
        self.start()

    def start(self) -> None:
        self.service, self.url = valkey.start(self.home, durable=self.durable)
        use_broker(self.url)

    def kill(self) -> None:
        assert self.service.process
        self.service.process.kill()
        self.service.process.wait()


@pytest.fixture
def no_broker() -> Iterator[None]:
    """Publish nowhere unless a test asks for a broker; rows wait for the sweep."""
    before = app.conf.broker_url
    use_broker(NOWHERE)
    yield
    use_broker(before)


@pytest.fixture
def broker(request: pytest.FixtureRequest, no_broker: None, tmp_path: Path) -> Iterator[Broker]:
    """This process publishes to it. The parameter "durable" makes it keep what it has."""
    home = tmp_path / "broker"
    home.mkdir()
    running = Broker(home, durable=getattr(request, "param", "") == "durable")
    try:
        yield running
    finally:
        use_broker(NOWHERE)
        running.service.stop()


@pytest.fixture
def start_worker(broker: Broker, tmp_path: Path, settings: Settings) -> Iterator[StartWorker]:
    """Starts workers on the test database and the test's broker; none outlives the test."""
    settings.MAILBOX_FOLDER = tmp_path / "mailbox"
    login = connection.settings_dict
    database = f"{login['USER']}:{login['PASSWORD']}@{login['HOST']}:{login['PORT']}/{login['NAME']}"
    command = [sys.executable, "-m", "celery", "-A", "cps_portal", "worker", "-P", "solo", "-l", "warning"]
    command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    workers = []

    def start(*extra: str) -> subprocess.Popen[bytes]:
        inherited = {name: value for name, value in os.environ.items() if name != "PYTEST_XDIST_WORKER"}
        environment = {
            **inherited,  # the broker is the one that is named
            "DJANGO_SETTINGS_MODULE": "tests.worker_settings",
            "DATABASE_URL": f"postgres://{database}",
            "REDIS_URL": broker.url,
            "MAILBOX_FOLDER": str(settings.MAILBOX_FOLDER),
        }
        workers.append(subprocess.Popen([*command, *extra], env=environment, cwd=django_settings.BASE_DIR))
        return workers[-1]

    yield start
    for worker in workers:
        worker.kill()
        worker.wait()


def wait_until(true: Callable[[], bool], seconds: float = 300, progress: Callable[[], object] = lambda: None) -> None:
    """Wait until `true()`. Fails after `seconds` without it, counted anew each time `progress()` has changed."""
    end, last = time.monotonic() + seconds, progress()
    while not true():
        if (now := progress()) != last:
            end, last = time.monotonic() + seconds, now
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.02)
