"""Planning what products will count: R20, R21, R22."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from cps_portal.core.lib.errors import Refusal
from kitbag.actions import planning, stage_changes
from kitbag.actions.planning import Plan, PlansRefused
from kitbag.enums import ProposalState, Stage
from kitbag.models import CatalogueProposal, Product, StageChange
from members.enums import ChangeState, PointsCause
from tests.factories import ProductFactory, announced, applied, moved, plan
from tests.rows import each_row
from tests.world import World

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TODAY = timezone.localdate(NOW)
pytestmark = pytest.mark.django_db


def refusals(*plans: Plan, reason: str = "") -> dict[int, tuple[str, str]]:
    """Code and field by the place of the plan."""
    try:
        planning.plan_changes(plans=plans, short_notice_reason=reason, by=None, at=NOW)
    except PlansRefused as refused:
        assert not StageChange.objects.exists(), "all of them or none"
        return {place: (refusal.code, refusal.field) for place, refusal in refused.rows.items()}
    return {}


@each_row(
    ("days", "reason", "code"),
    [
        (0, "", "past"),
        (-1, "", "past"),
        (-400, "because", "past"),
        (6 * 366, "", "far"),
        (1, "", "notice"),
        (60, "", "notice"),
        (61, "", None),
        (1, "The maker withdrew it", None),
        (60, "  ", "notice"),
    ],
)
def test_holders_get_sixty_days_of_notice_unless_a_reason_is_recorded(
    world: World, days: int, reason: str, code: str | None
) -> None:
    wanted = plan(world.body, Stage.SUPERSEDED, NOW, effective_on=TODAY + timedelta(days=days))
    assert refusals(wanted, reason=reason) == ({0: (code, "effective_on")} if code else {})
    if not code:
        assert StageChange.objects.get().short_notice_reason == reason.strip()


@each_row(
    ("stage", "points", "code"),
    [
        (Stage.SUPERSEDED, {Stage.SUPERSEDED: 299}, None),
        (Stage.SUPERSEDED, {Stage.SUPERSEDED: 300}, None),
        (Stage.SUPERSEDED, {Stage.SUPERSEDED: 301}, "rise"),
        (Stage.SUPERSEDED, {Stage.SUPERSEDED: 59}, "rise"),  # below what it counts when unserviceable
        (Stage.SUPERSEDED, {Stage.SUPERSEDED: 0}, "nothing"),
        (Stage.UNSERVICEABLE, {Stage.UNSERVICEABLE: 0}, "nothing"),
        (Stage.UNSERVICEABLE, {Stage.UNSERVICEABLE: 1}, None),
        (Stage.CURRENT, {Stage.CURRENT: 310}, None),
        (Stage.CURRENT, {Stage.CURRENT: 290}, "falls"),
        (Stage.CURRENT, {Stage.SUPERSEDED: 100}, None),
    ],
)
def test_points_only_fall_with_the_stage_and_never_to_nothing(
    world: World, stage: Stage, points: dict[Stage, int], code: str | None
) -> None:
    assert refusals(plan(world.body, stage, NOW, points=points)) == ({0: (code, "points")} if code else {})


def test_a_supersession_names_its_successor_and_never_in_a_circle(world: World) -> None:
    a, b, c = ProductFactory(), ProductFactory(), ProductFactory()
    day = TODAY + timedelta(days=100)
    assert refusals(Plan(a, Stage.SUPERSEDED, day)) == {0: ("successor", "successor")}
    assert refusals(Plan(a, Stage.SUPERSEDED, day, a)) == {0: ("loop", "successor")}
    assert refusals(Plan(a, Stage.CURRENT, day, b, {Stage.CURRENT: 310})) == {0: ("successor", "successor")}
    circle = [Plan(a, Stage.SUPERSEDED, day, b), Plan(b, Stage.SUPERSEDED, day, c), Plan(c, Stage.SUPERSEDED, day, a)]
    assert refusals(*circle) == {2: ("loop", "successor")}


def test_the_same_is_not_planned_twice(world: World) -> None:
    wanted = plan(world.body, Stage.SUPERSEDED, NOW)
    assert refusals(wanted, wanted) == {1: ("twice", "effective_on")}
    assert refusals(plan(world.body, Stage.CURRENT, NOW)) == {0: ("same_stage", "stage")}
    planning.plan_changes(plans=[wanted], by=None, at=NOW)
    for days, code in [(100, "twice"), (130, "same_stage"), (90, "same_stage")]:
        again = plan(world.body, Stage.SUPERSEDED, NOW, effective_on=TODAY + timedelta(days=days))
        with pytest.raises(PlansRefused) as refused:
            planning.plan_changes(plans=[again], by=None, at=NOW)
        assert refused.value.code == code


def test_every_bad_row_is_named_and_nothing_is_half_planned(world: World) -> None:
    good = plan(world.lens, Stage.SUPERSEDED, NOW)
    past = plan(world.body, Stage.SUPERSEDED, NOW, effective_on=TODAY)
    same = plan(world.pro_body, Stage.CURRENT, NOW)
    assert refusals(good, past, same) == {1: ("past", "effective_on"), 2: ("same_stage", "stage")}


def test_a_second_change_of_a_product_starts_from_what_the_first_leaves(world: World) -> None:
    first = plan(world.body, Stage.SUPERSEDED, NOW, points={Stage.SUPERSEDED: 150})
    second = plan(world.body, Stage.UNSERVICEABLE, NOW, effective_on=TODAY + timedelta(days=200))
    rows = planning.plan_changes(plans=[first], by=None, at=NOW)
    rows += planning.plan_changes(plans=[second], by=None, at=NOW)
    assert [(row.before, row.after) for row in rows] == [(300, 150), (150, 60)]


def test_a_product_whose_successor_is_withdrawn_is_restored_the_same_way(world: World) -> None:
    moved(world.body, Stage.SUPERSEDED, NOW - timedelta(days=300))
    world.ana.refresh_from_db()
    assert world.ana.points == 820
    change = applied(announced(plan(world.body, Stage.CURRENT, NOW), NOW), NOW + timedelta(days=100))
    world.ana.refresh_from_db()
    assert (change.cause, change.product.successor, world.ana.points) == (PointsCause.RESTORED, None, 1000)
    assert (change.holders, change.settled) == (1, 1)


def test_better_points_need_no_notice_period(world: World) -> None:
    moved(world.body, Stage.SUPERSEDED, NOW - timedelta(days=300))
    tomorrow = TODAY + timedelta(days=1)
    assert (
        len(planning.plan_changes(plans=[plan(world.body, Stage.CURRENT, NOW, effective_on=tomorrow)], by=None, at=NOW))
        == 1
    )


def test_a_plan_is_cancelled_once_and_not_after_it_took_effect(world: World) -> None:
    change = announced(plan(world.body, Stage.SUPERSEDED, NOW), NOW)
    planning.cancel_change(change=change, by=world.staff, at=NOW)
    with pytest.raises(Refusal, match="cancelled in the meantime"):
        planning.cancel_change(change=change, by=world.staff, at=NOW)
    other = applied(announced(plan(world.lens, Stage.SUPERSEDED, NOW), NOW), NOW + timedelta(days=100))
    with pytest.raises(Refusal, match="plan another change"):
        planning.cancel_change(change=other, by=world.staff, at=NOW)


def test_a_replacement_may_keep_the_day_and_leaves_one_open_plan(world: World) -> None:
    change = announced(plan(world.body, Stage.SUPERSEDED, NOW), NOW)
    same_day = plan(world.body, Stage.SUPERSEDED, NOW, points={Stage.SUPERSEDED: 200})
    row = planning.replace_change(change=change, plan=same_day, by=world.staff, at=NOW)
    change.refresh_from_db()
    assert (change.state, row.replaces, row.after) == (ChangeState.CANCELLED, change, 200)
    assert list(StageChange.objects.open()) == [row]


# --- Taking effect -----------------------------------------------------------------------------------


def test_a_change_takes_effect_on_its_day_and_not_before(world: World) -> None:
    change = announced(plan(world.body, Stage.SUPERSEDED, NOW), NOW)
    begin_due = stage_changes.begin_due
    eve = NOW + timedelta(days=99)
    assert begin_due(at=eve) == []
    assert begin_due(at=eve + timedelta(days=1)) == [change.pk]
    world.body.refresh_from_db()
    assert (world.body.stage, world.body.successor) == (Stage.SUPERSEDED, change.successor)


def test_a_change_that_was_announced_too_late_waits_for_staff(world: World) -> None:
    """Workers that stood still for weeks must not let anybody be surprised."""
    (change,) = planning.plan_changes(plans=[plan(world.body, Stage.SUPERSEDED, NOW)], by=None, at=NOW)
    assert stage_changes.begin_due(at=NOW + timedelta(days=100)) == [], "nobody was told"
    StageChange.objects.filter(pk=change.pk).update(announced_at=NOW + timedelta(days=50), told=1)
    assert stage_changes.begin_due(at=NOW + timedelta(days=100)) == []
    change.refresh_from_db()
    assert not change.told_in_time
    later = plan(world.body, Stage.SUPERSEDED, NOW, effective_on=TODAY + timedelta(days=170))
    planning.replace_change(change=change, plan=later, by=world.staff, at=NOW + timedelta(days=100))
    assert StageChange.objects.open().get().effective_on == later.effective_on


def test_a_run_that_lost_its_worker_is_found_and_one_at_work_is_left_alone(world: World) -> None:
    change = announced(plan(world.body, Stage.SUPERSEDED, NOW), NOW)
    day = NOW + timedelta(days=100)
    assert stage_changes.begin_due(at=day) == [change.pk]
    assert stage_changes.reconcile_step(change=change.pk, limit=1, at=day)
    assert stage_changes.begin_due(at=day + timedelta(seconds=30)) == []
    assert stage_changes.begin_due(at=day + timedelta(minutes=2)) == [change.pk]
    assert not stage_changes.reconcile_step(change=change.pk, limit=1, at=day)
    change.refresh_from_db()
    assert (change.state, change.settled) == (ChangeState.DONE, 1)


# --- The end of service ------------------------------------------------------------------------------


@each_row(
    ("year", "on"),
    [(2025, date(2026, 5, 1)), (2026, date(2027, 1, 1)), (2027, None), (None, None), (2019, date(2026, 5, 1))],
)
def test_the_end_of_service_is_planned_when_it_comes_into_sight(
    world: World, settings: Settings, year: int | None, on: date | None
) -> None:
    settings.SERVICE_END_HORIZON_DAYS = 310
    Product.objects.filter(pk=world.body.pk).update(service_end_year=year)
    planned = planning.plan_service_ends(at=NOW)
    assert [row.effective_on for row in planned] == ([on] if on else [])
    assert planning.plan_service_ends(at=NOW) == [], "again it plans nothing"


def test_an_end_of_service_that_staff_cancelled_is_not_planned_again(world: World) -> None:
    Product.objects.filter(pk=world.body.pk).update(service_end_year=2020)
    (change,) = planning.plan_service_ends(at=NOW)
    planning.cancel_change(change=change, by=world.staff, at=NOW)
    assert planning.plan_service_ends(at=NOW) == []


# --- What a load of the catalogue proposed -------------------------------------------------------------


def proposal(product: Product, **changes: list[object]) -> CatalogueProposal:
    return CatalogueProposal.objects.create(product=product, changes=changes, proposed_at=NOW)


def test_a_proposal_becomes_a_plan_with_stage_successor_and_points(world: World) -> None:
    row = proposal(
        world.body, stage=["current", "superseded"], successor=[None, "eos-r1-test"], points_superseded=[120, 110]
    )
    change = planning.accept_proposal(proposal=row, effective_on=TODAY + timedelta(days=70), by=world.staff, at=NOW)
    row.refresh_from_db()
    assert change
    assert (change.to_stage, change.successor, change.after) == (Stage.SUPERSEDED, world.pro_body, 110)
    assert row.state == ProposalState.PLANNED
    with pytest.raises(Refusal, match="closed in the meantime"):
        planning.decline_proposal(proposal=row, by=world.staff, at=NOW)


def test_a_proposal_to_count_less_at_the_same_stage_is_refused_with_the_reason(world: World) -> None:
    row = proposal(world.body, points_current=[300, 250])
    with pytest.raises(PlansRefused, match="promised 300"):
        planning.accept_proposal(proposal=row, effective_on=TODAY + timedelta(days=70), by=world.staff, at=NOW)
    row.refresh_from_db()
    assert row.state == ProposalState.OPEN


def test_planning_three_hundred_changes_takes_a_fixed_number_of_statements(
    world: World, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    successor = ProductFactory()
    products = Product.objects.bulk_create(ProductFactory.build(slug=f"many-{n}", name=f"Many {n}") for n in range(300))
    plans = [plan(product, Stage.SUPERSEDED, NOW, successor=successor) for product in products]
    with django_assert_max_num_queries(8):
        assert len(planning.plan_changes(plans=plans, by=None, at=NOW)) == 300
