from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.core.cache import cache
from pytest_django import Settings

from members.models import User
from members.support import actions
from members.support.enums import CaseKind
from members.support.models import Case
from tests.factories import UserFactory
from tests.world import World

MONDAY = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)  # ten in Johannesburg
VISITOR = actions.Visitor("Vera Visitor", "vera@example.org")


@pytest.fixture
def agent(world: World) -> User:
    return UserFactory(email="agent@example.org", is_staff=True, is_superuser=True)


@pytest.fixture
def colleague(world: World) -> User:
    return UserFactory(email="colleague@example.org", is_staff=True, is_superuser=True)


@pytest.fixture
def asked(world: World) -> Case:
    """Ana (Gold) asks on a Monday morning."""
    return actions.open_case(
        kind=CaseKind.KIT, subject="Grip", text="Where is my grip?", member=world.ana, by=world.ana.user, at=MONDAY
    )


@pytest.fixture
def visited(world: World) -> Case:
    """Somebody asks without signing in."""
    return actions.open_case(
        kind=CaseKind.CONTACT, subject="Joining", text="May I join?", visitor=VISITOR, by=None, at=MONDAY
    )


@pytest.fixture
def counting(settings: Settings) -> Iterator[None]:
    """A cache that counts, for the limits."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "cases"}}
    cache.clear()
    yield
    cache.clear()
