"""What is often added in a member's country, and never by whom (R16)."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from kitbag.models import Product, Registration
from kitbag.queries.often_added import COUNTED_FOR, MIN_MEMBERS, count_often_added, often_added
from tests.factories import ProductFactory, validated
from tests.world import World, join

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_counted() -> None:
    cache.delete_many(["often-added.KE", "often-added.ZA"])


def added_by(world: World, product: Product, members: int, country: str = "KE") -> None:
    for number in range(members):
        member = join(f"M{product.pk}x{number}{country.lower()}", country, world.terms)
        validated(member, product, serial=f"0520310{number:05}")


def test_one_member_less_than_the_least_shows_nothing(world: World) -> None:
    often, rare = ProductFactory(), ProductFactory()
    added_by(world, often, MIN_MEMBERS)
    added_by(world, rare, MIN_MEMBERS - 1)
    assert count_often_added("KE", timezone.now()) == [often.pk]
    assert count_often_added("ZA", timezone.now()) == []


def test_a_member_with_many_of_it_is_one_member(world: World) -> None:
    product = ProductFactory()
    added_by(world, product, MIN_MEMBERS - 2)
    member = join("Many", "KE", world.terms)
    for number in range(3):
        validated(member, product, serial=f"01234567{number:04}")
    assert count_often_added("KE", timezone.now()) == []


def test_what_was_added_long_ago_or_is_held_is_left_out(world: World) -> None:
    old, new = ProductFactory(), ProductFactory()
    for product in (old, new):
        added_by(world, product, MIN_MEMBERS)
    long_ago = timezone.now() - COUNTED_FOR - timedelta(days=1)
    Registration.objects.filter(product=old).update(submitted_at=long_ago)
    assert often_added("KE", set(), timezone.now()) == [new]
    assert often_added("KE", {new.pk}, timezone.now()) == []


def test_it_is_counted_once_a_day(world: World) -> None:
    product = ProductFactory()
    assert often_added("KE", set(), timezone.now()) == []
    added_by(world, product, MIN_MEMBERS)
    assert often_added("KE", set(), timezone.now()) == []


def test_the_page_offers_it_and_adds_it_as_a_draft(world: World, as_ana: Client) -> None:
    country = world.ana.country.code
    product = ProductFactory()
    added_by(world, product, MIN_MEMBERS, country)
    page = " ".join(as_ana.get(reverse("kitbag:add")).content.decode().split())
    button = f'name="pick" value="{product.pk}.0"'
    assert "Often added in South Africa" in page and button in page
    as_ana.post(reverse("kitbag:pick"), {"pick": f"{product.pk}.0"})
    assert Registration.objects.of(world.ana).filter(product=product).count() == 1
    assert "Often added in" not in as_ana.get(reverse("kitbag:add")).content.decode()


def test_a_search_has_no_such_list(world: World, as_ana: Client) -> None:
    added_by(world, ProductFactory(), MIN_MEMBERS, "ZA")
    assert "Often added in" not in as_ana.get(reverse("kitbag:add"), {"q": "test"}).content.decode()
