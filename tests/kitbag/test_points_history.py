"""The points history reads all changes in brief and the shown ones whole (R21)."""

from itertools import pairwise

import pytest
from django.test import Client
from django.utils import timezone

from kitbag.actions import removals
from kitbag.enums import RemovalReason, Stage
from kitbag.models import PointsEntry, Registration
from kitbag.queries.points_history import changes_of, entries_of
from kitbag.views.points import PAGE_SIZE
from tests.factories import moved
from tests.fullbag import fill
from tests.world import World

pytestmark = pytest.mark.django_db


def busy(world: World) -> None:
    """Ben has two pages of changes: products that count, one that fell, one that he removed."""
    rows = fill(world.ben, [world.body, world.lens, world.grip], validated=PAGE_SIZE + 3)
    moved(world.body, Stage.SUPERSEDED)
    removals.remove_registration(
        registration=Registration.objects.get(pk=rows[0].pk),
        reason=RemovalReason.SOLD,
        by=world.ben.user,
        at=timezone.now(),
    )


def test_running_totals_are_those_of_the_database(world: World) -> None:
    busy(world)
    changes = changes_of(world.ben)
    rows = PointsEntry.objects.of(world.ben).with_total().order_by("pk").values_list("pk", "at", "amount", "total")
    assert [change[:4] for change in changes] == list(rows)
    world.ben.refresh_from_db()
    assert changes[-1].total == world.ben.points


def test_what_a_product_counts_is_the_sum_of_its_own_changes(world: World) -> None:
    busy(world)
    entries = {entry.pk: entry for entry in PointsEntry.objects.of(world.ben)}
    of_product: dict[int | None, int] = {}
    for change in changes_of(world.ben):
        key = entries[change.key].registration_id
        of_product[key] = of_product.get(key, 0) + change.amount
        assert change.counts == of_product[key]
    assert 0 in of_product.values(), "the removed one"


def test_entries_come_whole_and_only_those_asked_for(world: World) -> None:
    busy(world)
    shown = changes_of(world.ben)[-3:]
    entries = entries_of(shown, most=PAGE_SIZE)
    expected = PointsEntry.objects.select_related("registration__product").in_bulk([change.key for change in shown])
    assert entries == expected
    for key, entry in entries.items():
        assert entry.registration and expected[key].registration
        assert entry.registration.product == expected[key].registration.product
    assert entries_of([], most=PAGE_SIZE) == {}


def test_pages_continue_where_the_one_before_ends(world: World, as_ben: Client) -> None:
    busy(world)
    totals = [change.total for change in reversed(changes_of(world.ben))]
    shown: list[int] = []
    for number in (1, 2, 3):
        answer = as_ben.get("/kitbag/points/", {"page": number})
        shown += [line.total for _year, lines in answer.context["years"] for line in lines]
        if number == 1:
            assert len(shown) == PAGE_SIZE
            assert answer.context["last"].total == totals[0]
    assert shown[: len(totals)] == totals
    assert all(newer != older for newer, older in pairwise(totals))


def test_a_filter_keeps_the_totals_of_all_changes(world: World, as_ben: Client) -> None:
    busy(world)
    answer = as_ben.get("/kitbag/points/", {"show": "down"})
    shown = [(line.amount, line.total) for _year, lines in answer.context["years"] for line in lines]
    fallen = [(change.amount, change.total) for change in reversed(changes_of(world.ben)) if change.amount < 0]
    assert shown == fallen[:PAGE_SIZE]
    assert len(fallen) > 1
