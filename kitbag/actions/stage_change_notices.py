"""Telling holders of planned changes, once, early enough, and again when a plan is dropped (R22, R56)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from cps_portal.core.outbox import actions as outbox
from cps_portal.core.outbox.actions import OutgoingMessage
from kitbag.emails import AHEAD_PATH
from kitbag.enums import RegistrationState
from kitbag.models import Announcement, Registration, StageChange
from kitbag.queries.forecast import Step, forecasts, step_on
from members import actions as members
from members.enums import ChangeState, NoticeCode
from members.models import Member, Notice

STALLED_AFTER = timedelta(minutes=1)


def changes_to_announce(*, at: datetime) -> list[int]:
    """The keys of the changes with somebody left to tell, of the plan or that it was dropped."""
    settled_down = at - timedelta(minutes=settings.ANNOUNCE_AFTER_MINUTES)
    new = Q(state=ChangeState.PLANNED, announced_at=None, planned_at__lte=settled_down)
    # Whoever still holds the product hears of the new plan "instead of" the old one, so that goes first.
    replaced_and_untold = Q(replaced_by__state=ChangeState.PLANNED, replaced_by__announced_at=None)
    dropped = Q(state=ChangeState.CANCELLED, recalled_at=None) & ~replaced_and_untold
    rows = StageChange.objects.filter(new | dropped).exclude(stepped_at__gt=at - STALLED_AFTER)
    return list(rows.order_by("effective_on", "pk").values_list("pk", flat=True))


@transaction.atomic
def notify_holders_step(*, change: int, limit: int, at: datetime) -> bool:
    """Tell the next `limit` members who have to be told of a change. Returns whether there is more to do.

    Several changes on one day are one notice and one mail. A step that another worker is at is left to it.
    """
    rows = StageChange.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
    row = rows.filter(pk=change).first()
    if row is None:
        return False
    if row.state == ChangeState.CANCELLED:
        return _recall_step(row, limit, at)
    if row.state != ChangeState.PLANNED or row.announced_at:
        return False
    told = Announcement.objects.filter(change=row, member=OuterRef("member"))
    holders = Registration.objects.filter(
        ~Exists(told), product=row.product_id, state=RegistrationState.VALIDATED, member__gt=row.cursor
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
    """Whoever comes to hold a product with a change ahead is told then (R22). The member is locked already.

    A plan so young that nobody has been told of it yet finds this registration when its turn comes.
    """
    settled_down = at - timedelta(minutes=settings.ANNOUNCE_AFTER_MINUTES)
    ahead = StageChange.objects.planned().filter(product=registration.product_id, planned_at__lte=settled_down)
    for day in dict.fromkeys(ahead.values_list("effective_on", flat=True)):
        _announce([registration.member_id], day, at)


def _announce(keys: Sequence[int], day: date, at: datetime) -> None:
    """Tell these members of everything planned for that day, unless they know all of it."""
    people = list(Member.objects.filter(pk__in=keys).locked().select_related("user"))
    changes = {row.pk: row for row in StageChange.objects.planned().filter(effective_on=day).select_related("product")}
    counted = Registration.objects.filter(
        member__in=keys, state=RegistrationState.VALIDATED, product__in={row.product_id for row in changes.values()}
    )
    held = defaultdict(set)
    for member, product in counted.order_by().values_list("member", "product"):
        held[member].add(product)
    known = set(Announcement.objects.filter(member__in=keys, change__in=changes).values_list("member", "change"))
    steps = forecasts(people, timezone.localdate(at))
    fresh, notices, letters = [], [], []
    for person in people:
        concerning = [pk for pk, row in changes.items() if row.product_id in held[person.pk]]
        untold = [pk for pk in concerning if (person.pk, pk) not in known]
        step = step_on(steps[person.pk], day)
        if not untold or step is None:
            continue
        key = f"change-{untold[0]}-{person.pk}"
        fresh += [Announcement(change_id=pk, member=person, letter=key, at=at) for pk in untold]
        notices.append(
            Notice(
                key=key,
                member=person,
                code=NoticeCode.POINTS_WILL_CHANGE,
                params=_facts(step),
                path=AHEAD_PATH,
                at=at,
            )
        )
        payload = outbox.rendered_later("kitbag.points_will_change", member=person.pk, changes=concerning)
        letters.append(OutgoingMessage(key, person.user.email, payload))
    Announcement.objects.bulk_create(fresh)
    members.notify_members(notices)
    outbox.enqueue_many(kind="mail", messages=letters)
    _forget_replaced(fresh, changes, at)


def _facts(step: Step) -> dict[str, str | int]:
    """What the dashboard's notice keeps: enough to word it in any language."""
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


def _forget_replaced(fresh: Iterable[Announcement], changes: dict[int, StageChange], at: datetime) -> None:
    """The new plan says "instead of", so nobody is told separately that the old one was dropped."""
    old = {row.replaces_id: pk for pk, row in changes.items() if row.replaces_id}
    new = {(announcement.change_id, announcement.member_id) for announcement in fresh}
    stale = Announcement.objects.filter(change__in=old, member__in={member for _change, member in new})
    keys, letters = [], []
    for pk, change, member, letter in stale.filter(withdrawn_at=None).values_list("pk", "change", "member", "letter"):
        if (old[change], member) in new:
            keys.append(pk)
            letters.append(letter)
    Announcement.objects.filter(pk__in=keys).update(withdrawn_at=at)
    Notice.objects.filter(key__in=letters).delete()


def _recall_step(row: StageChange, limit: int, at: datetime) -> bool:
    """Tell the next members who were told of a plan that it was dropped; those whose mail never left, nothing."""
    if row.recalled_at:
        return False
    waiting = row.announcements.filter(withdrawn_at=None).order_by("member")
    told = list(waiting.select_related("member__user")[:limit])
    if not told:
        row.recalled_at = at
        row.save(update_fields=["recalled_at"])
        return False
    list(Member.objects.filter(pk__in=[each.member_id for each in told]).locked().values_list("pk"))
    letters = [each.letter for each in told]
    unsent = outbox.unsent_keys(letters)
    still_true = _letters_with_open_changes(letters)
    Notice.objects.filter(key__in=set(letters) - still_true).delete()
    facts = {"product": row.product.name, "on": row.effective_on.isoformat()}
    notices, mails = [], []
    for each in told:
        if each.letter in unsent:
            continue
        key = f"cancelled-{row.pk}-{each.member_id}"
        notices.append(
            Notice(
                key=key,
                member=each.member,
                code=NoticeCode.PLAN_CANCELLED,
                params=facts,
                path=AHEAD_PATH,
                at=at,
            )
        )
        payload = outbox.rendered_later("kitbag.plan_cancelled", member=each.member_id, change=row.pk)
        mails.append(OutgoingMessage(key, each.member.user.email, payload))
    members.notify_members(notices)
    outbox.enqueue_many(kind="mail", messages=mails)
    Announcement.objects.filter(pk__in=[each.pk for each in told]).update(withdrawn_at=at)
    row.stepped_at = at
    row.save(update_fields=["stepped_at"])
    return True


def _letters_with_open_changes(letters: Sequence[str]) -> set[str]:
    rows = Announcement.objects.filter(letter__in=letters, change__state=ChangeState.PLANNED, withdrawn_at=None)
    return set(rows.values_list("letter", flat=True))
