"""Points and levels of members follow the ledger, and members are notified of changes (R10, R11, R56)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from cps_portal.core.outbox import actions as outbox
from cps_portal.core.outbox.actions import OutgoingMessage
from members.actions.notices import notify_members
from members.emails import PACK_PATH, POINTS_PATH
from members.enums import LEVEL_NOTICES, Level, NoticeCode, PointsCause
from members.models import LevelChange, Member, Notice, PendingLevelNotice

NOTIFYING_LOCK_ID = 0x4C564E54  # one worker at a time tells of level changes; see RULES_LOCK_ID

UPDATE_LEVELS_SQL = """
threshold as materialized (
    select distinct on (level) level, points_from from members_levelthreshold
    where valid_from <= %(today)s order by level, valid_from desc
), moved as (
    select m.id, m.level as was, m.points + delta.amount as points from delta join members_member m using (id)
), due as (
    select moved.*, (
        select t.level from threshold t where t.points_from <= moved.points order by t.points_from desc limit 1
    ) as level
    from moved
), followed as (
    update members_member m set points = due.points, level = due.level from due
    where m.id = due.id and (m.points, m.level) is distinct from (due.points, due.level)
), changed as (
    insert into members_levelchange (member_id, from_level, to_level, points, cause, about, at)
    select id, was, level, points, %(cause)s, %(about)s, %(at)s from due where was <> level order by id
    returning id, member_id
), pending as (
    insert into members_untoldlevelchange (change_id, member_id) select id, member_id from changed
)
select delta.id, delta.amount, changed.id
from delta left join changed on changed.member_id = delta.id order by delta.id
"""


@dataclass(frozen=True)
class LedgerChanges:
    """What a reconciliation wrote: the change of points by member key, and the keys of the level changes."""

    deltas: dict[int, int] = field(default_factory=dict)
    level_changes: list[int] = field(default_factory=list)


def update_levels(
    *,
    cause: PointsCause,
    about: str,
    at: datetime,
    deltas: Mapping[int, int] | None = None,
    ledger: str = "",
    facts: Mapping[str, Any] | None = None,
) -> LedgerChanges:
    """Add changes of the ledger to the members' points and update their levels (R11), in one statement.

    The changes are `deltas`, a map of member keys to points; or they come from `ledger`, SQL that writes the entries in
    the same statement: common table expressions, the last of them `delta (id, amount)`, with `facts` as parameters.
    The caller has locked these members in an earlier statement of the open transaction, because a statement sees only
    what was committed before it began.
    `about` is the name of the product concerned, if it is a single one. Members whose level changed are notified by
    `notify_level_changes`, after a pause: a burst is one message (R70).
    """
    if deltas is not None:
        ledger = "with delta (id, amount) as (select * from unnest(%(members)s::bigint[], %(amounts)s::int[]))"
        facts = {"members": list(deltas.keys()), "amounts": list(deltas.values())}
    with connection.cursor() as cursor:
        cursor.execute(
            f"{ledger}, {UPDATE_LEVELS_SQL}",
            {
                **(facts or {}),
                "today": timezone.localdate(),
                "cause": cause,
                "about": about,
                "at": at,
            },
        )
        rows = cursor.fetchall()
    keys = [change for _member, _amount, change in rows if change]
    return LedgerChanges({member: amount for member, amount, _change in rows}, keys)


REPAIR_HISTORY_SQL = """
insert into members_levelchange (member_id, from_level, to_level, points, cause, about, at)
select m.id, last.level, m.level, m.points, %(cause)s, '', %(at)s
from members_member m cross join lateral (
    select coalesce((
        select c.to_level from members_levelchange c where c.member_id = m.id order by c.at desc, c.id desc limit 1
    ), 'red') as level
) as last
where m.id = any(%(members)s) and last.level <> m.level order by m.id
"""


def repair_level_history(*, members: Sequence[int], at: datetime) -> None:
    """Add a level change where the last one does not lead to the member's level. Members are not notified.

    The caller has locked these members in the open transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute(REPAIR_HISTORY_SQL, {"members": list(members), "cause": PointsCause.MENDED, "at": at})


