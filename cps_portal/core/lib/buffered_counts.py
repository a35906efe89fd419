"""Counters and a buffer of log lines in Redis: fast, and allowed to lose data.

They are on the server of the broker, because that of the cache may evict a whole buffer.
If Redis does not answer, nothing is counted or buffered, and it is not tried again for some seconds.
"""

import logging
import time
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from django.conf import settings
from django.core.cache import caches
from redis import Redis
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)
BACKOFF_SECONDS = 5
_backoff_until = {"redis": 0.0}


def count(key: str, *, seconds: int) -> tuple[int, int] | None:
    """Count one more in the current window of `seconds`. Returns the count and the seconds left; None without Redis."""
    window, passed = divmod(int(time.time()), seconds)

    def call(redis: Any) -> int:
        name = _name(f"{key}:{window}")
        total = int(redis.incr(name))
        if total == 1:
            redis.expire(name, seconds)
        return total

    total = _try(call)
    return None if total is None else (total, seconds - passed)


def append(key: str, line: bytes, *, max_length: int) -> None:
    """Add a line to a buffer. When it has more than `max_length`, the oldest lines are dropped."""
    _try(lambda redis: redis.xadd(_name(key), {"line": line}, maxlen=max_length, approximate=True))


def read(key: str, limit: int) -> dict[bytes, bytes]:
    """The oldest lines, by their ids."""
    return {name: fields[b"line"] for name, fields in _try(lambda redis: redis.xrange(_name(key), count=limit)) or []}


def clear(key: str, ids: Iterable[bytes]) -> None:
    """Delete lines, by their ids."""
    _try(lambda redis: redis.xdel(_name(key), *ids))


def _name(key: str) -> str:
    return str(caches["default"].make_key(key))


@cache
def _client(location: str) -> Redis:
    return Redis.from_url(location, **settings.CACHES["default"].get("OPTIONS", {}))


def _try(call: Callable[[Any], Any]) -> Any:
    if time.monotonic() < _backoff_until["redis"]:
        return None
    try:
        return call(_client(settings.REDIS_URL))
    except (RedisError, OSError) as error:
        _backoff_until["redis"] = time.monotonic() + BACKOFF_SECONDS
        logger.warning("Redis does not answer, nothing is counted: %s", error)
        return None
