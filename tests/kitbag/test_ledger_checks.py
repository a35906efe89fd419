"""The ledger compared with the rules, mended, and a generated crowd that agrees with them (R11, R21, R22)."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pgtrigger
import pytest
from django.core.management import CommandError, call_command
from django.db.models import Sum
from pytest_django import Settings

from kitbag.actions import adjustments, ledger, ledger_checks, stage_changes
from kitbag.enums import Stage
from kitbag.models import Announcement, LedgerCheck, PointsEntry, Product, Registration
from kitbag.tasks import check_ledger
from members.enums import PointsCause
from members.models import LevelChange, Member
from tests.factories import announced, plan, validated
from tests.fullbag import fill
from tests.world import World

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


def audit(*, repair: bool = False) -> LedgerCheck:
    return ledger_checks.check_ledger(by=None, at=NOW, repair=repair)


def found(check: LedgerCheck) -> tuple[int, int, int]:
    return check.wrong_registrations, check.wrong_points, check.wrong_levels


def begin(product: Product) -> int:
    change = announced(plan(product, Stage.SUPERSEDED, NOW - timedelta(days=100)), NOW - timedelta(days=100))
    stage_changes.begin_change.__wrapped__(change=change, at=NOW)  # type: ignore[attr-defined]
    return change.pk


def test_what_the_portal_wrote_is_clean_and_kept_as_a_row(world: World) -> None:
    adjustments.adjust_points(member=world.ben, points=40, reason="Jury", expires_on=None, by=world.staff, at=NOW)
    check = audit()
    assert check.is_clean and found(check) == (0, 0, 0)
    assert (check.members, check.registrations, check.differing) == (3, 3, [])
    assert LedgerCheck.objects.get() == check


def test_whatever_is_tampered_with_is_found_named_and_mended(world: World) -> None:
    """A product valued behind the portal's back, a total, a level, a level whose history is missing."""
    fill(world.ben, [world.grip], validated=1)
    adjustments.adjust_points(member=world.ben, points=40, reason="Jury", expires_on=None, by=world.staff, at=NOW)
    Product.objects.filter(pk=world.grip.pk).update(points_current=90)
    Member.objects.filter(pk=world.ana.pk).update(points=7)
    Member.objects.filter(pk=world.chloe.pk).update(level="gold")
    check = audit(repair=True)
    assert found(check) == (1, 1, 1)
    assert check.differing == sorted([world.ana.number, world.ben.number, world.chloe.number])
    assert check.mended == 3
    assert found(audit()) == (0, 0, 0)
    assert PointsEntry.objects.get(cause=PointsCause.MENDED).amount == 70
    for member in (world.ana, world.ben, world.chloe):
        member.refresh_from_db()
    assert [world.ana.points, world.ben.points, world.chloe.level] == [1000, 130, "red"]
    assert LevelChange.objects.filter(cause=PointsCause.MENDED, member=world.chloe).get().to_level == "red"


def test_a_level_that_nothing_led_to_gets_its_history_back(world: World) -> None:
    with pgtrigger.ignore("members.LevelChange:append_only"):
        LevelChange.objects.filter(member=world.ana, to_level=world.ana.level).delete()
    assert found(audit(repair=True)) == (0, 0, 1)
    assert found(audit()) == (0, 0, 0)


def test_members_awaiting_a_running_change_are_counted_separately(world: World) -> None:
    for number, member in enumerate((world.ben, world.chloe)):
        validated(member, world.body, f"20000000000{number}")
    change = begin(world.body)
    check = audit(repair=True)
    assert found(check) == (0, 0, 0) and check.is_clean and (check.awaiting, check.mended) == (3, 0)
    assert stage_changes.reconcile_step(change=change, limit=2, at=NOW)
    assert audit().awaiting == 1
    while stage_changes.reconcile_step(change=change, limit=2, at=NOW):
        pass
    assert audit().awaiting == 0


def test_a_holder_whom_the_run_missed_differs(world: World) -> None:
    change = begin(world.body)
    row = stage_changes.StageChange.objects.get(pk=change)
    row.cursor = world.ana.pk
    row.save()
    check = audit()
    assert found(check) == (1, 0, 0) and check.differing == [world.ana.number]


def test_holders_who_were_never_notified_are_reported(world: World) -> None:
    announced(plan(world.body, Stage.SUPERSEDED, NOW), NOW)
    assert audit().untold == 0
    Announcement.objects.all().delete()
    check = audit()
    assert check.untold == 1 and check.is_clean


def test_the_command_names_who_differs_and_fails_until_it_has_settled(world: World) -> None:
    Member.objects.filter(pk=world.ana.pk).update(points=7)
    out = StringIO()
    with pytest.raises(SystemExit) as stopped:
        call_command("check_ledger", stdout=out)
    assert stopped.value.code == 1
    assert f"differs: {world.ana.number}" in out.getvalue()
    call_command("check_ledger", "--repair", stdout=out)
    assert "1 members repaired" in out.getvalue()
    call_command("check_ledger", stdout=out)


def test_the_nightly_check_logs_an_error(world: World, caplog: pytest.LogCaptureFixture) -> None:
    check_ledger()
    assert not caplog.records
    Member.objects.filter(pk=world.ana.pk).update(points=7)
    check_ledger()
    assert "the ledger differs from the rules" in caplog.text


@pytest.mark.wide
def test_a_crowd_agrees_with_the_rules_and_is_the_same_again(world: World) -> None:
    """Over the products of the test world's catalogue, and what most hold is held by all."""
    with pytest.raises(CommandError, match="There are members already"):
        call_command("make_crowd", members=10)
    call_command("load_catalogue", verbosity=0)
    seen = []
    for _time in range(2):
        out = StringIO()
        call_command("make_crowd", "--add", members=500, registrations=2500, stdout=out)
        made = Member.objects.filter(user__email__startswith="crowd").order_by("-pk")[:500]
        rows = Registration.objects.filter(member__in=made)
        assert rows.count() == 2500
        seen.append(rows.filter(state="validated").aggregate(total=Sum("entries__amount"))["total"])
    assert seen[0] == seen[1] > 0
    check = audit()
    assert check.is_clean and check.members == 1003
    keys = list(Registration.objects.values_list("pk", flat=True))
    again = ledger.reconcile(registrations=keys, cause=PointsCause.VALIDATED, about="", by=None, at=NOW)
    assert again == ledger.LedgerChanges()


def test_a_crowd_is_refused_in_production(world: World, settings: Settings) -> None:
    settings.CROWDS_ALLOWED = False
    with pytest.raises(CommandError, match="production"):
        call_command("make_crowd", "--add", members=10)
