"""What a purchase, a sale or a newer model would do (R12)."""

import pytest
from django.test import Client

from kitbag.models import PointsEntry, Registration
from kitbag.views.what_if import MAX_ASSUMPTIONS
from tests.factories import validated
from tests.rows import each_row
from tests.world import World

pytestmark = pytest.mark.django_db


def tried(client: Client, **asked: object) -> tuple[int, str, bool]:
    answer = client.get("/kitbag/what-if/", asked)
    assert answer.status_code == 200
    outcome = answer.context["outcome"]
    return outcome.total, outcome.level.value, answer.context["left_out"]


def test_every_assumption_changes_the_total_and_nothing_is_saved(world: World, as_ana: Client) -> None:
    before = (PointsEntry.objects.count(), Registration.objects.count())
    body, pro, lens = world.body.pk, world.pro_body.pk, world.lens.pk
    assert tried(as_ana) == (1000, "gold", False)
    assert tried(as_ana, buy=body) == (1300, "gold", False)
    assert tried(as_ana, buy=[body, body]) == (1600, "platinum", False)
    assert tried(as_ana, sold=pro) == (500, "silver", False)
    assert tried(as_ana, superseded=pro) == (700, "silver", False)
    assert tried(as_ana, unserviceable=[pro, lens], buy=pro) == (1000 - 400 - 160 + 100, "silver", False)
    assert tried(as_ana, sold=body, superseded=body, buy=body) == (820, "silver", False)
    assert (PointsEntry.objects.count(), Registration.objects.count()) == before
    world.ana.refresh_from_db()
    assert world.ana.points == 1000


def test_two_copies_are_sold_one_by_one_and_superseded_together(world: World, as_ana: Client) -> None:
    validated(world.ana, world.body, "100000000009")
    body = world.body.pk
    assert tried(as_ana, sold=body) == (1000, "gold", False)
    assert tried(as_ana, sold=[body, body]) == (700, "silver", False)
    assert tried(as_ana, superseded=body) == (940, "silver", False)


@each_row(
    "asked",
    [
        {"buy": "x"},
        {"buy": "9" * 400},
        {"buy": "٣"},
        {"buy": "\x00"},
        {"buy": "-1"},
        {"buy": "999999999"},
        {"sold": "999999"},
        {"superseded": ["", "1e3"]},
        {"buy": ["x"] * 500},
    ],
)
def test_impossible_assumptions_are_left_out_and_the_page_says_so(
    world: World, as_ana: Client, asked: dict[str, object]
) -> None:
    assert tried(as_ana, **asked) == (1000, "gold", True)
    assert "We left them out" in as_ana.get("/kitbag/what-if/", asked).content.decode()


def test_products_not_held_or_not_registrable_are_left_out_and_there_is_a_limit(world: World, as_ana: Client) -> None:
    assert tried(as_ana, sold=world.grip.pk)[2]
    assert tried(as_ana, buy=world.battery.pk)[2]
    assert tried(as_ana, sold=[world.body.pk] * 2) == (700, "silver", True)
    assert tried(as_ana, superseded=world.body.pk, unserviceable=world.body.pk) == (820, "silver", True)
    assert tried(as_ana, buy=[world.grip.pk] * (MAX_ASSUMPTIONS + 5)) == (1000 + 20 * MAX_ASSUMPTIONS, "platinum", True)


def test_a_search_keeps_the_assumptions_and_works_without_javascript(world: World, as_ana: Client) -> None:
    page = as_ana.get("/kitbag/what-if/", {"sold": world.lens.pk, "q": "r1 test"})
    ((_product, _name, url),) = page.context["results"]
    assert (url.count("sold="), url.count("buy=")) == (1, 1)
    assert as_ana.get(url).context["outcome"].total == 1300
    chosen = next(held for held in page.context["held_products"] if held.product == world.lens).choices[0]
    assert chosen.chosen and as_ana.get(chosen.url).context["outcome"].total == 1000


def test_a_member_without_kit_can_try_it_and_nothing_is_saved(world: World, as_ben: Client) -> None:
    assert tried(as_ben, buy=world.pro_body.pk) == (500, "silver", False)
    assert as_ben.post("/kitbag/what-if/").status_code == 405
