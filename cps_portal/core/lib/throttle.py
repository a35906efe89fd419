"""How often somebody may do something, counted in the cache."""

from hashlib import sha256

from allauth.account.adapter import get_adapter
from django.core.cache import cache
from django.http import HttpRequest

Limit = tuple[int, int]  # how many times in how many seconds


def is_throttled(request: HttpRequest, *, what: str, limit: Limit, whom: str = "") -> bool:
    """Count one more try and say whether it is one too many.

    Counted is the person, before signing in the address they come from; or `whom`, such as an e-mail address.
    While the cache does not answer nobody is turned away.
    """
    most, seconds = limit
    who = whom or (f"user:{request.user.pk}" if request.user.is_authenticated else f"ip:{address_of(request)}")
    key = f"throttle:{what}:{sha256(who.encode()).hexdigest()}"
    cache.add(key, 0, timeout=seconds)
    try:
        return cache.incr(key) > most
    except ValueError:  # it ran out between the two calls
        return False


def client_address(request: HttpRequest) -> str:
    """Where the request comes from, past the proxies that are ours."""
    return str(get_adapter().get_client_ip(request))