@transaction.atomic
def notify_level_changes(*, limit: int, at: datetime) -> bool:
    """Notify the next members whose level changed, once for all of their changes, when the burst is over (R56, R70).

    That is NOTICE_PAUSE_MINUTES after the last change, and MAX_NOTICE_PAUSE_MINUTES after the first at the latest. A
    level that is back where it was is not mentioned. At most `limit` changes are looked at; returns whether there may
    be more. Does nothing while another worker is at it.
    """
    if not _lock_notifying():
        return False
    members = set(_settled_changes(at)[:limit].values_list("member", flat=True))
    if not members:
        return False
    # Exactly these rows are deleted: a change that is committed from now on stays pending.
    keys = list(PendingLevelNotice.objects.filter(member__in=members).values_list("change", flat=True))
    _notify(LevelChange.objects.filter(pk__in=keys).select_related("member__user"), at)
    PendingLevelNotice.objects.filter(pk__in=keys).delete()
    return True


def _lock_notifying() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_xact_lock(%s)", [NOTIFYING_LOCK_ID])
        (locked,) = cursor.fetchone()
    return bool(locked)


def _settled_changes(at: datetime) -> QuerySet[PendingLevelNotice]:
    """The pending changes of members whose burst is over, the oldest first."""
    quiet_since = at - timedelta(minutes=settings.NOTICE_PAUSE_MINUTES)
    longest = at - timedelta(minutes=settings.MAX_NOTICE_PAUSE_MINUTES)
    later = PendingLevelNotice.objects.filter(member=OuterRef("member"), change__at__gt=quiet_since)
    is_over = Q(change__at__lte=longest) | ~Exists(later)
    return PendingLevelNotice.objects.filter(is_over, change__at__lte=quiet_since).order_by("change")


def _welcome_pack_notice(member: Member, at: datetime) -> Notice:
    """The Welcome Pack is available (R36). The unique key makes this appear once, however often a level is reached."""
    return Notice(key=f"welcome-pack-{member.pk}", member=member, code=NoticeCode.WELCOME_PACK, path=PACK_PATH, at=at)


def _notify(changes: Iterable[LevelChange], at: datetime) -> None:
    """Write one notice and enqueue one mail per member, from the first level to the last."""
    notices, mails = [], []
    ordered = sorted(changes, key=lambda change: (change.member_id, change.pk))
    groups = {member: list(group) for member, group in groupby(ordered, key=lambda change: change.member_id)}
    unheard = _unheard_changes(groups)
    for member, own in groups.items():
        first, last = unheard.get(member, own[0]), own[-1]
        before, after = Level(first.from_level), Level(last.to_level)
        if before == after:
            continue
        is_up = after.rank > before.rank
        notice = Notice(
            key=f"level-{last.pk}",
            member=last.member,
            code=NoticeCode.LEVEL_UP if is_up else NoticeCode.LEVEL_DOWN,
            params={"first": first.pk, "last": last.pk},
            path=POINTS_PATH,
            at=at,
        )
        notices += [notice, _welcome_pack_notice(last.member, at)] if is_up else [notice]
        payload = outbox.rendered_later("members.level_changed", first=first.pk, last=last.pk)
        mails.append(OutgoingMessage(notice.key, last.member.user.email, payload))
    notify_members(notices)
    outbox.enqueue_many(kind="mail", messages=mails, at=at)


def _unheard_changes(members: Iterable[int]) -> dict[int, LevelChange]:
    """By member key: the first change of the message before, if the member knows nothing of it. It is withdrawn."""
    notices = Notice.objects.filter(member__in=list(members), code__in=LEVEL_NOTICES)
    newest = {notice.key: notice for notice in notices.order_by("member", "-at", "-pk").distinct("member")}
    unsent = outbox.withdraw_unsent(key for key, notice in newest.items() if notice.read_at is None)
    first_keys = {newest[key].params["first"]: newest[key].member_id for key in unsent}
    return {first_keys[change.pk]: change for change in LevelChange.objects.filter(pk__in=first_keys)}
