"""Partners look after their own endpoints (R55): a secret is shown once, another's does not exist."""

from typing import Any

import pytest

from cps_portal.core.partners.enums import PartnerKind
from tests.api.machines import Machine, machine
from tests.rows import each_row
from tests.world import World

URL = "https://shop.example/hooks"


@pytest.fixture
def shop(world: World) -> Machine:
    return machine("shop", PartnerKind.RETAILER)


def added(shop: Machine) -> dict[str, Any]:
    answer = shop.post("webhook-endpoints", {"url": URL})
    assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store")
    found: dict[str, Any] = answer.json()
    return found


def test_a_secret_is_shown_once_and_a_new_one_is_another(shop: Machine) -> None:
    first = added(shop)
    path = f"webhook-endpoints/{first['endpoint']['id']}"
    assert first["secret"].startswith("whsec_")
    assert "whsec_" not in shop.get(path).content.decode() + shop.get("webhook-endpoints").content.decode()
    second = shop.post(f"{path}/rotate-secret", {})
    assert second.json()["secret"] not in ("", first["secret"])


def test_an_endpoint_is_suspended_and_resumed(shop: Machine) -> None:
    path = f"webhook-endpoints/{added(shop)['endpoint']['id']}"
    assert shop.post(f"{path}/suspend", {"reason": "We move."}).json()["state"] == "suspended"
    assert shop.post(f"{path}/resume", {}).json()["state"] == "active"
    assert shop.get(f"{path}/attempts").json()["results"] == []


def test_a_partner_chooses_version_and_payload_when_adding_and_later(shop: Machine) -> None:
    first = added(shop)["endpoint"]
    assert (first["version"], first["payload"]) == (2, "full")
    path = f"webhook-endpoints/{first['id']}"
    thin = shop.ask("PATCH", path, {"payload": "thin"})
    assert (thin.status_code, thin.json()["payload"], thin.json()["types"]) == (200, "thin", [])
    back = shop.ask("PATCH", path, {"version": 1})
    assert (back.status_code, back.json()["code"], back.json()["errors"][0]["pointer"]) == (409, "thin", "/payload")
    both = shop.ask("PATCH", path, {"version": 1, "payload": "full"}).json()
    assert (both["version"], both["payload"]) == (1, "full")
    other = {"url": "https://shop.example/2", "version": 1, "payload": "thin"}
    assert shop.post("webhook-endpoints", other).json()["code"] == "thin"
    for wrong in ({"version": 3}, {"version": 0}, {"version": True}, {"payload": "fat"}, {"version": None}):
        assert shop.ask("PATCH", path, wrong).status_code == 400, wrong


def test_another_partners_endpoint_does_not_exist(shop: Machine) -> None:
    path = f"webhook-endpoints/{added(shop)['endpoint']['id']}"
    other = machine("other", PartnerKind.RETAILER)
    assert other.get("webhook-endpoints").json()["results"] == []
    paths = [path, f"{path}/attempts", f"{path}/messages"]
    assert [other.get(one).status_code for one in paths] == [404] * 3
    writes = [
        other.post(f"{path}/rotate-secret", {}),
        other.post(f"{path}/resume", {}),
        other.post(f"{path}/suspend", {"reason": "x"}),
    ]
    assert [answer.status_code for answer in writes] == [404] * 3


@each_row("url", ["http://shop.example/", "https://127.0.0.1/", "nonsense", ""])
def test_an_address_that_leads_nowhere_good_is_refused(url: str, shop: Machine, settings: Any) -> None:
    settings.WEBHOOKS_MAY_REACH_PRIVATE = False
    assert shop.post("webhook-endpoints", {"url": url}).status_code in (400, 409)
