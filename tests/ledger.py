"""Invariants of every ledger at every moment: R11, R18, R20, R21, R22."""

from django.db import transaction
from django.db.models import Sum

from cps_portal.core.outbox.models import Message
from kitbag.actions import ledger
from kitbag.enums import RegistrationState
from kitbag.models import Announcement, PointsEntry, Registration, StageChange
from members import rules as member_rules
from members.enums import ChangeState, PointsCause
from members.models import LevelChange, LevelThreshold, Member, PendingLevelNotice


def awaiting() -> set[int]:
    """Registrations that a running change has not reached yet."""
    found: set[int] = set()
    for change in StageChange.objects.filter(state=ChangeState.RUNNING):
        rows = Registration.objects.filter(product=change.product_id, member__gt=change.cursor)
        found |= set(rows.values_list("pk", flat=True))
    return found


def assert_points_and_levels_follow_the_entries() -> None:
    thresholds = LevelThreshold.objects.in_force()
    for member in Member.objects.all():
        total = PointsEntry.objects.filter(member=member).aggregate(sum=Sum("amount"))["sum"] or 0
        assert member.points == total
        assert member.level == member_rules.level_for(total, thresholds)
        last = LevelChange.objects.filter(member=member).order_by("pk").last()
        assert member.level == (last.to_level if last else "red")


def assert_only_what_is_validated_counts() -> None:
    """A validated registration counts what its stage says, unless a running change has not reached it yet."""
    for row in Registration.objects.with_counted().select_related("product").exclude(pk__in=awaiting()):
        assert row.counted == (row.product.points if row.state == RegistrationState.VALIDATED else 0)


def assert_settling_again_writes_nothing() -> None:
    keys = list(Registration.objects.exclude(pk__in=awaiting()).values_list("pk", flat=True))
    with transaction.atomic():
        at = StageChange.objects.order_by("planned_at").values_list("planned_at", flat=True).last()
        again = ledger.reconcile(registrations=keys, cause=PointsCause.VALIDATED, about="", by=None, at=at)  # type: ignore[arg-type]
    assert again == ledger.LedgerChanges()


def assert_nobody_is_told_twice() -> None:
    told = Announcement.objects.filter(change__state=ChangeState.PLANNED, withdrawn_at=None)
    for letter, email in told.values_list("letter", "member__user__email"):
        assert Message.objects.get(key=letter).to == email
    levels = Message.objects.filter(key__startswith="level-").count()
    assert levels + PendingLevelNotice.objects.count() <= LevelChange.objects.count()


def assert_every_holder_was_told(change: StageChange) -> None:
    holders = Registration.objects.filter(product=change.product_id, state=RegistrationState.VALIDATED)
    told = Announcement.objects.filter(change=change, withdrawn_at=None).values("member")
    assert not holders.exclude(member__in=told).exists()
