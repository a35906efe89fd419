"""The gateway reaches the open internet only, whatever a name or an answer says."""

import socket
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.partners import actions, gateway
from cps_portal.core.partners.models import Partner
from tests.partners.receiver import Receiver
from tests.rows import each_row


@pytest.fixture
def strict(settings: Settings) -> None:
    settings.WEBHOOKS_MAY_REACH_PRIVATE = False


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What the names of the test lead to; others are looked up as always."""
    names: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def look_up(host: Any, port: Any, *args: Any, **kwargs: Any) -> list[Any]:
        return [row for one in names.get(host, [host]) for row in real(one, port, *args, **kwargs)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return names


@each_row("addresses", [["127.0.0.1"], ["::1"], ["10.1.2.3"], ["169.254.169.254"], ["8.8.8.8", "127.0.0.1"]])
def test_a_name_that_leads_into_a_private_network_is_not_followed(
    strict: None, named: dict[str, list[str]], receiver: Receiver, addresses: list[str]
) -> None:
    named["hooks.example.org"] = addresses
    answer = gateway.post(f"https://hooks.example.org:{receiver.port}/", body=b"{}", headers={})
    assert answer.status == 0
    assert "NotAllowed" in answer.error
    assert not receiver.got


@each_row("host", ["127.0.0.1", "127.1", "0x7f000001", "2130706433", "0", "[::ffff:7f00:1]"])
def test_a_number_in_disguise_is_found_out(strict: None, receiver: Receiver, host: str) -> None:
    answer = gateway.post(f"https://{host}:{receiver.port}/", body=b"{}", headers={})
    assert answer.status == 0
    assert not receiver.got


def test_without_https_nothing_is_sent(strict: None, receiver: Receiver) -> None:
    assert "InvalidSchema" in gateway.post(receiver.url, body=b"{}", headers={}).error
    assert not receiver.got


def test_the_connection_goes_to_the_address_that_was_checked(
    settings: Settings, named: dict[str, list[str]], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    named["hooks.example.org"] = ["127.0.0.1"]
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    answer = gateway.post(f"http://hooks.example.org:{receiver.port}/", body=b"{}", headers={})
    assert answer.is_acknowledged
    assert receiver.got[0].headers["host"] == f"hooks.example.org:{receiver.port}"


@each_row("url", ["http://example.org/", "https://localhost/", "https://u:p@example.org/", "x"])
def test_staff_cannot_enter_such_an_address(strict: None, house: Partner, url: str) -> None:
    with pytest.raises(Refusal) as refused:
        actions.add_endpoint(partner=house, url=url, by=None, at=timezone.now())
    assert refused.value.field == "url"


def test_a_partner_has_an_address_once(house: Partner) -> None:
    actions.add_endpoint(partner=house, url="https://example.org/", by=None, at=timezone.now())
    with pytest.raises(Refusal, match="already"):
        actions.add_endpoint(partner=house, url="https://example.org/", by=None, at=timezone.now())
