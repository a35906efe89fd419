"""Notify holders of planned changes once, early enough, and again when a plan is cancelled (R22, R56)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from cps_portal.core.outbox import actions as outbox
from cps_portal.core.outbox.actions import OutgoingMessage
from kitbag.emails import UPCOMING_CHANGES_PATH
from kitbag.enums import RegistrationState
from kitbag.models import Announcement, Registration, StageChange
from kitbag.queries.forecast import Step, forecasts, step_on
from members import actions as members
from members.enums import ChangeState, NoticeCode
from members.models import Member, Notice

STALLED_AFTER = timedelta(minutes=1)


def changes_to_announce(*, at: datetime) -> list[int]:
    """The keys of the changes with members left to notify, of the plan or of its cancellation."""
    planned_before = at - timedelta(minutes=settings.ANNOUNCE_AFTER_MINUTES)
    new = Q(state=ChangeState.PLANNED, announced_at=None, planned_at__lte=planned_before)
    # The announcement of a replacement says "instead of", so it goes first; then it is no news that the old one is off.
    replaced_and_unannounced = Q(replaced_by__state=ChangeState.PLANNED, replaced_by__announced_at=None)
    cancelled = Q(state=ChangeState.CANCELLED, recalled_at=None) & ~replaced_and_unannounced
    rows = StageChange.objects.filter(new | cancelled).exclude(stepped_at__gt=at - STALLED_AFTER)
    return list(rows.order_by("effective_on", "pk").values_list("pk", flat=True))


@transaction.atomic
def notify_holders_step(*, change: int, limit: int, at: datetime) -> bool:
    """Notify the next `limit` members of a planned or cancelled change. Returns whether there is more to do.

    Several changes on one day are one notice and one e-mail. Returns False while another worker holds the lock on this
    change.
    """
    rows = StageChange.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
    row = rows.filter(pk=change).first()
    if row is None:
        return False
    if row.state == ChangeState.CANCELLED:
        return _recall_step(row, limit, at)
    if row.state != ChangeState.PLANNED or row.announced_at:
        return False
    notified = Announcement.objects.filter(change=row, member=OuterRef("member"))
    holders = Registration.objects.filter(
        ~Exists(notified), product=row.product_id, state=RegistrationState.VALIDATED, member__gt=row.cursor
    )
    keys = list(holders.order_by("member").values_list("member", flat=True).distinct()[:limit])
    if not keys:
        row.announced_at = at
        row.told = row.announcements.filter(withdrawn_at=None).count()
        row.save(update_fields=["announced_at", "told"])
        return False
    _announce(keys, row.effective_on, at)
    row.cursor, row.stepped_at = keys[-1], at
    row.save(update_fields=["cursor", "stepped_at"])
    return True


def notify_new_holder(*, registration: Registration, at: datetime) -> None:
    """Notify a member who becomes the holder of a product with a planned change (R22).

    The caller has locked the member. Plans that are too new to be announced are left out: their announcement will find
    this registration.
    """
    planned_before = at - timedelta(minutes=settings.ANNOUNCE_AFTER_MINUTES)
    ahead = StageChange.objects.planned().filter(product=registration.product_id, planned_at__lte=planned_before)
    for day in dict.fromkeys(ahead.values_list("effective_on", flat=True)):
        _announce([registration.member_id], day, at)


def _announce(keys: Sequence[int], day: date, at: datetime) -> None:
    """Notify these members of everything planned for that day, except those who know all of it already."""
    people = list(Member.objects.filter(pk__in=keys).locked().select_related("user"))
    changes = {row.pk: row for row in StageChange.objects.planned().filter(effective_on=day).select_related("product")}
    counted = Registration.objects.filter(
        member__in=keys, state=RegistrationState.VALIDATED, product__in={row.product_id for row in changes.values()}
    )
    held = defaultdict(set)
    for member, product in counted.order_by().values_list("member", "product"):
        held[member].add(product)
    notified = set(Announcement.objects.filter(member__in=keys, change__in=changes).values_list("member", "change"))
    steps = forecasts(people, timezone.localdate(at))
    announcements, notices, messages = [], [], []
    for person in people:
        relevant = [pk for pk, row in changes.items() if row.product_id in held[person.pk]]
        pending = [pk for pk in relevant if (person.pk, pk) not in notified]
        step = step_on(steps[person.pk], day)
        if not pending or step is None:
            continue
        key = f"change-{pending[0]}-{person.pk}"
        announcements += [Announcement(change_id=pk, member=person, letter=key, at=at) for pk in pending]
        notices.append(
            Notice(
                key=key,
                member=person,
                code=NoticeCode.POINTS_WILL_CHANGE,
                params=_notice_params(step),
                path=UPCOMING_CHANGES_PATH,
                at=at,
            )
        )
        payload = outbox.rendered_later("kitbag.points_will_change", member=person.pk, changes=relevant)
        messages.append(OutgoingMessage(key, person.user.email, payload))
    Announcement.objects.bulk_create(announcements)
    members.notify_members(notices)
    outbox.enqueue_many(kind="mail", messages=messages)
    _withdraw_replaced(announcements, changes, at)


def _notice_params(step: Step) -> dict[str, str | int]:
    """The parameters of the notice, with which the dashboard renders it in any language."""
    names = [fall.change.product.name for fall in step.falls]
    return {
        "on": step.on.isoformat(),
        "product": names[0],
        "others": len(names) - 1,
        "amount": step.amount,
        "points": step.total_after,
        "from": step.level_before.value,
        "to": step.level_after.value,
    }


def _withdraw_replaced(announcements: Iterable[Announcement], changes: dict[int, StageChange], at: datetime) -> None:
    """Withdraw announcements of replaced plans: the new one says "instead of", so no cancellation is announced."""
    old = {row.replaces_id: pk for pk, row in changes.items() if row.replaces_id}
    new = {(announcement.change_id, announcement.member_id) for announcement in announcements}
    stale = Announcement.objects.filter(change__in=old, member__in={member for _change, member in new})
    keys, message_keys = [], []
    for pk, change, member, message_key in stale.filter(withdrawn_at=None).values_list(
        "pk", "change", "member", "letter"
    ):
        if (old[change], member) in new:
            keys.append(pk)
            message_keys.append(message_key)
    Announcement.objects.filter(pk__in=keys).update(withdrawn_at=at)
    Notice.objects.filter(key__in=message_keys).delete()


def _recall_step(row: StageChange, limit: int, at: datetime) -> bool:
    """Notify the next members who were notified of a plan that it is cancelled, unless their e-mail was never sent."""
    if row.recalled_at:
        return False
    waiting = row.announcements.filter(withdrawn_at=None).order_by("member")
    announcements = list(waiting.select_related("member__user")[:limit])
    if not announcements:
        row.recalled_at = at
        row.save(update_fields=["recalled_at"])
        return False
    list(
        Member.objects.filter(pk__in=[announcement.member_id for announcement in announcements])
        .locked()
        .values_list("pk")
    )
    message_keys = [announcement.letter for announcement in announcements]
    unsent = outbox.unsent_keys(message_keys)
    still_valid = _keys_with_planned_changes(message_keys)
    Notice.objects.filter(key__in=set(message_keys) - still_valid).delete()
    params = {"product": row.product.name, "on": row.effective_on.isoformat()}
    notices, messages = [], []
    for announcement in announcements:
        if announcement.letter in unsent:
            continue
        key = f"cancelled-{row.pk}-{announcement.member_id}"
        notices.append(
            Notice(
                key=key,
                member=announcement.member,
                code=NoticeCode.PLAN_CANCELLED,
                params=params,
                path=UPCOMING_CHANGES_PATH,
                at=at,
            )
        )
        payload = outbox.rendered_later("kitbag.plan_cancelled", member=announcement.member_id, change=row.pk)
        messages.append(OutgoingMessage(key, announcement.member.user.email, payload))
    members.notify_members(notices)
    outbox.enqueue_many(kind="mail", messages=messages)
    Announcement.objects.filter(pk__in=[announcement.pk for announcement in announcements]).update(withdrawn_at=at)
    row.stepped_at = at
    row.save(update_fields=["stepped_at"])
    return True


def _keys_with_planned_changes(message_keys: Sequence[str]) -> set[str]:
    """Those of these messages that announced another change which is still planned."""
    rows = Announcement.objects.filter(letter__in=message_keys, change__state=ChangeState.PLANNED, withdrawn_at=None)
    return set(rows.values_list("letter", flat=True))
