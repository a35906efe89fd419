"""The cache of the portal: Redis, but for what limits attempts."""

from typing import Any

from cps_portal.core.lib.cache import OptionalRedisCache
from cps_portal.core.limits.store import store

# Our own limits, and what allauth limits and remembers: its limits, and which one-time codes were used.
KEPT_IN_DATABASE = ("throttle:", "allauth")
DAY = 86400


class PortalCache(OptionalRedisCache):
    """Keeps the keys in KEPT_IN_DATABASE in PostgreSQL, because libraries take no other cache than the default one."""

    def add(self, key: str, value: Any, timeout: Any = DAY, version: int | None = None) -> bool:
        if not key.startswith(KEPT_IN_DATABASE):
            return super().add(key, value, timeout=timeout, version=version)
        return store.add(self.make_key(key, version), value, timeout or DAY)

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        if not key.startswith(KEPT_IN_DATABASE):
            return super().get(key, default, version=version)
        value = store.get(self.make_key(key, version))
        return default if value is None else value

    def set(self, key: str, value: Any, timeout: Any = DAY, version: int | None = None, **kwargs: Any) -> None:
        if not key.startswith(KEPT_IN_DATABASE):
            super().set(key, value, timeout=timeout, version=version, **kwargs)
        else:
            store.set(self.make_key(key, version), value, timeout or DAY)

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        if not key.startswith(KEPT_IN_DATABASE):
            return super().incr(key, delta, version=version)
        return store.increase(self.make_key(key, version), delta)

    def delete(self, key: str, version: int | None = None) -> bool:
        if not key.startswith(KEPT_IN_DATABASE):
            return super().delete(key, version=version)
        return store.delete(self.make_key(key, version))
