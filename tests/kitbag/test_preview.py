"""The preview says before what the plan does afterwards: against a count by hand over a small world (R22)."""

from collections import Counter
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from kitbag.actions.adjustments import adjust_points
from kitbag.actions.ledger import reconcile
from kitbag.actions.planning import Plan, draft_changes, plan_changes
from kitbag.enums import Stage
from kitbag.models import Product, Registration, StageChange
from kitbag.queries.forecast import forecast, step_on
from kitbag.queries.preview import Preview, preview, preview_thresholds
from members.enums import Level, PointsCause
from members.models import LevelThreshold, Member
from members.rules import level_for
from tests.factories import ProductFactory
from tests.queries import SNAPSHOT_QUERIES
from tests.world import World, join

NOW = timezone.now()


def day(n: int) -> date:
    return timezone.localdate(NOW) + timedelta(days=n)


@pytest.fixture
def crowd(world: World) -> list[Product]:
    """Fifteen members in three countries with up to three copies of three products, on all sides of the bounds."""
    products = [ProductFactory(points_current=points, points_superseded=points // 2) for points in (300, 500, 800)]
    like = Registration.objects.filter(member=world.ana, product=world.body).get()
    kit = []
    for n in range(15):
        member = join(f"m{n}", ["ZA", "KE", "TR"][n % 3], world.terms)
        for place, product in enumerate(products):
            for copy in range(n * 5 // 3**place % 3):
                serial = f"{place}{copy}{n:010}"
                kit.append(_copy(like, member=member, product=product, serial=serial, serial_key=serial))
    Member.objects.filter(country="TR").update(country="HU")  # where the family name comes first
    keys = [row.pk for row in Registration.objects.bulk_create(kit)]
    reconcile(registrations=keys, cause=PointsCause.VALIDATED, about="", by=None, at=NOW)
    return products


def _copy(row: Registration, **changes: object) -> Registration:
    values = {field.attname: getattr(row, field.attname) for field in Registration._meta.concrete_fields}
    for name in ("id", "member_id", "product_id", *changes):
        values.pop(name, None)
    return Registration(**values, **changes)


def drafted(*plans: Plan) -> list[StageChange]:
    return draft_changes(plans=plans, at=NOW)


def superseded(product: Product, on: int, successor: Product) -> Plan:
    return Plan(product, Stage.SUPERSEDED, day(on), successor)


def by_hand(points_then: dict[int, tuple[int, int]], found: Preview) -> None:
    """`points_then` is before and after of everybody concerned."""
    scale = LevelThreshold.objects.in_force()
    countries = dict(Member.objects.values_list("pk", "country"))
    moves: Counter[tuple[str, str]] = Counter()
    for before, after in points_then.values():
        if level_for(before, scale) != level_for(after, scale):
            moves[level_for(before, scale), level_for(after, scale)] += 1
    assert found.members == len(points_then)
    assert {move: n for day in found.days for move, n in day.moves.items()} == moves
    assert found.lost - found.gained == sum(before - after for before, after in points_then.values())
    assert {str(row.country.code): row.members for row in found.countries} == Counter(
        str(countries[pk]) for pk in points_then
    )
    assert sum(row.falls + row.rises for row in found.countries) == sum(moves.values())
    assert {row.member: (row.points_before, row.points_after) for row in found.affected} == points_then
    names = {member.pk: member.full_name for member in Member.objects.all()}
    assert all(row.name == names[row.member] for row in found.affected)
    assert all(row.level_before == level_for(row.points_before, scale) for row in found.affected)


def test_two_products_on_one_day_are_counted_together(crowd: list[Product], world: World) -> None:
    first, second, third = crowd
    found = preview(drafted(superseded(first, 90, third), superseded(second, 90, third)))
    then = {}
    for member in Member.objects.all():
        held = Registration.objects.filter(member=member, state="validated")
        copies = Counter(held.values_list("product", flat=True))
        if copies[first.pk] or copies[second.pk]:
            then[member.pk] = (member.points, member.points - 150 * copies[first.pk] - 250 * copies[second.pk])
    assert len(then) > 9
    by_hand(then, found)
    assert found.registrations == Registration.objects.filter(product__in=[first, second]).count()
    lines = {change.product_id: n for change, n in found.lines}
    assert lines[first.pk] == Registration.objects.filter(product=first).count()
    drops = [row.level_before.rank - row.level_after.rank for row in found.affected]
    assert drops == sorted(drops, reverse=True)


def test_what_is_planned_or_ends_until_then_is_counted_in_as_the_forecast_does(
    crowd: list[Product], world: World
) -> None:
    first, second, third = crowd
    plan_changes(plans=[superseded(second, 80, third)], by=None, at=NOW)
    people = list(Member.objects.filter(registrations__product=first).distinct())
    adjust_points(member=people[0], points=700, reason="Sorry", expires_on=day(85), by=world.staff, at=NOW)
    rows = drafted(superseded(first, 90, third), Plan(third, Stage.UNSERVICEABLE, day(120)))
    found = preview(rows)
    plan_changes(plans=[superseded(first, 90, third), Plan(third, Stage.UNSERVICEABLE, day(120))], by=None, at=NOW)
    expected = {}
    for member in Member.objects.all():
        steps = forecast(member, day(0))
        for on in (day(90), day(120)):
            if step := step_on(steps, on):
                expected[member.pk, on] = (step.total_before, step.total_after, step.level_before, step.level_after)
    shown = {
        (row.member, row.on): (row.points_before, row.points_after, row.level_before, row.level_after)
        for row in found.affected
    }
    assert shown == expected
    assert [each.on for each in found.days] == [day(90), day(120)]
    assert sum(each.members for each in found.days) == len(expected)
    assert found.members == len({member for member, _on in expected})


def test_saved_changes_are_counted_once_and_a_replaced_one_not_at_all(crowd: list[Product]) -> None:
    first, second, third = crowd
    (old,) = plan_changes(plans=[superseded(first, 80, third)], by=None, at=NOW)
    by_draft = preview(drafted(superseded(second, 80, third)))
    assert preview([old]).lost == 150 * Registration.objects.filter(product=first).count()
    (row,) = draft_changes(plans=[Plan(first, Stage.UNSERVICEABLE, day(90))], at=NOW, instead_of=old.pk)
    row.replaces = old
    assert preview([row]).lost == 240 * Registration.objects.filter(product=first).count()
    assert by_draft.members == Member.objects.filter(registrations__product=second).distinct().count()


def test_a_product_without_holders_and_one_whose_points_rise(world: World) -> None:
    nobodys = ProductFactory()
    found = preview(drafted(superseded(nobodys, 90, world.body)))
    assert (found.members, found.lost, found.level_changes, found.affected) == (0, 0, 0, [])
    risen = preview(drafted(Plan(world.lens, Stage.CURRENT, day(5), None, {Stage.CURRENT: 900})))
    assert (risen.lost, risen.gained) == (0, 700)
    assert risen.matrix[Level.GOLD.rank][1][Level.PLATINUM.rank] == (Level.PLATINUM, 1)


def test_other_thresholds_move_everybody_whom_they_concern(crowd: list[Product], world: World) -> None:
    scale = {Level.RED: 0, Level.SILVER: 600, Level.GOLD: 1500, Level.PLATINUM: 3000}
    found = preview_thresholds(scale, day(90))
    now = LevelThreshold.objects.in_force()
    moves = Counter(
        (level_for(points, now), level_for(points, scale)) for points in Member.objects.values_list("points", flat=True)
    )
    assert found.days[0].moves == {(was, then): n for (was, then), n in moves.items() if was != then}
    assert all(row.level_before != row.level_after for row in found.affected)


def test_the_statements_are_as_many_for_many_changes_as_for_one(crowd: list[Product]) -> None:
    third = crowd[2]
    rows = drafted(*[superseded(ProductFactory(), 90 + n, third) for n in range(20)], superseded(crowd[0], 99, third))
    with CaptureQueriesContext(connection) as many:
        preview(rows)
    with CaptureQueriesContext(connection) as few:
        preview(rows[-1:])
    assert len(many) == len(few) <= 8 + SNAPSHOT_QUERIES
