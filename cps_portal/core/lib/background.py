"""Queue background tasks from inside a transaction."""

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

# A page must not wait for more than a second when the broker is down. `retry=False` is not enough, because kombu tries
# a new connection three times with delays. Workers need longer timeouts, so these cannot be in the settings.
SINGLE_ATTEMPT = {"max_retries": 0, "connect_retries_timeout": 1, "socket_connect_timeout": 1, "socket_timeout": 1}
SLICE_SECONDS = 5
BACKOFF_SECONDS = 5  # without it a commit that queues a hundred tasks would wait a hundred times
_backoff_until = {"broker": 0.0}
_pools: dict[str, Any] = {}  # of producers, by the URL of their broker


def after_commit(name: str, *args: int | str) -> None:
    """Queue the task `name` with `args` once the open transaction commits.

    A failure is only logged: for every task that is queued this way, a periodic task finds the rows that were left.
    Raises TransactionManagementError outside a transaction.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError(f"after_commit({name!r}) needs an open transaction")
    transaction.on_commit(lambda: queue_task(name, *args))


def publish_event(event: str, *args: int | str) -> None:
    """Queue the tasks that settings.EVENT_SUBSCRIBERS lists for `event`, once the open transaction commits.

    This is how a lower app notifies upper apps that it must not import. Raises KeyError for an unknown event.
    """
    for name in settings.EVENT_SUBSCRIBERS[event]:
        after_commit(name, *args)


def queue_task(name: str, *args: int | str) -> None:
    """Queue the task now. If the broker does not answer, log it and go on."""
    task = current_app.tasks[name]
    if time.monotonic() < _backoff_until["broker"]:
        return
    try:
        with _producers().acquire(block=True, timeout=1) as producer:
            task.apply_async(args=args, retry=False, producer=producer)
    except (OperationalError, RedisError, OSError):
        _backoff_until["broker"] = time.monotonic() + BACKOFF_SECONDS
        logger.warning("could not queue %s%r; the periodic tasks will do its work", name, args)


def _producers() -> Any:
    """The pool of producers, kept: looking it up through a new connection each time takes a quarter of queueing."""
    broker = current_app.conf.broker_write_url
    if broker not in _pools:
        _pools[broker] = producers[current_app.connection_for_write(transport_options=SINGLE_ATTEMPT)]
    return _pools[broker]


def run_in_slices(name: str, *args: int | str, step: Callable[[], bool]) -> bool:
    """Call `step` until it returns False. After SLICE_SECONDS queue the task again, so that other tasks get a turn.

    Returns whether it finished.
    """
    end = time.monotonic() + SLICE_SECONDS
    while step():
        if time.monotonic() > end:
            queue_task(name, *args)
            return False
    return True


def reset_backoff() -> None:
    """Forget earlier failures: for tests that start their own broker."""
    _backoff_until["broker"] = 0.0
