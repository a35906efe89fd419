"""Real Celery workers, killed as the machine kills them."""

import signal
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from django.utils import timezone
from pytest_django import Settings

from cps_portal.core.outbox import actions, tasks
from cps_portal.core.outbox.enums import State
from cps_portal.core.outbox.models import Message
from cps_portal.dev.mailbox import store
from tests.outbox.backends import HOLD_FROM
from tests.workers import Broker, StartWorker, wait_until

Post = Callable[..., Message]
MESSAGES = 30


def mails() -> list[Path]:
    return list(store.folder().glob("*.eml"))


def unsent() -> int:
    return Message.objects.exclude(state=State.SENT).count()


@pytest.mark.launcher
@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_between_commit_and_delivery_loses_nothing(
    post: Post, start_worker: StartWorker, settings: Settings
) -> None:
    for n in range(MESSAGES):
        post(f"k-{n}", to=f"person{n}@example.org")
    store.folder().mkdir(parents=True, exist_ok=True)
    (store.folder() / HOLD_FROM).write_text("5")  # however slow the machine is, the worker is killed in the middle
    worker = start_worker()
    wait_until(lambda: len(mails()) >= 5)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert unsent() >= MESSAGES // 3
    settings.EMAIL_BACKEND = "cps_portal.dev.mailbox.backend.MailboxBackend"
    actions.sweep(at=timezone.now() + timedelta(seconds=2))  # the lease of the dead has run out
    assert unsent() == 0
    found = [mail.message for mail in store.newest(10 * MESSAGES)]
    assert {mail["To"] for mail in found} == {f"person{n}@example.org" for n in range(MESSAGES)}
    repeats = Counter(mail["Message-ID"] for mail in found)
    assert len(repeats) == MESSAGES  # what went out twice did so under one Message-ID
    assert sum(repeats.values()) <= MESSAGES + 1  # and only what the dead had in hand


@pytest.mark.django_db(transaction=True)
def test_a_mail_to_everybody_lets_other_tasks_have_their_turn(
    post: Post, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R56: sweeps send mails for a short time, then wait behind the other tasks, and no more of them than a few."""
    for n in range(6):
        post(f"k-{n}", to=f"person{n}@example.org")
    queue = redis.Redis.from_url(broker.url)
    queue.delete("celery")
    monkeypatch.setattr(tasks, "SLICE_SECONDS", 0)  # one mail for each turn
    tasks.sweep()
    assert (unsent(), queue.llen("celery")) == (5, 1), "it goes on in another task"
    tasks.send_mails(int(time.time()) - 1)
    assert (unsent(), queue.llen("celery")) == (4, 1), "the time of these turns is over; later sweeps go on"
    for _turn in range(5):
        tasks.send_mails(int(time.time()) + 60)
    assert unsent() == 0
    queue.delete("celery")
    tasks.send_mails(int(time.time()) + 60)
    assert queue.llen("celery") == 0
