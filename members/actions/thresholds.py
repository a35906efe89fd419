"""Other points for the levels: planned, announced, applied to everybody in batches (R10, R22)."""

from datetime import date, datetime, timedelta
from itertools import pairwise

from django.conf import settings
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
from members.emails import AHEAD_PATH
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

PATIENCE = timedelta(minutes=1)
MAX_POINTS = 1_000_000
LATEST = timedelta(days=5 * 366)


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
    earliest = today + timedelta(days=settings.NOTICE_DAYS + 1)  # and a day to tell everybody
    if effective_on <= today:
        raise Refusal("past", _("This day is not in the future. Choose a later one."), "effective_on")
    if effective_on > today + LATEST:
        raise Refusal("far", _("This day is more than five years ahead. Check the year."), "effective_on")
    fields = {"silver": silver, "gold": gold, "platinum": platinum}
    for (_lower, below), (name, points) in pairwise([("red", 0), *fields.items()]):
        if not below < points <= MAX_POINTS:
            raise Refusal("order", _("Each level has to start above the one before it: type more points."), name)
    if ThresholdPlan.objects.planned().filter(effective_on=effective_on).exists():
        raise Refusal("twice", _("A change of the levels is planned for that day already."), "effective_on")
    plan = ThresholdPlan(
        effective_on=effective_on,
        short_notice_reason=short_notice_reason.strip(),
        planned_at=at,
        planned_by=by,
        **fields,
    )
    if plan.thresholds == rules.thresholds_on(threshold_rows(), effective_on):
        raise Refusal("same", _("These are the points as they stand. Change at least one of them."), "silver")
    if effective_on < earliest and not plan.short_notice_reason:
        raise Refusal(
            "notice",
            _("Members are told %(days)s days before: choose %(day)s or later, or say why it cannot wait.")
            % {"days": settings.NOTICE_DAYS, "day": earliest.isoformat()},
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
    """Plan other points for the levels; whose level will move is told by `announce_thresholds_step`.

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
    """Drop a plan; members who were told of it are told so. Raises Refusal `state` once it has taken effect."""
    row = ThresholdPlan.objects.select_for_update(of=("self",), no_key=True).get(pk=plan.pk)
    if row.state != ChangeState.PLANNED:
        raise Refusal("state", _("This has taken effect or was cancelled meanwhile."))
    row.state, row.cancelled_at = ChangeState.CANCELLED, at
    row.cursor, row.stepped_at = 0, None
    row.save(update_fields=["state", "cancelled_at", "cursor", "stepped_at"])
    return row


def members_changing_level(plan: ThresholdPlan) -> MemberQuerySet:
    """Members whose level a plan moves, by their points of today, with ``before`` and ``after``."""
    eve = rules.thresholds_on([row for row in threshold_rows() if row[2] < plan.effective_on], plan.effective_on)
    people = Member.objects.open().annotate(before=level_by(eve), after=level_by(plan.thresholds))
    return people.exclude(before=F("after"))


# --- Telling ---------------------------------------------------------------------------------------


def plans_to_announce(*, at: datetime) -> list[int]:
    """The keys of the plans with somebody left to tell, of the plan or that it was dropped."""
    settled_down = at - timedelta(minutes=settings.ANNOUNCE_AFTER_MINUTES)
    plans = ThresholdPlan.objects.exclude(stepped_at__gt=at - PATIENCE)
    new = plans.filter(state=ChangeState.PLANNED, announced_at=None, planned_at__lte=settled_down)
    dropped = plans.filter(state=ChangeState.CANCELLED, recalled_at=None)
    return sorted(new.values_list("pk", flat=True)) + sorted(dropped.values_list("pk", flat=True))


@transaction.atomic
def announce_thresholds_step(*, plan: int, limit: int, at: datetime) -> bool:
    """Tell the next `limit` members whose level will move, or who were told of a plan that was dropped.

    Returns whether there is more to do. A step that another worker is at is left to it.
    """
    rows = ThresholdPlan.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
    row = rows.filter(pk=plan).first()
    if row is None:
        return False
    if row.state == ChangeState.CANCELLED:
        return _recall_step(row, limit, at)
    if row.state != ChangeState.PLANNED or row.announced_at:
        return False
    people = list(members_changing_level(row).filter(pk__gt=row.cursor).select_related("user").order_by("pk")[:limit])
    if not people:
        row.announced_at = at
        row.told = row.announcements.count()
        row.save(update_fields=["announced_at", "told"])
        return False
    letters = {person.pk: f"levels-{row.pk}-{person.pk}" for person in people}
    ThresholdAnnouncement.objects.bulk_create(
        [ThresholdAnnouncement(plan=row, member=person, letter=letters[person.pk], at=at) for person in people],
        ignore_conflicts=True,
    )
    notify_members(
        Notice(
            key=letters[person.pk],
            member=person,
            code=NoticeCode.LEVELS_WILL_CHANGE,
            params={
                "on": row.effective_on.isoformat(),
                "points": person.points,
                "from": person.before,  # type: ignore[attr-defined]
                "to": person.after,  # type: ignore[attr-defined]
            },
            path=AHEAD_PATH,
            at=at,
        )
        for person in people
    )
    mails = [
        OutgoingMessage(
            letters[person.pk],
            person.user.email,
            outbox.rendered_later("members.levels_will_change", member=person.pk, plan=row.pk),
        )
        for person in people
    ]
    outbox.enqueue_many(kind="mail", messages=mails)
    row.cursor, row.stepped_at = people[-1].pk, at
    row.save(update_fields=["cursor", "stepped_at"])
    return True


def _recall_step(row: ThresholdPlan, limit: int, at: datetime) -> bool:
    if row.recalled_at:
        return False
    told = list(row.announcements.filter(withdrawn_at=None).select_related("member__user").order_by("pk")[:limit])
    if not told:
        row.recalled_at = at
        row.save(update_fields=["recalled_at"])
        return False
    letters = [each.letter for each in told]
    Notice.objects.filter(key__in=letters).delete()
    unsent = outbox.unsent_keys(letters)
    heard = [each for each in told if each.letter not in unsent]
    notify_members(
        Notice(
            key=f"levels-stay-{row.pk}-{each.member_id}",
            member=each.member,
            code=NoticeCode.LEVELS_STAY,
            params={"on": row.effective_on.isoformat()},
            path=AHEAD_PATH,
            at=at,
        )
        for each in heard
    )
    mails = [
        OutgoingMessage(
            f"levels-stay-{row.pk}-{each.member_id}",
            each.member.user.email,
            outbox.rendered_later("members.levels_stay", member=each.member_id, plan=row.pk),
        )
        for each in heard
    ]
    outbox.enqueue_many(kind="mail", messages=mails)
    row.announcements.filter(pk__in=[each.pk for each in told]).update(withdrawn_at=at)
    row.stepped_at = at
    row.save(update_fields=["stepped_at"])
    return True


# --- Applying --------------------------------------------------------------------------------------


def begin_due_thresholds(*, at: datetime) -> list[int]:
    """Let every plan take effect whose day has come and whose members were told in time.

    Returns the keys of all plans whose members wait to be settled: those, and runs that stand still.
    """
    due = ThresholdPlan.objects.planned().filter(effective_on__lte=timezone.localdate(at), announced_at__isnull=False)
    for plan in due:
        if plan.told_in_time:
            begin_thresholds(plan=plan, at=at)
    standing = ThresholdPlan.objects.filter(state=ChangeState.RUNNING).exclude(stepped_at__gt=at - PATIENCE)
    return list(standing.order_by("effective_on").values_list("pk", flat=True))


@transaction.atomic(durable=True)
def begin_thresholds(*, plan: ThresholdPlan, at: datetime) -> bool:
    """Write the thresholds, in a short transaction that holds the rules alone; levels follow by steps."""
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
    """Let the thresholds in force decide the level of the next `limit` members whose level is another (R11).

    Returns whether there is more to do.
    """
    running = ThresholdPlan.objects.filter(pk=plan, state=ChangeState.RUNNING)
    row = running.select_for_update(of=("self",), no_key=True, skip_locked=True).first()
    if row is None:
        return False
    right = level_by(LevelThreshold.objects.in_force(timezone.localdate(at)))
    wrong = Member.objects.annotate(right=right).exclude(level=F("right")).filter(pk__gt=row.cursor)
    keys = list(wrong.order_by("pk").values_list("pk", flat=True)[:limit])
    if not keys:
        row.state, row.finished_at = ChangeState.DONE, at
        row.save(update_fields=["state", "finished_at"])
        return False
    list(Member.objects.filter(pk__in=keys).locked().values_list("pk"))
    lock_rules_shared()
    moved = update_levels(deltas=dict.fromkeys(keys, 0), cause=PointsCause.THRESHOLDS, about="", at=at, later=True)
    row.cursor, row.stepped_at = keys[-1], at
    row.moved += len(moved.level_changes)
    row.save(update_fields=["cursor", "stepped_at", "moved"])
    return True
