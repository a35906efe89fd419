"""Real Celery workers, killed as the machine kills them."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from cps_portal.mailbox import store
from cps_portal.outbox import actions
from cps_portal.outbox.enums import State
from cps_portal.outbox.models import Message

Post = Callable[..., Message]
MESSAGES = 30


@pytest.fixture
def start_worker(broker: str, tmp_path: Path, settings: Settings) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts workers on the test database and the test's broker; none outlives the test."""
    settings.MAILBOX_FOLDER = tmp_path / "mailbox"
    login = connection.settings_dict
    database = f"{login['USER']}:{login['PASSWORD']}@{login['HOST']}:{login['PORT']}/{login['NAME']}"
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.outbox.worker_settings",
        "DATABASE_URL": f"postgres://{database}",
        "REDIS_URL": broker,
        "MAILBOX_FOLDER": str(settings.MAILBOX_FOLDER),
    }
    command = [sys.executable, "-m", "celery", "-A", "cps_portal", "worker", "-P", "solo", "-l", "warning"]
    command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    workers = []

    def start() -> subprocess.Popen[bytes]:
        workers.append(subprocess.Popen(command, env=environment, cwd=django_settings.BASE_DIR))
        return workers[-1]

    yield start
    for worker in workers:
        worker.kill()
        worker.wait()


def wait_until(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.02)


def mails() -> list[Path]:
    return list(store.folder().glob("*.eml"))


def unsent() -> int:
    return Message.objects.exclude(state=State.SENT).count()


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_between_commit_and_delivery_loses_nothing(
    post: Post, start_worker: Callable[[], subprocess.Popen[bytes]], settings: Settings
) -> None:
    for n in range(MESSAGES):
        post(f"k-{n}", to=f"person{n}@example.org")
    worker = start_worker()
    wait_until(lambda: len(mails()) >= 5)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert unsent() >= MESSAGES // 3
    settings.EMAIL_BACKEND = "cps_portal.mailbox.backend.MailboxBackend"
    actions.sweep(at=timezone.now() + timedelta(seconds=2))  # the lease of the dead has run out
    assert unsent() == 0
    found = [mail.message for mail in store.newest(10 * MESSAGES)]
    assert {mail["To"] for mail in found} == {f"person{n}@example.org" for n in range(MESSAGES)}
    repeats = Counter(mail["Message-ID"] for mail in found)
    assert len(repeats) == MESSAGES  # what went out twice did so under one Message-ID
    assert sum(repeats.values()) <= MESSAGES + 1  # and only what the dead had in hand
