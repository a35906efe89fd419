"""Attempts on an account are limited, and nobody can lock another person out of theirs."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.conf import settings as django_settings
from django.test import Client, RequestFactory
from pytest_django import Settings

from cps_portal.core.lib.throttle import client_network
from cps_portal.core.limits.attempts import count_attempt
from cps_portal.core.outbox.models import Message
from members.models import Device, User
from tests.factories import PASSWORD
from tests.rows import each_row
from tests.world import World

LOGIN = "/accounts/login/"
RESET = "/accounts/password/reset/"
SECOND_STEP = "/accounts/2fa/authenticate/"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
LIMITS = {"account_and_address": (2, 60), "address": (4, 60), "account": (6, 60), "device": (3, 60)}


@pytest.fixture
def ana(world: World) -> User:
    return world.ana.user


def addresses(block: int = 1) -> Iterator[str]:
    return (f"198.51.{block}.{number}" for number in range(1, 255))


def sign_in(email: str, password: str, address: str, client: Client | None = None) -> Any:
    return (client or Client()).post(LOGIN, {"login": email, "password": password}, REMOTE_ADDR=address)


def known_client(email: str) -> Client:
    """A browser that signed in before, and signed out."""
    client = Client()
    sign_in(email, PASSWORD, "192.0.2.1", client)
    client.post("/accounts/logout/")
    assert client.get("/dashboard/").status_code == 302
    return client


@pytest.fixture
def few(settings: Settings) -> None:
    """Fewer attempts on an account than ship, each of which is a request."""
    settings.SIGN_IN_LIMITS = {**settings.SIGN_IN_LIMITS, "account": (8, 3600)}
    settings.SECOND_STEP_LIMITS = {**settings.SECOND_STEP_LIMITS, "account": (6, 86400)}


def hammer(email: str, times: int, block: int = 1) -> list[int]:
    """Wrong passwords, each from another address; the statuses."""
    source = addresses(block)
    return [sign_in(email, "wrong wrong wrong", next(source)).status_code for _time in range(times)]


# Each line: attempts one after the other as (account, address, device), and which are refused by what.
TABLE = [
    ("one address on one account", [("ana", "a", "")] * 3, ["", "", "account_and_address"]),
    ("another account from there", [("ana", "a", "")] * 2 + [("ben", "a", "")] * 2, ["", "", "", ""]),
    (
        "many accounts from one address",
        [(f"user{number}", "a", "") for number in range(5)],
        ["", "", "", "", "address"],
    ),
    (
        "many addresses on one account",
        [("ana", f"a{number}", "") for number in range(7)],
        ["", "", "", "", "", "", "account"],
    ),
    (
        "a known device under attack from everywhere",
        [("ana", f"a{number}", "") for number in range(8)] + [("ana", "a0", "d1")],
        ["", "", "", "", "", "", "account", "account", ""],
    ),
    (
        "a known device beside an attacker at the same address",
        [("ana", "a", "")] * 3 + [("ana", "a", "d1")],
        ["", "", "account_and_address", ""],
    ),
    ("a known device that guesses", [("ana", "a", "d1")] * 4, ["", "", "", "device"]),
    ("another device of the same account", [("ana", "a", "d1")] * 4 + [("ana", "a", "d2")], ["", "", "", "device", ""]),
    ("a device that guesses is no stranger", [("ana", "a", "d1")] * 4 + [("ana", "a", "")], ["", "", "", "device", ""]),
    (
        "what an address is refused does not use up the account",
        [("ana", "a", "")] * 9 + [("ana", "b", "")],
        ["", "", *["account_and_address"] * 7, ""],
    ),
    (
        "what the account is refused does not use up the address",
        [("ana", f"a{number}", "") for number in range(6)] + [("ana", "b", "")] * 4 + [("ben", "b", "")],
        ["", "", "", "", "", "", *["account"] * 4, ""],
    ),
    (
        "two accounts have limits of their own",
        [("ana", "a", "")] * 3 + [("ben", "a", "")],
        [*["", ""], "account_and_address", ""],
    ),
]


def test_the_table_of_account_address_and_device(db: None) -> None:
    wrong = {}
    for number, (name, attempts, expected) in enumerate(TABLE):
        results = [
            count_attempt(f"table{number}", LIMITS, account=account, address=address, device=device)
            for account, address, device in attempts
        ]
        if [result.by for result in results] != expected or any((r.wait > 0) != bool(r.by) for r in results):
            wrong[name] = [result.by for result in results]
    assert wrong == {}


@each_row(
    ("limits", "account", "address"),
    [(django_settings.SIGN_IN_LIMITS, 100, 30), (django_settings.SECOND_STEP_LIMITS, 30, None)],
)
def test_the_limits_that_ship(db: None, limits: dict[str, tuple[int, int]], account: int, address: int | None) -> None:
    """Counted as the pages do, without asking for a page each time."""
    sources = addresses()
    many = [count_attempt("many", limits, account="ana", address=next(sources)).by for _time in range(account + 1)]
    assert many == [""] * account + ["account"]
    one = [count_attempt("one", limits, account="ana", address="a").by for _time in range(6)]
    assert one == [""] * 5 + ["account_and_address"]
    if address:
        users = [count_attempt("users", limits, account=f"u{number}", address="a").by for number in range(address + 1)]
        assert users == [""] * address + ["address"]


def test_what_succeeded_is_not_counted(db: None) -> None:
    for _time in range(10):
        attempt = count_attempt("good", LIMITS, account="ana", address="a")
        assert attempt.wait == 0
        attempt.give_back()


@pytest.mark.usefixtures("few")
def test_a_stranger_with_many_addresses_does_not_keep_the_owner_out(ana: User) -> None:
    device = known_client(ana.email)
    statuses = hammer(ana.email, 12)
    assert statuses[0] == 200 and statuses[-1] == 429
    assert sign_in(ana.email, PASSWORD, "203.0.113.9").status_code == 429  # a new browser: has to wait, or reset
    assert sign_in(ana.email, PASSWORD, "203.0.113.9", device).status_code == 302
    assert device.get("/dashboard/").status_code == 200


def test_an_attacker_in_the_same_network_does_not_keep_the_owner_out(ana: User) -> None:
    device = known_client(ana.email)
    for _time in range(6):
        refused = sign_in(ana.email, "wrong wrong wrong", "192.0.2.1")
    assert refused.status_code == 429
    assert sign_in(ana.email, PASSWORD, "192.0.2.1", device).status_code == 302


def test_from_another_address_the_owner_signs_in_while_one_address_guesses(ana: User) -> None:
    statuses = [sign_in(ana.email, "wrong wrong wrong", "198.51.100.1").status_code for _time in range(12)]
    assert statuses == [200] * 5 + [429] * 7
    assert sign_in(ana.email, PASSWORD, "203.0.113.9").status_code == 302


def test_the_refused_person_reads_when_it_works_again_and_what_else_they_can_do(ana: User) -> None:
    for _time in range(6):
        answer = sign_in(ana.email, "wrong wrong wrong", "198.51.100.1")
    page = " ".join(answer.content.decode().split())
    assert re.search(r"Too many attempts\. Try again in \d minutes?\. Or set a new password by email", page)
    assert f'value="{ana.email}"' in page
    assert 0 < int(answer["Retry-After"]) <= 300


def test_spellings_of_an_address_are_one_account(ana: User) -> None:
    spellings = ["ana@example.org", "ANA@example.org", " ana@EXAMPLE.org", "Ana@Example.Org", "aNa@example.org"]
    statuses = [sign_in(email, "wrong wrong wrong", "198.51.100.1").status_code for email in [*spellings, *spellings]]
    assert statuses == [200] * 5 + [429] * 5


def test_an_unknown_address_is_limited_as_a_known_one(ana: User) -> None:
    """Or the limit would tell which addresses have an account."""
    known, unknown = (
        [sign_in(email, "wrong wrong wrong", f"198.51.100.{host}").status_code for _time in range(7)]
        for host, email in enumerate((ana.email, "nobody@example.org"))
    )
    assert known == unknown


def test_one_person_with_a_whole_ipv6_network_is_one_address() -> None:
    rows = {
        "2001:db8:1:2::1": "2001:db8:1:2::/64",
        "2001:db8:1:2:ffff::9": "2001:db8:1:2::/64",
        "2001:db8:1:3::1": "2001:db8:1:3::/64",
        "::ffff:192.0.2.7": "192.0.2.7",
        "192.0.2.7": "192.0.2.7",
        "fe80::1": "fe80::/64",
    }
    networks = {address: client_network(RequestFactory().get("/", REMOTE_ADDR=address)) for address in rows}
    assert networks == rows


@pytest.mark.usefixtures("few")
def test_a_new_password_makes_old_devices_unknown(ana: User) -> None:
    device = known_client(ana.email)
    ana.set_password("another short sentence")
    ana.save()
    hammer(ana.email, 9)
    assert sign_in(ana.email, "another short sentence", "203.0.113.9", device).status_code == 429


@pytest.mark.usefixtures("few")
def test_a_device_of_another_account_is_a_stranger(ana: User, world: World) -> None:
    device = known_client(world.ben.user.email)
    hammer(ana.email, 9)
    assert sign_in(ana.email, PASSWORD, "203.0.113.9", device).status_code == 429


def test_whoever_wants_to_change_to_an_address_guesses_no_more_often_than_others(ana: User, world: World) -> None:
    """An unconfirmed change to somebody else's address makes the browser no known device of the owner."""
    users = [ana, world.ben.user]
    for guesser, owner in (users, users[::-1]):
        clients = [known_client(guesser.email) for _device in range(2)]
        EmailAddress.objects.create(user=guesser, email=owner.email, verified=False, primary=False)
        statuses = [
            sign_in(owner.email, "wrong wrong wrong", f"198.51.{guesser.pk}.1", client).status_code
            for client in clients
            for _time in range(4)
        ]
        assert statuses == [200] * 5 + [429] * 3
        assert sign_in(owner.email, PASSWORD, "203.0.113.9").status_code == 302


