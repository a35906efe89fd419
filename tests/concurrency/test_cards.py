"""Races of cards on real Postgres: R37."""

from datetime import UTC, datetime

import pytest

from cps_portal.core.lib.errors import Refusal
from members.offers.actions.cards import get_or_issue_card, replace_card
from members.offers.enums import CardEnd
from members.offers.models import Card
from tests.concurrency.threads import together
from tests.world import World

NOW = datetime(2026, 3, 1, tzinfo=UTC)
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("attempt", range(3))
def test_two_simultaneous_page_views_issue_one_card(committed_world: World, attempt: int) -> None:
    ana = committed_world.ana
    results = together(*[lambda: get_or_issue_card(member=ana, at=NOW)] * 3)
    assert {result.pk for result in results} == {Card.objects.get().pk}


def test_two_simultaneous_replacements_issue_one_card(committed_world: World) -> None:
    world = committed_world
    old = get_or_issue_card(member=world.ana, at=NOW)
    results = together(*[lambda: replace_card(card=old, reason=CardEnd.LOST, by=world.staff, at=NOW)] * 3)
    assert [result.code for result in results if isinstance(result, Refusal)] == ["stale", "stale"]
    assert Card.objects.count() == 2
    assert Card.objects.live().get() != old
