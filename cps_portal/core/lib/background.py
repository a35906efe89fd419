"""Queueing background work from inside a transaction."""

import logging
import time
from collections.abc import Callable
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError
from kombu.pools import producers
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

# Pages publish: a broker that is down or hangs may cost them a second. `retry=False` alone does not do it, since
# a new connection is tried three times with pauses; and workers need longer timeouts than these.
ONE_QUICK_TRY = {"max_retries": 0, "connect_retries_timeout": 1, "socket_connect_timeout": 1, "socket_timeout": 1}
TURN_SECONDS = 5
QUIET_SECONDS = 5  # after a failure nobody tries: a commit with a hundred messages must not wait a hundred times
_quiet_until = {"queue_task": 0.0}
_pools: dict[str, Any] = {}  # of producers, by the broker that they lead to


def after_commit(name: str, *args: int | str) -> None:
    """Queue the task `name` with `args` once the open transaction commits.

    Raises TransactionManagementError outside one. Publishing is tried once and a failure is only logged:
    every task queued this way has a beat sweep over the rows it serves.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError(f"after_commit({name!r}) needs an open transaction")
    transaction.on_commit(lambda: queue_task(name, *args))


def publish_event(event: str, *args: int | str) -> None:
    """Queue the tasks that settings.LISTENERS names for `event`, once the open transaction commits.

    So a lower app tells upper ones what happened without knowing them; each listener has a sweep. Raises
    KeyError for an event that is in no list.
    """
    for name in settings.LISTENERS[event]:
        after_commit(name, *args)


def queue_task(name: str, *args: int | str) -> None:
    """Queue the task now, one quick try, never raising for a broker that does not answer."""
    task = current_app.tasks[name]
    if time.monotonic() < _quiet_until["queue_task"]:
        return
    try:
        with _producers().acquire(block=True, timeout=1) as producer:
            task.apply_async(args=args, retry=False, producer=producer)
    except (OperationalError, RedisError, OSError):
        _quiet_until["queue_task"] = time.monotonic() + QUIET_SECONDS
        logger.warning("could not queue %s%r; the sweeps will find what is not queued now", name, args)


def _producers() -> Any:
    """Their pool; naming a connection anew each time only to find it again costs a quarter of publishing."""
    broker = current_app.conf.broker_write_url
    if broker not in _pools:
        _pools[broker] = producers[current_app.connection_for_write(transport_options=ONE_QUICK_TRY)]
    return _pools[broker]


def run_in_slices(name: str, *args: int | str, step: Callable[[], bool]) -> bool:
    """Take steps while there are more, for a few seconds; then queue the task again, so that others have a turn.

    Returns whether it came to the end.
    """
    end = time.monotonic() + TURN_SECONDS
    while step():
        if time.monotonic() > end:
            queue_task(name, *args)
            return False
    return True


def reset_backoff() -> None:
    """Try again at once: for tests that start a broker of their own."""
    _quiet_until["queue_task"] = 0.0
