"""The ledger: R10, R11, R18, R20, R21, R26."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import Sum

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox.models import Message
from kitbag.actions import ledger, registrations, removals, review
from kitbag.enums import RefusalReason, RegistrationState, RemovalReason, ReviewReason, Stage
from kitbag.models import PointsEntry, Registration
from members import actions as members
from members.enums import Level, PointsCause
from members.models import LevelChange, Notice
from tests.factories import announced, applied, details, draft, plan, submitted, validated
from tests.rows import each_row
from tests.world import World

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def settle_all(cause: PointsCause = PointsCause.VALIDATED) -> ledger.LedgerChanges:
    with transaction.atomic():
        keys = list(Registration.objects.values_list("pk", flat=True))
        return ledger.reconcile(registrations=keys, cause=cause, about="", by=None, at=NOW)


def test_a_draft_does_not_count(world: World) -> None:
    draft(world.ben, world.body)
    world.ben.refresh_from_db()
    assert (world.ben.points, world.ben.level) == (0, Level.RED)


def test_a_submitted_product_does_not_count_until_it_is_validated(world: World) -> None:
    row = submitted(world.ben, world.body)
    world.ben.refresh_from_db()
    assert (row.state, world.ben.points) == (RegistrationState.SUBMITTED, 0)
    registrations.check_registration(registration=row, at=NOW)
    world.ben.refresh_from_db()
    assert world.ben.points == 300


def test_points_and_level_move_together_and_the_level_change_is_kept(world: World) -> None:
    validated(world.ben, world.pro_body, "200000000001", at=NOW)
    world.ben.refresh_from_db()
    assert (world.ben.points, world.ben.level) == (500, Level.SILVER)
    change = LevelChange.objects.get(member=world.ben)
    assert (change.from_level, change.to_level, change.points, change.at) == (Level.RED, Level.SILVER, 500, NOW)


def test_a_member_is_notified_of_a_level_once_by_mail_and_on_the_dashboard(world: World) -> None:
    validated(world.ben, world.pro_body, "200000000001", at=NOW)
    settle_all()
    members.notify_level_changes(limit=10, at=NOW + timedelta(hours=1))
    told = Notice.objects.filter(member=world.ben).values_list("code", flat=True)
    assert sorted(told) == ["level_up", "welcome_pack"]
    assert Message.objects.filter(key__startswith="level-", to__icontains="ben@example.org").count() == 1


def test_settling_again_writes_nothing(world: World) -> None:
    before = PointsEntry.objects.count()
    assert settle_all().deltas == {}
    assert PointsEntry.objects.count() == before


def test_a_second_check_of_the_same_registration_changes_nothing(world: World) -> None:
    row = validated(world.ben, world.body)
    registrations.check_registration(registration=row, at=NOW)
    world.ben.refresh_from_db()
    assert (world.ben.points, PointsEntry.objects.filter(registration=row).count()) == (300, 1)


def test_removing_takes_the_points_and_keeps_the_history(world: World) -> None:
    row = Registration.objects.get(member=world.ana, product=world.pro_body)
    cost = removals.removal_cost(row)
    assert (cost.points, cost.total_after, cost.level_before, cost.level_after) == (500, 500, Level.GOLD, Level.SILVER)
    removals.remove_registration(registration=row, reason=RemovalReason.SOLD, by=world.ana.user, at=NOW)
    world.ana.refresh_from_db()
    assert (world.ana.points, world.ana.level) == (500, Level.SILVER)
    assert [entry.amount for entry in row.entries.order_by("pk")] == [500, -500]


def test_removing_twice_is_refused(world: World) -> None:
    row = draft(world.ben, world.body)
    removals.remove_registration(registration=row, reason=RemovalReason.LOST, by=None, at=NOW)
    with pytest.raises(Refusal, match="no longer in the Kitbag"):
        removals.remove_registration(registration=row, reason=RemovalReason.LOST, by=None, at=NOW)


def test_a_supersession_settles_every_holder_to_the_next_stage(world: World) -> None:
    validated(world.ben, world.pro_body, "200000000001")
    change = announced(plan(world.pro_body, Stage.SUPERSEDED, NOW, successor=world.body), NOW)
    applied(change, NOW, limit=1)
    for member, total, level in [(world.ana, 700, Level.SILVER), (world.ben, 200, Level.RED)]:
        member.refresh_from_db()
        assert (member.points, member.level) == (total, level)
    entry = PointsEntry.objects.filter(member=world.ben).latest("pk")
    assert (entry.amount, entry.cause, entry.stage) == (-300, PointsCause.SUPERSEDED, Stage.SUPERSEDED)
    assert entry.stage_change == change


def test_a_check_that_goes_against_a_counted_product_takes_its_points(world: World) -> None:
    row = Registration.objects.get(member=world.ana, product=world.body)
    review.refuse_registration(registration=row, reason=RefusalReason.SERIAL_WRONG, by=world.staff, at=NOW)
    world.ana.refresh_from_db()
    row.refresh_from_db()
    assert (row.state, world.ana.points) == (RegistrationState.REJECTED, 700)
    assert row.entries.latest("pk").cause == PointsCause.CHECK


@each_row("statement", ["update {} set at = now()", "delete from {}"])
@each_row("table", ["kitbag_pointsentry", "members_levelchange", "members_termsacceptance"])
def test_the_database_refuses_to_change_a_log(world: World, table: str, statement: str) -> None:

    with pytest.raises(DatabaseError, match="pgtrigger"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(table))


def test_the_running_total_is_the_sum_of_what_came_before(world: World) -> None:
    rows = PointsEntry.objects.filter(member=world.ana).with_total().order_by("pk")
    assert [row.total for row in rows] == [500, 800, 1000]
    assert PointsEntry.objects.filter(member=world.ana).aggregate(sum=Sum("amount"))["sum"] == world.ana.points


def test_a_serial_held_elsewhere_waits_for_a_person_and_the_holder_keeps_the_points(world: World) -> None:
    row = validated(world.ben, world.body, "1000 0000 0002")
    world.ana.refresh_from_db()
    world.ben.refresh_from_db()
    assert (row.state, row.review_reason) == (RegistrationState.SUBMITTED, ReviewReason.DUPLICATE)
    assert (world.ana.points, world.ben.points) == (1000, 0)


def test_the_same_serial_on_another_model_is_another_product(world: World) -> None:
    assert validated(world.ben, world.pro_body, "100000000002").state == RegistrationState.VALIDATED


def test_approving_a_duplicate_is_refused_while_the_other_counts(world: World) -> None:
    row = validated(world.ben, world.body, "100000000002")
    with pytest.raises(Refusal, match="Another member holds"):
        review.approve_registration(registration=row, by=world.staff, at=NOW)
    row.refresh_from_db()
    assert row.state == RegistrationState.SUBMITTED


def test_the_same_registration_cannot_be_submitted_twice(world: World) -> None:
    row = draft(world.ana, world.body)
    with pytest.raises(Refusal) as refusal:
        registrations.submit_registration(registration=row, details=details("100000000002"), insisted=False, at=NOW)
    assert (refusal.value.code, refusal.value.field) == ("serial_own_duplicate", "serial")


@each_row(
    ("changes", "field"),
    [
        ({"serial": ""}, "serial"),
        ({"country": ""}, "country"),
        ({"purchased_on": None}, "purchased_on"),
        ({"store": "  "}, "store"),
        ({"purchased_on": datetime(2026, 3, 3, tzinfo=UTC).date()}, "purchased_on"),
        ({"purchased_on": datetime(1900, 3, 3, tzinfo=UTC).date()}, "purchased_on"),
        ({"serial": "4549292000009"}, "serial"),
        ({"serial": "UR0902"}, "serial"),
        ({"serial": "12345"}, "serial"),
        ({"serial": "12*45"}, "serial"),
        ({"serial": "", "no_serial": True}, "serial"),
    ],
)
def test_each_error_names_its_field(world: World, changes: dict[str, object], field: str) -> None:
    row = draft(world.ben, world.body)
    with pytest.raises(Refusal) as refusal:
        registrations.submit_registration(
            registration=row, details=details(**{"serial": "200000000001", **changes}), insisted=False, at=NOW
        )
    assert refusal.value.field == field
    row.refresh_from_db()
    assert row.state == RegistrationState.DRAFT


def test_a_member_may_insist_on_an_unusual_serial_and_a_person_decides(world: World) -> None:
    row = submitted(world.ben, world.body, "12345", insisted=True)
    row = registrations.check_registration(registration=row, at=NOW)
    assert (row.state, row.review_reason) == (RegistrationState.SUBMITTED, ReviewReason.SHAPE)
    row = review.approve_registration(registration=row, by=world.staff, at=NOW)
    world.ben.refresh_from_db()
    assert (row.state, row.decided_by, world.ben.points) == (RegistrationState.VALIDATED, world.staff, 300)


def test_an_item_without_serial_goes_to_a_person(world: World) -> None:
    row = draft(world.ben, world.grip)
    row = registrations.submit_registration(
        registration=row, details=details("", no_serial=True), insisted=False, at=NOW
    )
    row = registrations.check_registration(registration=row, at=NOW)
    assert row.review_reason == ReviewReason.NO_SERIAL


def test_a_refusal_can_be_corrected_and_submitted_again(world: World) -> None:
    row = submitted(world.ben, world.body, "12345", insisted=True)
    row = registrations.check_registration(registration=row, at=NOW)
    row = review.refuse_registration(registration=row, reason=RefusalReason.SERIAL_WRONG, by=world.staff, at=NOW)
    row = registrations.submit_registration(registration=row, details=details("200000000009"), insisted=False, at=NOW)
    row = registrations.check_registration(registration=row, at=NOW)
    world.ben.refresh_from_db()
    assert (row.state, row.refusal_reason, world.ben.points) == (RegistrationState.VALIDATED, "", 300)


def test_a_registration_in_review_can_be_withdrawn(world: World) -> None:
    row = validated(world.ben, world.body, "100000000002")
    row = registrations.reopen_registration(registration=row, at=NOW)
    assert (row.state, row.review_reason, row.serial) == (RegistrationState.DRAFT, "", "100000000002")


def test_a_product_that_cannot_be_registered_is_not_added(world: World) -> None:
    with pytest.raises(Refusal, match="can’t be registered"):
        draft(world.ben, world.battery)
