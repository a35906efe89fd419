"""Attempts on an account, limited so that nobody can lock another person out.

A browser that has signed in to the account before is counted apart. Everybody else is counted by account and network
address together, by address, and, against many addresses at once, by account: then only known browsers get through.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from django.core.cache import cache

from cps_portal.core.lib.throttle import Limit
from cps_portal.core.limits.store import store


@dataclass(frozen=True)
class Cap:
    """At most `times` attempts in `seconds`, counted under `key`."""

    key: str
    times: int
    seconds: int


@dataclass(frozen=True)
class Attempt:
    """An attempt that has been counted, or refused.

    `wait` is in how many seconds the next one is possible, 0 if this one is allowed; `by` is the limit that refused.
    """

    caps: tuple[Cap, ...] = ()
    wait: int = 0
    by: str = ""

    def give_back(self) -> None:
        """Count it no longer, because it succeeded."""
        for cap in self.caps:
            _take_back(cap)


def caps_of(scope: str, limits: Mapping[str, Limit], *, account: str, address: str, device: str) -> dict[str, Cap]:
    """The caps of an attempt by the names of their limits; `device` is empty if the browser is not known."""
    idents = {"account_and_address": f"{account} {address}", "address": address, "account": account}
    if device:
        idents = {"device": device}
    names = [name for name in idents if name in limits]
    return {name: Cap(_key(scope, name, idents[name]), *limits[name]) for name in names}


def count_attempt(scope: str, limits: Mapping[str, Limit], *, account: str, address: str, device: str = "") -> Attempt:
    """Count an attempt before it is made, so that no two at the same moment pass together.

    One that is refused counts only for the limit that refuses it: a single address cannot use up the limit of an
    account.
    """
    counted: list[Cap] = []
    for name, cap in caps_of(scope, limits, account=account, address=address, device=device).items():
        times, seconds_left = store.count(cap.key, cap.seconds)
        if times > cap.times:
            for other in counted:
                _take_back(other)
            return Attempt(wait=max(seconds_left, 1), by=name)
        counted.append(cap)
    return Attempt(tuple(counted))


def count_for(scope: str, limit: Limit, ident: str) -> int:
    """Count once more for anything else. Returns in how many seconds the next is possible; 0 if this one is."""
    times, seconds_left = store.count(_key(scope, "", ident), limit[1])
    return max(seconds_left, 1) if times > limit[0] else 0


def wait_for(scope: str, limit: Limit, ident: str) -> int:
    """As `count_for` for the next one, without counting it."""
    key = _key(scope, "", ident)
    times = store.get(key) or 0
    return max(store.seconds_left(key), 1) if times >= limit[0] else 0


def _take_back(cap: Cap) -> None:
    try:
        store.increase(cap.key, -1)
    except ValueError:  # it has ended in between
        return


def _key(scope: str, name: str, ident: str) -> str:
    hashed = sha256(ident.encode()).hexdigest()
    return cache.make_key(f"throttle:{scope}:{name}:{hashed}")  # of the cache: tests have counters of their own