@pytest.mark.usefixtures("few")
def test_two_accounts_of_one_browser_are_both_known(ana: User, world: World) -> None:
    client = known_client(ana.email)
    sign_in(world.ben.user.email, PASSWORD, "192.0.2.1", client)
    client.post("/accounts/logout/")
    hammer(ana.email, 9)
    assert sign_in(ana.email, PASSWORD, "203.0.113.9", client).status_code == 302


@pytest.mark.parametrize("forged", ["", "nonsense", "WyJ4Il0:1wAbCd:forged", "[]", "x" * 5000, "{key}"])
def test_a_forged_cookie_is_no_device(ana: User, forged: str) -> None:
    known_client(ana.email)
    client = Client()
    client.cookies[django_settings.DEVICE_COOKIE_NAME] = forged.format(key=Device.objects.get(user=ana).key)
    for _time in range(6):
        answer = sign_in(ana.email, "wrong wrong wrong", "198.51.100.1", client)
    assert answer.status_code == 429


def test_the_cookie_is_for_the_server_only_and_lasts(ana: User) -> None:
    client = Client()
    sign_in(ana.email, PASSWORD, "192.0.2.1", client)
    cookie = client.cookies[django_settings.DEVICE_COOKIE_NAME]
    assert cookie["httponly"] and cookie["samesite"] == "Lax" and cookie["max-age"] > 300 * 86400


