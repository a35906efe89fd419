"""The rules of foreign cards: data of the programme's staff, for the counter, partners and the database (R5)."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from servicing.actions.centres import load_card_rules
from servicing.enums import CardDoubt, CardRegion
from servicing.models import CardRule, ServiceCentre, VisitingMember
from servicing.rules.visitors import doubts_about_card, has_shape, shapes_of
from tests.admin.conftest import signed_in
from tests.factories import UserFactory
from tests.rows import each_row
from tests.servicing.jobs import a_centre
from tests.servicing.test_desk import works_at
from tests.servicing.test_visiting import open_job
from tests.world import World

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 30)
REALLY = "It really is like this on the card"


@pytest.fixture
def centre(world: World) -> ServiceCentre:
    return a_centre()


@pytest.fixture
def desk(centre: ServiceCentre, groups: dict[str, Group]) -> Client:
    return signed_in(works_at(centre, groups))


@pytest.fixture
def programme(groups: dict[str, Group]) -> Client:
    user = UserFactory(is_staff=True)
    user.groups.add(groups["Programme"])
    return signed_in(user)


@each_row(
    ("number", "shape", "fits"),
    [
        ("JP 7001 2345", "JP 9999 9999", True),
        ("jp-7001-2345", "JP99999999", True),
        ("JP 7001 234", "JP 9999 9999", False),
        ("US 7001 2345", "JP 9999 9999", False),
        ("X7", "A9", True),
        ("77", "A9", False),
        ("٧7", "99", True),
        ("ÄB", "AA", True),
        ("", "9", False),
        ("(1)", "(9)", True),
    ],
)
def test_a_number_has_a_shape_or_not(number: str, shape: str, fits: bool) -> None:
    assert has_shape(number, shape) is fits


@each_row(
    ("number", "expires_on", "shapes", "max_years", "doubts"),
    [
        ("JP 1", date(2028, 11, 30), "", None, []),
        ("JP 1", None, "JP 9\nXX 99", 2, []),
        ("XX 12", date(2028, 11, 30), " JP 9 \r\n\r\n XX 99 ", 2, []),
        ("12", date(2028, 12, 1), "JP 9", 2, [CardDoubt.NUMBER, CardDoubt.LONG]),
        ("", date(2028, 12, 1), "JP 9", 3, []),
    ],
)
def test_what_is_unusual_about_a_card_is_doubted(
    number: str, expires_on: date | None, shapes: str, max_years: int | None, doubts: list[CardDoubt]
) -> None:
    found = doubts_about_card(
        number=number, expires_on=expires_on, today=TODAY, shapes=shapes_of(shapes), max_years=max_years
    )
    assert found == doubts


def test_two_years_from_a_leap_day_are_a_day() -> None:
    told = doubts_about_card(number="1", expires_on=date(2026, 3, 2), today=date(2024, 2, 29), shapes=(), max_years=2)
    assert told == [CardDoubt.LONG]
    assert not doubts_about_card(
        number="1", expires_on=date(2026, 3, 1), today=date(2024, 2, 29), shapes=(), max_years=2
    )


def test_the_counter_is_asked_to_look_again_and_may_say_that_it_is_so(
    world: World, centre: ServiceCentre, desk: Client
) -> None:
    CardRule.objects.create(
        region="asia", number_shapes="AS 999", max_years_valid=1, check_on_card="It shows a lion.", what_they_get="Tea."
    )
    clean = open_job(desk, world, centre, do="check").content.decode()
    assert "It shows a lion." in clean and "Tea." in clean and REALLY not in clean
    late = (timezone.localdate() + timedelta(days=900)).isoformat()
    asked = open_job(desk, world, centre, card_number="AS 12345", expires_on=late)
    text = asked.content.decode()
    assert set(asked.context["card_form"].errors) == {"card_number", "expires_on"}
    assert REALLY in text and "AS 12345" in text and "Kei Example" in text, "nothing typed is lost"
    assert not VisitingMember.objects.exists()
    assert open_job(desk, world, centre, card_number="AS 12345", expires_on=late, as_on_card="on").status_code == 302
    assert VisitingMember.objects.get().card_number == "AS 12345"


def test_a_card_as_its_rule_says_and_one_of_a_region_without_a_rule_are_taken_at_once(
    world: World, centre: ServiceCentre, desk: Client
) -> None:
    CardRule.objects.create(region="asia", number_shapes="AS 999", max_years_valid=1)
    assert open_job(desk, world, centre).status_code == 302
    assert open_job(desk, world, centre, region="japan", card_number="?", serial="066666666667").status_code == 302


def test_programme_staff_edit_the_rules_and_centres_read_them(programme: Client, desk: Client) -> None:
    url = reverse("admin:servicing_cardrule_add")
    facts = {"region": "japan", "number_shapes": "JP 9999 9999", "max_years_valid": "3", "check_on_card": "A crane."}
    assert programme.post(url, facts).status_code == 302
    rule = CardRule.objects.get()
    assert (rule.shapes, rule.max_years_valid, str(rule)) == (("JP 9999 9999",), 3, "Japan")
    again = programme.post(url, facts)
    assert again.status_code == 200 and "already exists" in again.content.decode()
    change = reverse("admin:servicing_cardrule_change", args=[rule.pk])
    assert programme.post(change, {**facts, "region": "asia", "max_years_valid": "0"}).status_code == 200
    assert programme.post(change, {**facts, "region": "asia", "max_years_valid": ""}).status_code == 302
    rule.refresh_from_db()
    assert (rule.region, rule.max_years_valid) == ("japan", None)
    assert desk.get(change).status_code == 200
    assert desk.post(change, facts).status_code == 403 == desk.get(url).status_code


@each_row("values", [{"region": "mars"}, {"region": ""}, {"region": "japan", "max_years_valid": 0}])
def test_the_database_refuses_what_no_rule_can_be(world: World, values: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        CardRule.objects.create(**values)


def test_the_database_refuses_a_visiting_member_of_no_region(world: World) -> None:
    now = timezone.now()
    facts = {"card_number": "1", "expires_on": now.date(), "name": "Kei", "at": now}
    with pytest.raises(IntegrityError, match="visiting_member_region_known"), transaction.atomic():
        VisitingMember.objects.create(region="Asia", **facts)
    assert VisitingMember.objects.create(region="asia", **facts).pk


def test_the_sample_has_a_rule_for_each_region_and_never_overwrites_one(world: World) -> None:
    CardRule.objects.create(region="japan", check_on_card="Ours.")
    assert load_card_rules() == len(CardRegion) - 1
    assert load_card_rules() == 0
    assert CardRule.objects.get(region="japan").check_on_card == "Ours."
    assert set(CardRule.objects.values_list("region", flat=True)) == set(CardRegion.values)
    for rule in CardRule.objects.all():
        rule.full_clean()
