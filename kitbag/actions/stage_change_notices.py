"""Notify holders of planned changes once, early enough, and again when a plan is cancelled (R22, R56)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from cps_portal.core.outbox import actions as outbox
from cps_portal.core.outbox.actions import OutgoingMessage
from kitbag.emails import UPCOMING_CHANGES_PATH
from kitbag.enums import RegistrationState
from kitbag.models import Announcement, Registration, StageChange, StageChangeQuerySet
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

    Several changes are one notice and one e-mail, also if they take effect on different days. Returns False while
    another worker holds the lock on this change.
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
    _announce(keys, at)
    row.cursor, row.stepped_at = keys[-1], at
    row.save(update_fields=["cursor", "stepped_at"])
    return True


def notify_new_holder(*, registration: Registration, at: datetime) -> None:
    """Notify a member who becomes the holder of a product with planned changes (R22).

    The caller has locked the member. Plans that are too new to be announced are left out: their announcement will find
    this registration. Several products in a burst are one notice and one e-mail after a pause, unless by then a change
    would have less than NOTICE_DAYS to go: then it is sent at once (R70).
    """
    member = registration.member
    ahead = list(_announceable(at).filter(product=registration.product_id))
    known = set(Announcement.objects.filter(member=member, change__in=ahead).values_list("change", flat=True))
    pending = [change for change in ahead if change.pk not in known]
    if not pending:
        return
    keys = [change.pk for change in pending]
    longest = timedelta(minutes=settings.MAX_NOTICE_PAUSE_MINUTES)
    can_wait = not any(_needs_notice_within(change, at, longest) for change in pending)
    message = outbox.enqueue_collected(
        group=f"holder-{member.pk}",
        kind="mail",
        to=member.user.email,
        payload=outbox.rendered_later("kitbag.points_will_change", member=member.pk, changes=keys),
        at=at,
        pause=timedelta(minutes=settings.NOTICE_PAUSE_MINUTES) if can_wait else timedelta(0),
        max_pause=longest,
    )
    letter = message.key if message else f"change-{keys[0]}-{member.pk}"
    announced = message.payload["context"]["changes"] if message else keys
    Announcement.objects.bulk_create(
        Announcement(change=change, member=member, letter=letter, at=at) for change in pending
    )
    # Written anew, because one that was dismissed a moment ago has more to tell now.
    Notice.objects.filter(key=letter).delete()
    members.notify_members([_notice(letter, member, announced, at)])


def _announceable(at: datetime) -> StageChangeQuerySet:
    """The planned changes ahead that are announced already, or old enough to be."""
    planned_before = at - timedelta(minutes=settings.ANNOUNCE_AFTER_MINUTES)
    ahead = StageChange.objects.planned().filter(effective_on__gt=timezone.localdate(at))
    return ahead.filter(planned_at__lte=planned_before)


def _needs_notice_within(change: StageChange, at: datetime, pause: timedelta) -> bool:
    """Whether the last day on which the change can be announced in time, or the day before it, ends in the pause."""
    today, then = timezone.localdate(at), timezone.localdate(at + pause)
    last_days = (change.effective_on - timedelta(days=settings.NOTICE_DAYS), change.effective_on - timedelta(days=1))
    return any(today <= day < then for day in last_days)


def _announce(keys: Sequence[int], at: datetime) -> None:
    """Notify these members of everything planned for what they hold, except those who know all of it already."""
    people = list(Member.objects.filter(pk__in=keys).locked().select_related("user"))
    changes = {row.pk: row for row in _announceable(at)}
    counted = Registration.objects.filter(
        member__in=keys, state=RegistrationState.VALIDATED, product__in={row.product_id for row in changes.values()}
    )
    held = defaultdict(set)
    for member, product in counted.order_by().values_list("member", "product"):
        held[member].add(product)
    notified = set(Announcement.objects.filter(member__in=keys, change__in=changes).values_list("member", "change"))
    announcements, notices, messages = [], [], []
    for person in people:
        relevant = [pk for pk, row in changes.items() if row.product_id in held[person.pk]]
        pending = [pk for pk in relevant if (person.pk, pk) not in notified]
        if not pending:
            continue
        key = f"change-{pending[0]}-{person.pk}"
        announcements += [Announcement(change_id=pk, member=person, letter=key, at=at) for pk in pending]
        notices.append(_notice(key, person, pending, at))
        payload = outbox.rendered_later("kitbag.points_will_change", member=person.pk, changes=pending)
        messages.append(OutgoingMessage(key, person.user.email, payload))
    Announcement.objects.bulk_create(announcements)
    members.notify_members(notices)
    outbox.enqueue_many(kind="mail", messages=messages)
    _withdraw_replaced(announcements, changes, at)


def _notice(key: str, member: Member, changes: Sequence[int], at: datetime) -> Notice:
    return Notice(
        key=key,
        member=member,
        code=NoticeCode.POINTS_WILL_CHANGE,
        params={"changes": list(changes)},
        path=UPCOMING_CHANGES_PATH,
        at=at,
    )


def _withdraw_replaced(announcements: Iterable[Announcement], changes: dict[int, StageChange], at: datetime) -> None:
    """Withdraw announcements of replaced plans: the new one says "instead of", so no cancellation is announced."""
    old = {row.replaces_id: pk for pk, row in changes.items() if row.replaces_id}
    new = {(announcement.change_id, announcement.member_id) for announcement in announcements}
    stale = Announcement.objects.filter(change__in=old, member__in={member for _change, member in new})
    rows = stale.filter(withdrawn_at=None).values_list("pk", "change", "member")
    keys = [pk for pk, change, member in rows if (old[change], member) in new]
    Announcement.objects.filter(pk__in=keys).update(withdrawn_at=at)


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
                params={"change": row.pk},
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
