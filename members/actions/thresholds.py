"""Threshold changes: planned, announced in advance, applied to all members in batches (R10, R22)."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from itertools import pairwise

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.dates import write_day
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.history import attributed_to
from cps_portal.core.lib.locks import lock_rules_exclusive, lock_rules_shared
from cps_portal.core.outbox import actions as outbox
from cps_portal.core.outbox.actions import OutgoingMessage
from members import rules
from members.actions.levels import update_levels
from members.actions.notices import notify_members
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

STALLED_AFTER = timedelta(minutes=1)  # a run without a step for this long has lost its worker
MAX_POINTS = 1_000_000
MAX_TIME_AHEAD = timedelta(days=5 * 366)


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
    earliest = today + timedelta(days=settings.NOTICE_DAYS + 1)  # one day more, to notify everybody
    if effective_on <= today:
        raise Refusal("past", _("This date is not in the future. Choose a later one."), "effective_on")
    if effective_on > today + MAX_TIME_AHEAD:
        raise Refusal("far", _("This date is too far ahead. Check the year."), "effective_on")
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
    if effective_on < earliest and not plan.short_notice_reason:
        raise Refusal(
            "notice",
            _("Members get %(days)s days of notice. Choose %(day)s or later, or enter a reason for short notice.")
            % {"days": settings.NOTICE_DAYS, "day": write_day(earliest)},
            "effective_on",
        )
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


@transaction.atomic
def cancel_thresholds(*, plan: ThresholdPlan, by: User | None, at: datetime) -> ThresholdPlan:
    """Cancel a plan; members who were notified of it get a second message. Raises Refusal `state` if it has begun."""
    row = ThresholdPlan.objects.select_for_update(of=("self",), no_key=True).get(pk=plan.pk)
    if row.state != ChangeState.PLANNED:
        raise Refusal("state", _("This change has taken effect or has been cancelled already."))
    row.state, row.cancelled_at = ChangeState.CANCELLED, at
    row.cursor, row.stepped_at = 0, None
    with attributed_to(by):
        row.save(update_fields=["state", "cancelled_at", "cursor", "stepped_at"])
    return row


def members_changing_level(plan: ThresholdPlan) -> MemberQuerySet:
    """Members whose level a plan changes, given their points of today; annotated with `before` and `after`."""
    thresholds_before = rules.thresholds_on(
        [row for row in threshold_rows() if row[2] < plan.effective_on], plan.effective_on
    )
    members = Member.objects.open().annotate(before=level_by(thresholds_before), after=level_by(plan.thresholds))
    return members.exclude(before=F("after"))


# --- Announcing ------------------------------------------------------------------------------------


def plans_to_announce(*, at: datetime) -> list[int]:
    """Keys of the plans with members left to notify, of the plan or of its cancellation.

    A new plan is announced after ANNOUNCE_AFTER_MINUTES, so that staff can still correct a mistake unnoticed.
    """
    planned_before = at - timedelta(minutes=settings.ANNOUNCE_AFTER_MINUTES)
    plans = ThresholdPlan.objects.exclude(stepped_at__gt=at - STALLED_AFTER)
    new = plans.filter(state=ChangeState.PLANNED, announced_at=None, planned_at__lte=planned_before)
    cancelled = plans.filter(state=ChangeState.CANCELLED, recalled_at=None)
    return sorted(new.values_list("pk", flat=True)) + sorted(cancelled.values_list("pk", flat=True))


@transaction.atomic
def announce_thresholds_step(*, plan: int, limit: int, at: datetime) -> bool:
    """Notify the next `limit` members whose level will change, or whom a cancelled plan had been announced to.

    Returns whether there is more to do. Does nothing while another worker is at this plan.
    """
    rows = ThresholdPlan.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
    row = rows.filter(pk=plan).first()
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
    """Begin all plans whose day has come and whose members were notified in time.

    Returns the keys of all plans that need a worker: those that begin now, and runs that have lost their worker.
    """
    due = ThresholdPlan.objects.planned().filter(effective_on__lte=timezone.localdate(at), announced_at__isnull=False)
    for plan in due:
        if plan.told_in_time:
            begin_thresholds(plan=plan, at=at)
    stalled = ThresholdPlan.objects.filter(state=ChangeState.RUNNING).exclude(stepped_at__gt=at - STALLED_AFTER)
    return list(stalled.order_by("effective_on").values_list("pk", flat=True))


@transaction.atomic(durable=True)
def begin_thresholds(*, plan: ThresholdPlan, at: datetime) -> bool:
    """Write the new thresholds; the levels of members follow in steps.

    A short transaction of its own, because it holds the rules lock exclusively.
    """
    planned = ThresholdPlan.objects.planned().select_for_update(of=("self",), no_key=True, skip_locked=True)
    row = planned.filter(pk=plan.pk).first()
    if row is None or not row.told_in_time:
        return False
    lock_rules_exclusive()  # after the row, as in apply_thresholds_step
    for level, points in row.thresholds.items():
        if level != Level.RED:
            LevelThreshold.objects.update_or_create(
                level=level, valid_from=row.effective_on, defaults={"points_from": points}
            )
    row.state, row.begun_at = ChangeState.RUNNING, at
    row.cursor, row.stepped_at = 0, None
    row.save(update_fields=["state", "begun_at", "cursor", "stepped_at"])
    return True


@transaction.atomic
def apply_thresholds_step(*, plan: int, limit: int, at: datetime) -> bool:
    """Update the level of the next `limit` members whose level does not match the thresholds in force (R11).

    Returns whether there is more to do.
    """
    running = ThresholdPlan.objects.filter(pk=plan, state=ChangeState.RUNNING)
    row = running.select_for_update(of=("self",), no_key=True, skip_locked=True).first()
    if row is None:
        return False
    new_level = level_by(LevelThreshold.objects.in_force(timezone.localdate(at)))
    outdated = Member.objects.annotate(new_level=new_level).exclude(level=F("new_level")).filter(pk__gt=row.cursor)
    keys = list(outdated.order_by("pk").values_list("pk", flat=True)[:limit])
    if not keys:
        row.state, row.finished_at = ChangeState.DONE, at
        row.save(update_fields=["state", "finished_at"])
        return False
    list(Member.objects.filter(pk__in=keys).locked().values_list("pk"))
    lock_rules_shared()
    changes = update_levels(deltas=dict.fromkeys(keys, 0), cause=PointsCause.THRESHOLDS, about="", at=at)
    row.cursor, row.stepped_at = keys[-1], at
    row.moved += len(changes.level_changes)
    row.save(update_fields=["cursor", "stepped_at", "moved"])
    return True
