"""Threshold changes: planned, announced in advance, applied to all members in batches (R10, R22)."""

from collections.abc import Iterable
from datetime import date, datetime
from itertools import pairwise

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.locks import lock_rules_exclusive, lock_rules_shared
from cps_portal.core.outbox import actions as outbox
from cps_portal.core.outbox.actions import OutgoingMessage
from members import rules
from members.actions.levels import update_levels
from members.actions.notices import notify_members
from members.actions.plans import (
    begin_due_plans,
    check_day,
    check_notice,
    lock_for_step,
    lock_to_begin,
    mark_begun,
    mark_finished,
)
from members.emails import UPCOMING_CHANGES_PATH
from members.enums import ChangeState, Level, NoticeCode, PointsCause
from members.models import (
    LevelThreshold,
    Member,
    MemberQuerySet,
    Notice,
    ThresholdAnnouncement,
    ThresholdPlan,
    User,
    level_by,
    threshold_rows,
)

MAX_POINTS = 1_000_000


def draft_thresholds(
    *,
    effective_on: date,
    silver: int,
    gold: int,
    platinum: int,
    short_notice_reason: str = "",
    by: User | None = None,
    at: datetime,
) -> ThresholdPlan:
    """The plan that `plan_thresholds` would write, for a preview. Raises Refusal beside its field."""
    today = timezone.localdate(at)
    check_day(effective_on, today=today)
    fields = {"silver": silver, "gold": gold, "platinum": platinum}
    for (_lower, points_below), (name, points) in pairwise([("red", 0), *fields.items()]):
        if not points_below < points <= MAX_POINTS:
            raise Refusal("order", _("Each level has to start above the level below it. Enter more points."), name)
    if ThresholdPlan.objects.planned().filter(effective_on=effective_on).exists():
        raise Refusal("twice", _("Another threshold change is already planned for that day."), "effective_on")
    plan = ThresholdPlan(
        effective_on=effective_on,
        short_notice_reason=short_notice_reason.strip(),
        planned_at=at,
        planned_by=by,
        **fields,
    )
    if plan.thresholds == rules.thresholds_on(threshold_rows(), effective_on):
        raise Refusal("same", _("These are the current thresholds. Change at least one of them."), "silver")
    check_notice(plan, today=today)
    return plan


@transaction.atomic
def plan_thresholds(
    *,
    effective_on: date,
    silver: int,
    gold: int,
    platinum: int,
    short_notice_reason: str = "",
    by: User | None,
    at: datetime,
) -> ThresholdPlan:
    """Plan new thresholds. `announce_thresholds_step` notifies the members whose level will change.

    Raises Refusal beside its field.
    """
    lock_rules_exclusive()
    plan = draft_thresholds(
        effective_on=effective_on,
        silver=silver,
        gold=gold,
        platinum=platinum,
        short_notice_reason=short_notice_reason,
        by=by,
        at=at,
    )
    plan.save()
    return plan


def members_changing_level(plan: ThresholdPlan) -> MemberQuerySet:
    """Members whose level a plan changes, given their points of today; annotated with `before` and `after`."""
    thresholds_before = rules.thresholds_on(
        [row for row in threshold_rows() if row[2] < plan.effective_on], plan.effective_on
    )
    members = Member.objects.open().annotate(before=level_by(thresholds_before), after=level_by(plan.thresholds))
    return members.exclude(before=F("after"))


# --- Announcing ------------------------------------------------------------------------------------


@transaction.atomic
def announce_thresholds_step(*, plan: int, limit: int, at: datetime) -> bool:
    """Notify the next `limit` members whose level will change, or whom a cancelled plan had been announced to.

    Returns whether there is more to do. Does nothing while another worker is at this plan.
    """
    row = lock_for_step(ThresholdPlan, plan)
    if row is None:
        return False
    if row.state == ChangeState.CANCELLED:
        return _recall_step(row, limit, at)
    if row.state != ChangeState.PLANNED or row.announced_at:
        return False
    members = list(members_changing_level(row).filter(pk__gt=row.cursor).select_related("user").order_by("pk")[:limit])
    if not members:
        row.announced_at = at
        row.told = row.announcements.count()
        row.save(update_fields=["announced_at", "told"])
        return False
    keys = {member.pk: f"levels-{row.pk}-{member.pk}" for member in members}
    ThresholdAnnouncement.objects.bulk_create(
        [ThresholdAnnouncement(plan=row, member=member, letter=keys[member.pk], at=at) for member in members],
        ignore_conflicts=True,
    )
    notify_members(
        Notice(
            key=keys[member.pk],
            member=member,
            code=NoticeCode.LEVELS_WILL_CHANGE,
            params={"plan": row.pk},
            path=UPCOMING_CHANGES_PATH,
            at=at,
        )
        for member in members
    )
    _enqueue_mails("members.levels_will_change", row, [(keys[member.pk], member) for member in members])
    row.cursor, row.stepped_at = members[-1].pk, at
    row.save(update_fields=["cursor", "stepped_at"])
    return True


