"""What may be reached, and how long a receiver that fails is left alone."""

from datetime import UTC, datetime, timedelta

from cps_portal.core.partners import rules
from tests.rows import each_row

PUBLIC = ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
PRIVATE = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",  # noqa: S104
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.1.1",
    "169.254.169.254",
    "192.0.2.1",
    "198.18.0.1",
    "192.88.99.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "fd00::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "2002:7f00:1::",
    "64:ff9b::7f00:1",
    "64:ff9b:1::808:808",
    "2001:0:7f00:1::",
    "100::1",
    "4000::1",
    "example.org",
    "",
    "1.2.3",
]


@each_row("address", PUBLIC)
def test_the_open_internet_is_reached(address: str) -> None:
    assert rules.is_public(address)


@each_row("address", PRIVATE)
def test_a_private_network_is_not_however_it_is_written(address: str) -> None:
    assert not rules.is_public(address)


@each_row(
    ("url", "fault"),
    [
        ("https://example.org/hooks?a=1", None),
        ("https://example.org:8443/", None),
        ("https://[2606:4700::1111]/", None),
        ("http://example.org/", "https"),
        ("ftp://example.org/", "form"),
        ("file:///etc/passwd", "form"),
        ("https:///hooks", "form"),
        ("https://user:word@example.org/", "form"),
        ("https://example.org@127.0.0.1/", "form"),
        ("https://example.org/#part", "form"),
        ("https://example.org:99999/", "form"),
        ("https://example.org/a b", "form"),
        ("https://exämple.org/", "form"),
        ("https://[::1/", "form"),
        ("https://localhost/", "private"),
        ("https://db.internal/", "private"),
        ("https://127.0.0.1/", "private"),
        ("https://[::ffff:10.0.0.1]/", "private"),
    ],
)
def test_an_address_is_judged_by_its_text_first(url: str, fault: str | None) -> None:
    assert rules.url_fault(url, may_be_private=False) == fault


@each_row(("failing", "quiet"), [(0, 5), (16, 5), (40, 10), (400, 100), (3600, 900), (10**6, 900)])
def test_the_longer_it_fails_the_longer_it_is_left_alone(failing: int, quiet: int) -> None:
    delay = rules.backoff_delay(
        timedelta(seconds=failing), min_delay=timedelta(seconds=5), max_delay=timedelta(seconds=900)
    )
    assert delay == timedelta(seconds=quiet)


@each_row(
    ("header", "seconds"),
    [
        ("120", 120),
        (" 120 ", 120),
        ("0", 0),
        ("86401", 86400),  # a day at most
        ("9" * 400, 86400),
        ("Mon, 02 Mar 2026 10:00:00 GMT", 1800),
        ("Monday, 02-Mar-26 10:00:00 GMT", 1800),
        ("Mon, 02 Mar 2026 09:00:00 GMT", 0),  # it is over
        ("Mon, 02 Mar 2036 10:00:00 GMT", 86400),
        ("Mon Mar  2 10:00:00 2026", 1800),  # asctime, without a zone
        ("", 0),
        ("soon", 0),
        ("-5", 0),
        ("1.5", 0),
        ("\u0661", 0),
        ("Mon, 99 Mar 2026 10:00:00 GMT", 0),
    ],
)
def test_a_receiver_says_how_long_it_wants_to_be_left_alone(header: str, seconds: int) -> None:
    now = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    assert rules.retry_after(header, now=now, at_most=timedelta(days=1)) == timedelta(seconds=seconds)
