"""Which network addresses may be used, and how long to back off from a failing receiver."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address
MAX_LIVE_SECRETS = 2  # the current one, and for a while the one that it replaced
KEY = re.compile(r"[A-Za-z0-9_-]{1,150}")  # no dot, because Standard Webhooks joins the signed parts with dots
NAT64 = IPv6Network("64:ff9b::/96")  # the last 32 bits are an IPv4 address
VERSION_WITH_OBJECT = 2
MAX_DIGITS = 9  # of seconds: more would overflow, and are thirty years
GLOBAL_UNICAST = IPv6Network("2000::/3")  # the only IPv6 range assigned for public use
SIX_TO_FOUR_RELAYS = IPv4Network("192.88.99.0/24")


def is_public(address: str) -> bool:
    """Whether an address, and any IPv4 address embedded in it, is on the public internet."""
    try:
        addresses = list(_effective(ip_address(address.partition("%")[0])))
    except ValueError:
        return False
    return all(each.is_global and not _is_special(each) for each in addresses)


def _effective(address: Address) -> Iterator[Address]:
    """The embedded IPv4 addresses, if an IPv6 address is only a wrapper; otherwise the address itself."""
    if isinstance(address, IPv4Address):
        yield address
    elif address.ipv4_mapped:
        yield address.ipv4_mapped
    elif address.sixtofour:
        yield address.sixtofour
    elif address.teredo:
        yield from address.teredo
    elif address in NAT64:
        yield IPv4Address(int(address) & 0xFFFFFFFF)
    else:
        yield address


def _is_special(address: Address) -> bool:
    if isinstance(address, IPv6Address):
        return address not in GLOBAL_UNICAST
    return address.is_multicast or address.is_reserved or address in SIX_TO_FOUR_RELAYS


def url_fault(url: str, *, may_be_private: bool) -> str | None:
    """Why webhooks cannot be sent to this URL: "form", "https" or "private"; None if it looks right. No DNS lookup."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return "form"
    if (
        parts.scheme not in {"https", "http"}
        or not host
        or not url.isascii()
        or any(character <= " " for character in url)
    ):
        return "form"
    if parts.scheme == "http" and not may_be_private:
        return "https"
    if parts.username is not None or parts.password is not None or parts.fragment:
        return "form"
    return None if may_be_private or not _is_private_name(host) else "private"


def _is_private_name(host: str) -> bool:
    """Judged by the name alone; the gateway checks the addresses that it resolves to."""
    try:
        ip_address(host)
    except ValueError:
        return "." not in host or host.endswith((".localhost", ".local", ".internal", ".lan", ".home.arpa"))
    return not is_public(host)


def backoff_delay(failing_for: timedelta, *, min_delay: timedelta, max_delay: timedelta) -> timedelta:
    """How long not to try a failing receiver: a quarter of the time it has been failing, within limits."""
    return min(max(failing_for / 4, min_delay), max_delay)


def retry_after(header: str, *, now: datetime, at_most: timedelta) -> timedelta:
    """How long a receiver asks to be left alone: seconds or a date (RFC 9110). Zero if that cannot be read."""
    text = header.strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=int(text[:MAX_DIGITS])), at_most)
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return timedelta(0)
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max(aware - now, timedelta(0)), at_most)


def webhook_body(
    event: Mapping[str, Any], data: Mapping[str, Any], *, version: int, thin: bool, url: str
) -> dict[str, Any]:
    """The body of a webhook. `event` is what the outbox keeps of it, `url` the address of the object in the API.

    Version 2 adds its id, its version, when it happened, and the address. A thin one has no `data`.
    """
    subject = {"subject": event.get("subject", ""), "sequence": event.get("sequence", 0)}
    content = {} if thin else {"data": data}
    if version < VERSION_WITH_OBJECT:
        return {"type": event["type"], "timestamp": event["at"], **subject, **content}
    return {
        "id": event["id"],
        "type": event["type"],
        "version": version,
        "occurred_at": event.get("occurred", event["at"]),
        "timestamp": event["at"],
        **subject,
        "object": url,
        **content,
    }


def is_network(text: str) -> bool:
    """Whether the text is an address or a network in CIDR notation."""
    try:
        ip_network(text)
    except ValueError:
        return False
    return True


def is_within(address: str, networks: Iterable[str]) -> bool:
    """Whether an address is in one of the networks. Without networks every address is."""
    allowed = [ip_network(network) for network in networks]
    if not allowed:
        return True
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return any((mapped or parsed) in network for network in allowed)
