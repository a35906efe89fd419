"""Queueing background work from inside a transaction."""

import logging

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)


def after_commit(name: str, *args: int | str) -> None:
    """Queue the task `name` with `args` once the open transaction commits.

    Raises TransactionManagementError outside one. Publishing is tried once and a failure is only logged:
    every task queued this way has a beat sweep over the rows it serves.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError(f"after_commit({name!r}) needs an open transaction")
    transaction.on_commit(lambda: publish(name, *args))


def publish(name: str, *args: int | str) -> None:
    """Queue the task now, one try, never raising for a broker that does not answer."""
    try:
        current_app.tasks[name].apply_async(args=args, retry=False)
    except (OperationalError, RedisError, OSError):
        logger.warning("could not queue %s%r; its sweep will find the row", name, args)