def _recall_step(row: ThresholdPlan, limit: int, at: datetime) -> bool:
    """Withdraw the next `limit` announcements of a cancelled plan, and notify those who may have seen them."""
    if row.recalled_at:
        return False
    open_announcements = row.announcements.filter(withdrawn_at=None).select_related("member__user").order_by("pk")
    announcements = list(open_announcements[:limit])
    if not announcements:
        row.recalled_at = at
        row.save(update_fields=["recalled_at"])
        return False
    mail_keys = [announcement.letter for announcement in announcements]
    unsent = outbox.unsent_keys(mail_keys)
    informed = [announcement.member for announcement in announcements if announcement.letter not in unsent]
    keys = {member.pk: f"levels-stay-{row.pk}-{member.pk}" for member in informed}
    notify_members(
        Notice(
            key=keys[member.pk],
            member=member,
            code=NoticeCode.LEVELS_STAY,
            params={"plan": row.pk},
            path=UPCOMING_CHANGES_PATH,
            at=at,
        )
        for member in informed
    )
    _enqueue_mails("members.levels_stay", row, [(keys[member.pk], member) for member in informed])
    row.announcements.filter(pk__in=[announcement.pk for announcement in announcements]).update(withdrawn_at=at)
    row.stepped_at = at
    row.save(update_fields=["stepped_at"])
    return True


def _enqueue_mails(renderer: str, plan: ThresholdPlan, recipients: Iterable[tuple[str, Member]]) -> None:
    """Enqueue a mail about the plan for each (key, member)."""
    messages = [
        OutgoingMessage(key, member.user.email, outbox.rendered_later(renderer, member=member.pk, plan=plan.pk))
        for key, member in recipients
    ]
    outbox.enqueue_many(kind="mail", messages=messages)


# --- Applying --------------------------------------------------------------------------------------


def begin_due_thresholds(*, at: datetime) -> list[int]:
    """Keys of the plans that need a worker (`begin_due_plans`)."""
    return begin_due_plans(ThresholdPlan, begin_thresholds, at=at)


@transaction.atomic(durable=True)
def begin_thresholds(*, plan: ThresholdPlan, at: datetime) -> bool:
    """Write the new thresholds; the levels of members follow in steps.

    A short transaction of its own, because it holds the rules lock exclusively.
    """
    row = lock_to_begin(plan)
    if row is None:
        return False
    lock_rules_exclusive()  # after the row, as in apply_thresholds_step
    for level, points in row.thresholds.items():
        if level != Level.RED:
            LevelThreshold.objects.update_or_create(
                level=level, valid_from=row.effective_on, defaults={"points_from": points}
            )
    mark_begun(row, at=at)
    return True


@transaction.atomic
def apply_thresholds_step(*, plan: int, limit: int, at: datetime) -> bool:
    """Update the level of the next `limit` members whose level does not match the thresholds in force (R11).

    Returns whether there is more to do.
    """
    row = lock_for_step(ThresholdPlan, plan)
    if row is None or row.state != ChangeState.RUNNING:
        return False
    new_level = level_by(LevelThreshold.objects.in_force(timezone.localdate(at)))
    outdated = Member.objects.annotate(new_level=new_level).exclude(level=F("new_level")).filter(pk__gt=row.cursor)
    keys = list(outdated.order_by("pk").values_list("pk", flat=True)[:limit])
    if not keys:
        mark_finished(row, at=at)
        return False
    list(Member.objects.filter(pk__in=keys).locked().values_list("pk"))
    lock_rules_shared()
    changes = update_levels(deltas=dict.fromkeys(keys, 0), cause=PointsCause.THRESHOLDS, about="", at=at)
    row.cursor, row.stepped_at = keys[-1], at
    row.moved += len(changes.level_changes)
    row.save(update_fields=["cursor", "stepped_at", "moved"])
    return True
