"""The ledger: settle what registrations count against what the rules say (R11, R18, R20, R21)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection

from cps_portal.lib.locks import hold_rules
from members import actions as members
from members.enums import PointsCause
from members.models import User

LOCK_SQL = """
select count(*) from (
    select 1 from members_member
    where id in (select member_id from {table} where id = any(%(keys)s)) order by id for no key update
) as locked
"""

# A separate statement from the locks on purpose: one that locks and sums reads the ledger as it was
# before it waited, and writes wrong points.
SETTLE_SQL = """
with target as (
    select r.id, r.member_id, p.stage,
        case when r.state = 'validated' then
            case p.stage when 'current' then p.points_current
                         when 'superseded' then p.points_superseded
                         else p.points_unserviceable end
        else 0 end as points
    from kitbag_registration r join kitbag_product p on p.id = r.product_id
    where r.id = any(%(keys)s)
), counted as (
    select registration_id, sum(amount) as points from kitbag_pointsentry
    where registration_id = any(%(keys)s) group by registration_id
), written as (
    insert into kitbag_pointsentry (member_id, registration_id, amount, cause, stage, stage_change_id, at, by_id)
    select t.member_id, t.id, t.points - coalesce(c.points, 0), %(cause)s, t.stage, %(stage_change)s, %(at)s, %(by)s
    from target t left join counted c on c.registration_id = t.id
    where t.points <> coalesce(c.points, 0)
    order by t.member_id, t.id
    returning member_id, amount
)
select member_id, sum(amount)::int from written group by member_id order by member_id
"""

SETTLE_ADJUSTMENTS_SQL = """
with target as (
    select a.id, a.member_id, case when a.ended_at is null then a.points else 0 end as points
    from kitbag_adjustment a where a.id = any(%(keys)s)
), counted as (
    select adjustment_id, sum(amount) as points from kitbag_pointsentry
    where adjustment_id = any(%(keys)s) group by adjustment_id
), written as (
    insert into kitbag_pointsentry (member_id, adjustment_id, amount, cause, stage, at, by_id)
    select t.member_id, t.id, t.points - coalesce(c.points, 0), %(cause)s, '', %(at)s, %(by)s
    from target t left join counted c on c.adjustment_id = t.id
    where t.points <> coalesce(c.points, 0)
    order by t.member_id, t.id
    returning member_id, amount
)
select member_id, sum(amount)::int from written group by member_id order by member_id
"""


@dataclass(frozen=True)
class Settled:
    """What a settle wrote: points by member key, and the keys of the level changes."""

    deltas: dict[int, int] = field(default_factory=dict)
    level_changes: list[int] = field(default_factory=list)


def settle(
    *,
    registrations: Sequence[int],
    cause: PointsCause,
    about: str,
    by: User | None,
    at: datetime,
    stage_change: int | None = None,
    later: bool = False,
) -> Settled:
    """Make the ledger say what the rules say for these registrations, and points and levels follow.

    Writes the difference between what each registration should count and what its entries sum to, so that
    calling it again writes nothing. `about` is the product, for the mail to members whose level moves; with
    `later` they are told after the run. One registration and ten thousand are the same four statements.
    Needs an open transaction, READ COMMITTED.
    """
    with connection.cursor() as cursor:
        cursor.execute(LOCK_SQL.format(table="kitbag_registration"), {"keys": list(registrations)})
        hold_rules()
        cursor.execute(
            SETTLE_SQL,
            {
                "keys": list(registrations),
                "cause": cause,
                "stage_change": stage_change,
                "at": at,
                "by": by.pk if by else None,
            },
        )
        deltas = dict(cursor.fetchall())
    return _follow(deltas, cause=cause, about=about, at=at, later=later)


def settle_adjustments(*, adjustments: Sequence[int], cause: PointsCause, by: User | None, at: datetime) -> Settled:
    """As `settle`, for what staff added: it counts until it has ended."""
    keys = list(adjustments)
    with connection.cursor() as cursor:
        cursor.execute(LOCK_SQL.format(table="kitbag_adjustment"), {"keys": keys})
        hold_rules()
        cursor.execute(SETTLE_ADJUSTMENTS_SQL, {"keys": keys, "cause": cause, "at": at, "by": by.pk if by else None})
        deltas = dict(cursor.fetchall())
    return _follow(deltas, cause=cause, about="", at=at, later=False)


def _follow(deltas: dict[int, int], *, cause: PointsCause, about: str, at: datetime, later: bool) -> Settled:
    if not deltas:
        return Settled()
    return Settled(deltas, members.settle_level(deltas=deltas, cause=cause, about=about, at=at, later=later))
