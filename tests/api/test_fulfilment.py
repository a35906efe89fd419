"""A house that only asks, and has no webhooks, gets a pack to its member (R38, R55)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from cps_portal.core.partners.enums import PartnerKind
from members.offers.models import WelcomePack
from tests.api.machines import Machine, machine
from tests.offers.packing import asked
from tests.world import World

NOW = timezone.now()


@pytest.fixture
def house(world: World) -> Machine:
    return machine("utrecht", PartnerKind.FULFILMENT)


@pytest.fixture
def pack(house: Machine, world: World) -> WelcomePack:
    row = asked(world.ana, NOW - timedelta(days=2))
    WelcomePack.objects.filter(pk=row.pk).update(partner=house.partner)
    return row


def said(kind: str, number: str) -> dict[str, object]:
    return {"kind": kind, "sending": 1, "occurred_at": timezone.now().isoformat(), "external_id": number}


def test_a_partner_without_webhooks_accepts_a_request_in_time(house: Machine, pack: WelcomePack) -> None:
    (found,) = house.get("fulfilment/requests?state=requested").json()["results"]
    whole = house.get(f"fulfilment/requests/{found['reference']}").json()
    assert whole["wanted"]["address"]["city"] == "Johannesburg"
    path = f"fulfilment/requests/{pack.reference}/reports"
    answers = [house.post(path, said("accepted", "r-1")) for _ in range(2)]
    assert [(one.status_code, one.json()["recorded"]) for one in answers] == [(200, True), (200, False)]
    assert not WelcomePack.objects.unacknowledged(timezone.now()).exists()
    assert house.get("fulfilment/requests?state=requested").json()["results"] == []


def test_a_request_of_another_partner_does_not_exist(house: Machine, pack: WelcomePack) -> None:
    other = machine("venlo", PartnerKind.FULFILMENT)
    assert other.get("fulfilment/requests").json()["results"] == []
    assert other.get(f"fulfilment/requests/{pack.reference}").status_code == 404
    assert other.post(f"fulfilment/requests/{pack.reference}/reports", said("accepted", "r-1")).status_code == 404


def test_an_address_that_was_deleted_is_in_no_answer(house: Machine, pack: WelcomePack) -> None:
    WelcomePack.objects.filter(pk=pack.pk).update(
        blanked_at=NOW,
        name="",
        street="",
        city="",
        city_area="",
        country_area="",
        postal_code="",
        sorting_code="",
        phone="",
    )
    answer = house.get(f"fulfilment/requests/{pack.reference}")
    assert (answer.status_code, answer.json()["wanted"]) == (200, None)
    assert "Oak Avenue" not in answer.content.decode()
