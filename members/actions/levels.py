"""Points and levels of members follow the ledger, and members are notified of changes (R10, R11, R56)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from cps_portal.core.outbox import actions as outbox
from cps_portal.core.outbox.actions import OutgoingMessage
from members.actions.notices import notify_members
from members.emails import PACK_PATH, POINTS_PATH
from members.enums import Level, NoticeCode, PointsCause
from members.models import LevelChange, Notice, PendingLevelNotice

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
    insert into members_untoldlevelchange (change_id, member_id) select id, member_id from changed where %(later)s
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
    later: bool = False,
    deltas: Mapping[int, int] | None = None,
    ledger: str = "",
    facts: Mapping[str, Any] | None = None,
) -> LedgerChanges:
    """Add changes of the ledger to the members' points and update their levels (R11), in one statement.

    The changes are `deltas`, a map of member keys to points; or they come from `ledger`, SQL that writes the entries in
    the same statement: common table expressions, the last of them `delta (id, amount)`, with `facts` as parameters.
    The caller has locked these members in an earlier statement of the open transaction, because a statement sees only
    what was committed before it began.
    `about` is the name of the product concerned, if it is a single one. Members whose level changed are notified at
    once, or with `later` by `notify_level_changes`: a run over thousands must not hold their locks for that.
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
                "later": later,
            },
        )
        rows = cursor.fetchall()
    keys = [change for _member, _amount, change in rows if change]
    if keys and not later:
        _notify(LevelChange.objects.filter(pk__in=keys).select_related("member__user"))
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
def notify_level_changes(*, limit: int) -> bool:
    """Notify the next `limit` members whose level changed in a run, once for all of their changes (R56).

    A level that is back where it was is not mentioned. Returns whether there may be more.
    """
    pending = PendingLevelNotice.objects.select_for_update(of=("self",), skip_locked=True).order_by("change")
    members = {notice.member_id for notice in pending[:limit]}
    if not members:
        return False
    batch = PendingLevelNotice.objects.filter(member__in=members)
    _notify(LevelChange.objects.filter(pending_notice__in=batch).select_related("member__user"))
    batch.delete()
    return True


def _welcome_pack_notice(change: LevelChange) -> Notice:
    """The Welcome Pack is available (R36). The unique key makes this appear once, however often a level is reached."""
    return Notice(
        key=f"welcome-pack-{change.member_id}",
        member=change.member,
        code=NoticeCode.WELCOME_PACK,
        path=PACK_PATH,
        at=change.at,
    )


def _notify(changes: Iterable[LevelChange]) -> None:
    """Write one notice and enqueue one mail per member, from the first level to the last."""
    notices, mails = [], []
    ordered = sorted(changes, key=lambda change: (change.member_id, change.pk))
    for _member, group in groupby(ordered, key=lambda change: change.member_id):
        own = list(group)
        last = own[-1]
        before, after = Level(own[0].from_level), Level(last.to_level)
        if before == after:
            continue
        params = {"from": before.value, "to": after.value, "points": last.points}
        key = f"level-{last.pk}"
        notices.append(
            Notice(
                key=key,
                member=last.member,
                code=NoticeCode.LEVEL_UP if after.rank > before.rank else NoticeCode.LEVEL_DOWN,
                params=params,
                path=POINTS_PATH,
                at=last.at,
            )
        )
        if after.rank > before.rank:
            notices.append(_welcome_pack_notice(last))
        context = {**params, "member": last.member_id, "cause": last.cause, "about": last.about}
        payload = outbox.rendered_later("members.level_changed", **context)
        mails.append(OutgoingMessage(key, last.member.user.email, payload))
    notify_members(notices)
    outbox.enqueue_many(kind="mail", messages=mails)
