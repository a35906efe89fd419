"""What membership gives, here and today: home, country visited and level (R3 to R7, R65)."""

import pytest

from members.enums import Level, Programme, ServiceLevel
from members.rules import (
    NO_BENEFITS,
    Benefits,
    Home,
    Membership,
    Treatment,
    Visited,
    benefits_here,
    home_of,
    treatment,
    visited_of,
)

GOLD = Benefits(3, 15, free_return=True, courtesy_loan=True)
FOR_TRAVELLERS = Benefits(7, 5)


@pytest.mark.parametrize(
    ("programme", "service_level", "home"),
    [
        (Programme.FREE, ServiceLevel.FULL, Home.FREE_FULL),
        (Programme.FREE, ServiceLevel.SILVER, Home.FREE_SILVER),
        (Programme.SUBSCRIPTION, "", Home.SUBSCRIPTION),
        (Programme.NONE, "", Home.NO_PROGRAMME),
    ],
)
def test_home_is_the_programme_of_the_country_where_a_member_lives(
    programme: str, service_level: str, home: Home
) -> None:
    assert home_of(programme, service_level) == home


@pytest.mark.parametrize(
    ("programme", "service_level", "has_own_centre", "visited"),
    [
        (Programme.FREE, ServiceLevel.FULL, True, Visited.FREE_FULL),
        (Programme.FREE, ServiceLevel.FULL, False, Visited.FREE_FULL),
        (Programme.FREE, ServiceLevel.SILVER, False, Visited.FREE_SILVER),
        (Programme.SUBSCRIPTION, "", True, Visited.SUBSCRIPTION_WITH_CENTRE),
        (Programme.SUBSCRIPTION, "", False, Visited.SUBSCRIPTION),
        (Programme.NONE, "", True, Visited.NO_PROGRAMME),
    ],
)
def test_the_country_visited(programme: str, service_level: str, has_own_centre: bool, visited: Visited) -> None:
    assert visited_of(programme, service_level, has_own_centre=has_own_centre) == visited


@pytest.mark.parametrize("home", Home)
@pytest.mark.parametrize("visited", Visited)
def test_only_members_of_the_free_programme_get_benefits_and_only_in_its_countries(
    home: Home, visited: Visited
) -> None:
    decided = treatment(home, visited)
    is_free = home in (Home.FREE_FULL, Home.FREE_SILVER) and visited in (Visited.FREE_FULL, Visited.FREE_SILVER)
    assert (decided == Treatment.BENEFITS) is is_free
    here = benefits_here(decided, of_level=GOLD, of_centre=FOR_TRAVELLERS)
    assert here == (GOLD if is_free else FOR_TRAVELLERS if decided == Treatment.TRY else NO_BENEFITS)


@pytest.mark.parametrize("home", [Home.OTHER_REGION, Home.SUBSCRIBER])
@pytest.mark.parametrize("visited", [Visited.FREE_FULL, Visited.FREE_SILVER])
def test_a_guest_without_a_valid_card_is_a_customer_like_any_other(home: Home, visited: Visited) -> None:  # R5
    assert treatment(home, visited) == Treatment.VISITOR
    assert treatment(home, visited, has_valid_card=False) == Treatment.CUSTOMER


@pytest.mark.parametrize(
    ("home", "level", "is_active", "highest", "more"),
    [
        (Home.FREE_FULL, Level.RED, True, Level.PLATINUM, ["silver", "gold", "platinum"]),
        (Home.FREE_FULL, Level.GOLD, True, Level.PLATINUM, ["platinum"]),
        (Home.FREE_FULL, Level.PLATINUM, True, Level.PLATINUM, []),
        (Home.FREE_SILVER, Level.RED, True, Level.SILVER, ["silver"]),
        (Home.FREE_SILVER, Level.SILVER, True, Level.SILVER, []),
        (Home.FREE_SILVER, Level.GOLD, True, Level.SILVER, []),
        (Home.SUBSCRIPTION, Level.RED, False, None, []),
        (Home.SUBSCRIPTION, Level.GOLD, False, None, []),
        (Home.NO_PROGRAMME, Level.SILVER, False, None, []),
    ],
)
def test_which_higher_levels_give_more_where_the_member_lives(
    home: Home, level: Level, is_active: bool, highest: Level | None, more: list[str]
) -> None:
    membership = Membership(home, level, "ZA")
    assert (membership.is_active, membership.highest_level) == (is_active, highest)
    assert [other.value for other in Level if membership.gives_more_at(other)] == more