@pytest.mark.usefixtures("few")
def test_whoever_has_the_password_does_not_keep_the_owner_from_the_second_step(ana: User) -> None:
    client = known_client(ana.email)
    TOTP.activate(ana, SECRET)
    source = addresses()
    statuses = []
    for _time in range(8):
        stranger, address = Client(), next(source)
        sign_in(ana.email, PASSWORD, address, stranger)
        statuses.append(stranger.post(SECOND_STEP, {"code": "000000"}, REMOTE_ADDR=address).status_code)
    assert statuses[0] == 200 and statuses[-1] == 429
    sign_in(ana.email, PASSWORD, "203.0.113.9", client)
    code = format_hotp_value(hotp_value(SECRET, next(yield_hotp_counters_from_time())))
    assert client.post(SECOND_STEP, {"code": code}, REMOTE_ADDR="203.0.113.9").status_code == 302
    assert client.get("/dashboard/").status_code == 200


def test_strangers_cannot_use_up_the_resets_of_an_account(ana: User) -> None:
    """The owner's new browser is refused, but all the links that were sent meanwhile work."""
    device = known_client(ana.email)
    source = addresses()
    statuses = [Client().post(RESET, {"email": ana.email}, REMOTE_ADDR=next(source)).status_code for _time in range(12)]
    assert statuses == [302] * 10 + [429] * 2
    assert device.post(RESET, {"email": ana.email}, REMOTE_ADDR="203.0.113.9").status_code == 302
    mails = Message.objects.filter(to=ana.email, key__startswith="account-").order_by("pk")
    links = [re.search(r"/accounts/password/reset/key/\S+", mail.payload["text"]) for mail in mails]
    assert len(links) == 11 and all(links)
    first = links[0][0] if links[0] else ""
    assert b"Choose a new password" in Client().get(first, follow=True).content


def test_a_limit_that_has_ended_begins_again(db: None) -> None:
    ended = {"account_and_address": (1, 0)}
    assert [count_attempt("ends", ended, account="ana", address="a").wait for _time in range(3)] == [0, 0, 0]
