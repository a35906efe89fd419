"""Staff replace and stop cards (R40, R54)."""

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from members.offers.actions.cards import get_or_issue_card
from members.offers.models import Card
from tests.admin.conftest import SignIn
from tests.world import World

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def test_support_replaces_a_card_with_a_reason(world: World, as_support: Client) -> None:
    card = get_or_issue_card(member=world.ana, at=NOW)
    listed = as_support.get(reverse("admin:offers_card_changelist"), {"q": card.number_in_groups})
    assert listed.context["cl"].result_count == 1
    operate = reverse("admin:offers_card_operate", args=[card.pk])
    missing = as_support.post(operate, {"do": "replace"})
    assert "This field is required" in missing.content.decode()
    as_support.post(operate, {"do": "replace", "reason": "lost"})
    card.refresh_from_db()
    new = Card.objects.live().get()
    assert (card.end, new.pk > card.pk) == ("lost", True)
    page = as_support.get(reverse("admin:offers_card_change", args=[new.pk])).content.decode()
    assert new.token not in page
    as_support.post(reverse("admin:offers_card_operate", args=[new.pk]), {"do": "revoke", "reason": "leaked"})
    assert not Card.objects.live().exists()
    assert (
        "q=" + world.ana.number
        in as_support.get(reverse("admin:members_member_change", args=[world.ana.pk])).content.decode()
    )


@pytest.mark.parametrize("group", ["Programme", "Centre", ""])
def test_other_staff_cannot_replace_cards(world: World, staff: SignIn, group: str) -> None:
    card = get_or_issue_card(member=world.ana, at=NOW)
    operate = reverse("admin:offers_card_operate", args=[card.pk])
    assert staff(group).post(operate, {"do": "replace", "reason": "lost"}).status_code == 403
    assert Card.objects.live().get() == card
