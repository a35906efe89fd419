"""Rate limits for pages, counted in PostgreSQL through the cache (core/limits)."""

import ipaddress
from hashlib import sha256

from allauth.account.adapter import get_adapter
from django.core.cache import cache
from django.http import HttpRequest

Limit = tuple[int, int]  # (times, seconds)
IPV6_PREFIX = 64  # bits


def is_throttled(request: HttpRequest, *, scope: str, limit: Limit, ident: str = "") -> bool:
    """Count one more attempt and return whether it is over the limit.

    Counts by user, before signing in by network address, or by `ident`, such as an e-mail address.
    """
    max_attempts, seconds = limit
    key_of = ident or (f"user:{request.user.pk}" if request.user.is_authenticated else f"ip:{client_network(request)}")
    key = f"throttle:{scope}:{sha256(key_of.encode()).hexdigest()}"
    cache.add(key, 0, timeout=seconds)
    try:
        return cache.incr(key) > max_attempts
    except ValueError:  # the key expired between the two calls
        return False


def client_address(request: HttpRequest) -> str:
    """The network address of the client, behind our own proxies."""
    return str(get_adapter().get_client_ip(request))


def client_network(request: HttpRequest) -> str:
    """What limits count by: the address, of IPv6 its first half, because whoever has one has all of the rest."""
    address = client_address(request)
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    return str(parsed.ipv4_mapped or ipaddress.ip_network((parsed, IPV6_PREFIX), strict=False))
