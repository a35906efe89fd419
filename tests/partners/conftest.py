from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from cps_portal.core.outbox.models import Message
from cps_portal.core.partners import actions
from cps_portal.core.partners.enums import PartnerKind
from cps_portal.core.partners.models import Partner, WebhookEndpoint
from tests.partners import renderers  # noqa: F401  (registers tests.sum_up)
from tests.partners.receiver import Receiver, receiving
from tests.workers import broker, no_broker, start_worker

__all__ = ["broker", "no_broker", "start_worker"]
TYPE = "welcome_pack.requested"
Announce = Callable[..., Message]


@pytest.fixture(autouse=True)
def quiet(no_broker: None, settings: Settings) -> None:
    """Nothing is published, nobody is waited for longer than a test may take."""
    settings.WEBHOOK_TIMEOUT_SECONDS = 0.4


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def house(db: None) -> Partner:
    return Partner.objects.create(name="Parcels of Utrecht", slug="utrecht", kind=PartnerKind.FULFILMENT)


@pytest.fixture
def told(house: Partner, receiver: Receiver) -> tuple[WebhookEndpoint, str]:
    """The house's endpoint and its secret."""
    return actions.add_endpoint(partner=house, url=receiver.url, by=None, at=timezone.now())


@pytest.fixture
def endpoint(told: tuple[WebhookEndpoint, str]) -> WebhookEndpoint:
    return told[0]


@pytest.fixture
def announce(house: Partner) -> Announce:
    def one(key: str = "pack-1", partner: Partner = house, **facts: Any) -> Message:
        with transaction.atomic():
            (message,) = actions.enqueue_webhook(
                partner=partner,
                type=TYPE,
                key=key,
                subject="packs/1",
                sequence=1,
                renderer="tests.sum_up",
                at=timezone.now(),
                **facts,
            )
        return message

    return one
