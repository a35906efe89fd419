"""Counting and noting in Redis, fast and without a promise: what does not answer is left alone for a while."""

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
QUIET_SECONDS = 5
_quiet_until = {"meter": 0.0}


def count(key: str, *, seconds: int) -> tuple[int, int] | None:
    """Count one more of `key` in the present window. Returns the count and the seconds left; None if nobody counts."""
    window, passed = divmod(int(time.time()), seconds)

    def call(redis: Any) -> int:
        name = _name(f"{key}:{window}")
        found = int(redis.incr(name))
        if found == 1:
            redis.expire(name, seconds)
        return found

    found = _try(call)
    return None if found is None else (found, seconds - passed)


def append(key: str, line: bytes, *, max_length: int) -> None:
    """Add a line to a log; past `most` the oldest fall off."""
    _try(lambda redis: redis.xadd(_name(key), {"line": line}, maxlen=max_length, approximate=True))


def read(key: str, most: int) -> dict[bytes, bytes]:
    """The oldest lines by their ids."""
    return {name: fields[b"line"] for name, fields in _try(lambda redis: redis.xrange(_name(key), count=most)) or []}


def clear(key: str, names: Iterable[bytes]) -> None:
    """Take lines away by their ids."""
    _try(lambda redis: redis.xdel(_name(key), *names))


def _name(key: str) -> str:
    return str(caches["default"].make_key(key))


@cache
def _client(location: str) -> Redis:
    return Redis.from_url(location, **settings.CACHES["default"].get("OPTIONS", {}))


def _try(call: Callable[[Any], Any]) -> Any:
    if time.monotonic() < _quiet_until["meter"]:
        return None
    try:
        return call(_client(settings.CACHES["default"]["LOCATION"]))
    except (RedisError, OSError) as error:
        _quiet_until["meter"] = time.monotonic() + QUIET_SECONDS
        logger.warning("nothing is counted or noted: %s", error)
        return None
