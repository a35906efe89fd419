"""Which addresses may be reached and come in, and how long a receiver that fails is left alone."""

import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address
LIVE_SECRETS = 2  # one, and beside it for a while the one that it replaces
KEY = re.compile(r"[A-Za-z0-9_-]{1,150}")  # no dot: it stands between the parts of what is signed
TRANSLATED = IPv6Network("64:ff9b::/96")  # NAT64: an IPv4 address is in the last 32 bits
UNICAST = IPv6Network("2000::/3")  # all of IPv6 that has been given to anybody
RELAYS = IPv4Network("192.88.99.0/24")  # of 6to4


def is_public(address: str) -> bool:
    """Whether an address, and any other that it stands for, belongs to a machine on the open internet."""
    try:
        found = list(_meant(ip_address(address.partition("%")[0])))
    except ValueError:
        return False
    return all(one.is_global and not _is_special(one) for one in found)


def _meant(address: Address) -> Iterator[Address]:
    """The address to judge by: the one inside, where an IPv6 address only carries an IPv4 address."""
    if isinstance(address, IPv4Address):
        yield address
    elif address.ipv4_mapped:
        yield address.ipv4_mapped
    elif address.sixtofour:
        yield address.sixtofour
    elif address.teredo:
        yield from address.teredo
    elif address in TRANSLATED:
        yield IPv4Address(int(address) & 0xFFFFFFFF)
    else:
        yield address


def _is_special(address: Address) -> bool:
    if isinstance(address, IPv6Address):
        return address not in UNICAST
    return address.is_multicast or address.is_reserved or address in RELAYS


def url_fault(url: str, *, may_be_private: bool) -> str | None:
    """Why nothing can be sent there, as a code, from the text alone; None if it looks right."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return "form"
    if parts.scheme not in {"https", "http"} or not host or not url.isascii() or any(sign <= " " for sign in url):
        return "form"
    if parts.scheme == "http" and not may_be_private:
        return "https"
    if parts.username is not None or parts.password is not None or parts.fragment:
        return "form"
    return None if may_be_private or not _is_private_name(host) else "private"


def _is_private_name(host: str) -> bool:
    """Only what can be told without asking anybody; the rest is found out when it is connected to."""
    try:
        ip_address(host)
    except ValueError:
        return "." not in host or host.endswith((".localhost", ".local", ".internal", ".lan", ".home.arpa"))
    return not is_public(host)


def quiet_for(failing: timedelta, *, shortest: timedelta, longest: timedelta) -> timedelta:
    """How long to leave a receiver alone that has been failing for so long: a quarter of it, within limits."""
    return min(max(failing / 4, shortest), longest)


def is_network(text: str) -> bool:
    """Whether it is an address or a network in CIDR form."""
    try:
        ip_network(text)
    except ValueError:
        return False
    return True


def is_within(address: str, networks: Iterable[str]) -> bool:
    """Whether an address is in one of them; with none given every address is."""
    allowed = [ip_network(network) for network in networks]
    if not allowed:
        return True
    try:
        found = ip_address(address)
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return any((mapped or found) in network for network in allowed)
