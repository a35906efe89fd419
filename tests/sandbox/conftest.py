"""A partner of each kind in a sandbox. Nobody in these tests is real: the cast has addresses in example.org."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from cps_portal.core.partners import actions as partners
from cps_portal.core.partners.enums import PartnerKind
from cps_portal.core.rest.contract import contract
from cps_portal.sandbox.rules import PRODUCT
from kitbag.models import Product
from members.offers.actions.reference_data import load_offers
from tests.api.machines import Machine, machine
from tests.factories import ProductFactory
from tests.servicing.jobs import a_centre
from tests.world import World

SNAPSHOT = "cps_portal.core.lib.snapshot.SnapshotMiddleware"


@pytest.fixture
def sandbox(settings: Settings, world: World) -> Iterator[Product]:
    """The portal as a sandbox, with the product of all samples in its catalogue."""
    contract.cache_clear()
    settings.ROOT_URLCONF = "tests.sandbox.urls"
    before = settings.MIDDLEWARE.index(SNAPSHOT)
    failures = "cps_portal.sandbox.middleware.FailuresMiddleware"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE[:before], failures, *settings.MIDDLEWARE[before:]]
    load_offers()
    yield ProductFactory(name="EOS R5 Mark II", slug=PRODUCT, fast_track_model=True, released_year=2024)
    contract.cache_clear()


@pytest.fixture
def workshop(sandbox: Product) -> Machine:
    found = machine()
    a_centre(partner=found.partner)
    return found


@pytest.fixture
def shop(sandbox: Product) -> Machine:
    return machine("shop", PartnerKind.RETAILER)


@pytest.fixture
def house(sandbox: Product) -> Machine:
    return machine("house", PartnerKind.FULFILMENT)


@pytest.fixture
def made(workshop: Machine) -> Machine:
    """A centre with its sample data."""
    make(workshop)
    return workshop


def make(found: Machine) -> dict[str, Any]:
    """Let a partner make its sample data anew; returns what the portal says of them."""
    answer = found.post("sandbox/data")
    assert answer.status_code == 200, answer.content
    said: dict[str, Any] = answer.json()
    assert found.get("sandbox/data").json() == said
    return said


def listen(found: Machine) -> Machine:
    """Give the partner an endpoint for all events."""
    url = f"https://{found.partner.slug}.example/hooks"
    partners.add_endpoint(partner=found.partner, url=url, by=None, at=timezone.now())
    return found
