"""Is this card valid: through the API, and as little as on its public page (R41)."""

import pytest
from django.utils import timezone

from members.enums import Level
from members.models import Member
from members.offers.actions.cards import get_or_issue_card, replace_card
from members.offers.enums import CardEnd
from tests.api.machines import Machine, machine
from tests.world import World

NOTHING = {"valid": False, "level": None, "initials": None}


@pytest.fixture
def door(world: World) -> Machine:
    return machine()


def check(door: Machine, card: str) -> object:
    answer = door.post("card-checks", {"card": card}, key="")
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_number_token_and_address_say_valid_level_and_initials_and_nothing_else(door: Machine, world: World) -> None:
    card = get_or_issue_card(member=world.ana, at=timezone.now())
    for shown in (card.number, card.number_in_groups, card.token, f"https://portal.example.org{card.check_path}"):
        assert check(door, shown) == {"valid": True, "level": "gold", "initials": "AE"}
    Member.objects.filter(pk=world.ana.pk).update(level=Level.RED)  # fell back: the level of today
    assert check(door, card.number) == {"valid": True, "level": "red", "initials": "AE"}


def test_all_invalid_cards_get_the_same_response(door: Machine, world: World) -> None:
    old = get_or_issue_card(member=world.ana, at=timezone.now())
    new = replace_card(card=old, reason=CardEnd.LOST, by=world.staff, at=timezone.now())
    assert check(door, new.number) != NOTHING
    for shown in (old.number, old.token, "880000000000", "x" * 43, "/c/x/", "٣٣٣٣", "'", world.ana.number):
        assert check(door, shown) == NOTHING
    Member.objects.filter(pk=world.ana.pk).update(closed_at=timezone.now())
    assert check(door, new.token) == NOTHING


def test_a_card_is_never_looked_up_by_address(door: Machine, world: World) -> None:
    card = get_or_issue_card(member=world.ana, at=timezone.now())
    assert door.get(f"card-checks?card={card.number}").status_code == 405
    assert door.get(f"card-checks/{card.number}").status_code == 404


@pytest.mark.parametrize("country", ["FR", "SY"])
def test_the_card_of_a_member_who_moved_away_is_like_any_invalid_card(
    door: Machine, world: World, country: str
) -> None:
    """R65: no reason is given; in a silver-only country and after the return the same card is valid."""
    card = get_or_issue_card(member=world.ana, at=timezone.now())
    for home, answer in ((country, NOTHING), ("GE", {"valid": True, "level": "gold", "initials": "AE"})):
        Member.objects.filter(pk=world.ana.pk).update(country=home)
        for shown in (card.number, card.token, f"/c/{card.token}/"):
            assert check(door, shown) == answer
