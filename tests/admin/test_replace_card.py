"""Staff replace the card of a member from a page that says before what it does (R40, R54)."""

from datetime import UTC, datetime

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from cps_portal.core.outbox.models import Message
from members.models import Member
from members.offers.actions.cards import get_or_issue_card
from members.offers.models import Card
from tests.admin.conftest import SignIn
from tests.rows import each_row
from tests.world import World

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TYPED = {"reason": "lost", "where": "phone", "do": "replace"}


@pytest.fixture
def card(world: World) -> Card:
    return get_or_issue_card(member=world.ana, at=NOW)


def page_of(card: Card) -> str:
    return reverse("admin:replace_card", args=[card.pk])


def test_the_member_leads_there_and_comes_back_with_a_new_card(world: World, card: Card, as_support: Client) -> None:
    member = reverse("admin:members_member_change", args=[world.ana.pk])
    assert page_of(card) in as_support.get(member).content.decode()
    assert "Nothing is done yet" in as_support.get(page_of(card)).content.decode()
    assert as_support.post(page_of(card), TYPED).url == member  # type: ignore[attr-defined]
    new = Card.objects.live().get()
    card.refresh_from_db()
    assert (card.end, new.pk > card.pk) == ("lost", True)
    assert Message.objects.filter(key=f"card-{new.number}").exists()
    assert LogEntry.objects.get().object_id == str(card.pk)
    assert new.token not in as_support.get(page_of(new)).content.decode()
    assert as_support.get(page_of(card)).url == page_of(new)  # type: ignore[attr-defined]
    as_support.post(page_of(card), TYPED)
    assert Card.objects.count() == 2


def test_a_card_is_only_stopped_when_that_is_asked(card: Card, as_support: Client) -> None:
    as_support.post(page_of(card), {**TYPED, "do": "stop"})
    card.refresh_from_db()
    assert (card.end, Card.objects.count()) == ("lost", 1)
    again = as_support.post(page_of(card), {**TYPED, "do": "stop"})
    assert "has no valid card" in again.content.decode()
    as_support.post(page_of(card), TYPED)
    assert Card.objects.live().count() == 1


@each_row(
    "field, value",
    [("reason", ""), ("reason", "closed"), ("reason", "bored"), ("where", ""), ("where", "post"), ("where", "moon")],
)
def test_what_cannot_be_is_refused_beside_its_field(card: Card, as_support: Client, field: str, value: str) -> None:
    """Without an address that is kept, nothing goes by post."""
    answer = as_support.post(page_of(card), {**TYPED, field: value})
    assert answer.context["form"].errors[field]
    assert Card.objects.live().get() == card


def test_other_staff_and_closed_accounts_have_no_such_page(world: World, card: Card, staff: SignIn) -> None:
    for group in ("Programme", "Centre", ""):
        client = staff(group)
        assert client.get(page_of(card)).status_code == 403, group
        assert client.post(page_of(card), TYPED).status_code == 403, group
    Member.objects.filter(pk=world.ana.pk).update(closed_at=NOW)
    assert staff("Support").post(page_of(card), TYPED).status_code == 404
    assert Card.objects.live().get() == card
