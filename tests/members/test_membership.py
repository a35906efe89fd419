"""What membership gives at home: by programme, service level and level (R3, R6, R65)."""

from datetime import timedelta
from itertools import product

import pytest
from django.utils import timezone

from members.enums import Level, Programme, ServiceLevel
from members.models import CountryProgramme, Member
from members.queries import active_countries, members_with_benefits_of, membership_of
from members.rules import Home, Membership, Nearby, home_of
from tests.rows import each_row
from tests.world import World, join

FULL, SILVER = Home.FREE_FULL, Home.FREE_SILVER
R, S, G, P = Level
HIGHER = [  # home, level, the levels above it that give more, and the level whose benefits they get
    (FULL, R, [S, G, P], R),
    (FULL, S, [G, P], S),
    (FULL, G, [P], G),
    (FULL, P, [], P),
    (SILVER, R, [S], R),
    (SILVER, S, [], S),
    (SILVER, G, [], S),
    (SILVER, P, [], S),
    *[(home, level, [], None) for home in (Home.SUBSCRIPTION, Home.NO_PROGRAMME) for level in Level],
]


@each_row(("home", "level", "higher", "benefit_level"), HIGHER)
def test_what_a_level_gives_ends_at_silver_in_some_countries_and_rests_in_others(
    home: Home, level: Level, higher: list[Level], benefit_level: Level | None
) -> None:
    membership = Membership(home, level, "ZA")
    assert [each for each in Level if membership.gives_more_at(each)] == higher
    assert membership.gives_more == bool(higher)
    assert membership.benefit_level == benefit_level
    assert membership.is_active == (benefit_level is not None)


@each_row(
    ("programme", "service_level", "home"),
    [
        (Programme.FREE, ServiceLevel.FULL, FULL),
        (Programme.FREE, ServiceLevel.SILVER, SILVER),
        (Programme.SUBSCRIPTION, "", Home.SUBSCRIPTION),
        (Programme.NONE, "", Home.NO_PROGRAMME),
    ],
)
def test_the_home_follows_the_programme_of_the_country(programme: str, service_level: str, home: Home) -> None:
    assert home_of(programme, service_level) == home
    assert Membership(home, R, "ZA").service_level == service_level


@pytest.mark.parametrize(
    ("nearby", "repairs", "everything"),
    [(Nearby.OWN, True, True), (Nearby.PARTNERS, True, False), (Nearby.NONE, False, False)],
)
def test_what_centres_of_a_country_give(nearby: Nearby, repairs: bool, everything: bool) -> None:
    """R46, R51: partners do Fast Track repairs; discount, free return and maintenance are for own centres."""
    assert (nearby.gives_repairs, nearby.gives_everything) == (repairs, everything)


def test_queries_for_many_members_decide_like_the_function_for_one(world: World) -> None:
    members = []
    for country, level in product(["ZA", "KE", "GE", "FR", "SY", "XX"], Level):
        member = join(f"{country}{level}", "ZA", world.terms)
        Member.objects.filter(pk=member.pk).update(country=country, level=level)
        members.append(Member.objects.get(pk=member.pk))
    active = set(active_countries())
    assert {m.pk for m in members if m.country.code in active} == {m.pk for m in members if membership_of(m).is_active}
    for levels in ([R], [S], [G, P], [S, G, P], list(Level), []):
        reached = set(Member.objects.filter(members_with_benefits_of(levels)).values_list("pk", flat=True))
        expected = {m.pk for m in members if membership_of(m).benefit_level in levels}
        assert reached & {m.pk for m in members} == expected


def test_membership_follows_the_programme_of_the_country_from_its_day_on(world: World) -> None:
    today = timezone.localdate()
    leaves = today + timedelta(days=30)
    CountryProgramme.objects.create(country="ZA", region="EMEA", kind=Programme.SUBSCRIPTION, valid_from=leaves)
    days = {day: membership_of(world.ana, leaves + timedelta(days=day)).home for day in (-1, 0, 1)}
    assert days == {-1: FULL, 0: Home.SUBSCRIPTION, 1: Home.SUBSCRIPTION}
    assert membership_of(world.ana).home == FULL
    assert "ZA" not in active_countries(leaves)
