"""Reconcile the ledger: write what registrations and adjustments should count by the rules (R11, R18, R20, R21)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from cps_portal.core.lib.locks import LOCK_RULES_SHARED_SQL, lock_rules_shared
from members import actions as members
from members.actions import LedgerChanges
from members.enums import PointsCause
from members.models import User

LOCK_MEMBERS_SQL = """
select count(*) from (
    select 1 from members_member
    where id in (select member_id from {table} where id = any(%(keys)s)) order by id for no key update
) as locked
"""

# synchronous_commit may be off, because a batch that a crash of the database loses is lost together with its cursor and
# is done again.
LOCK_HOLDERS_SQL = """
set local synchronous_commit = off;
select id from members_member where id in (
    select distinct member_id from kitbag_registration
    where product_id = %(product)s and state = 'validated' and member_id > %(cursor)s
    order by member_id limit %(limit)s
) order by id for no key update
"""

# Must be another statement than the one that locks: under READ COMMITTED a statement that waits for a lock still reads
# the ledger as it was when the statement began, and would write wrong points.
RECONCILE_SQL = """
with target as (
    select r.id, r.member_id, p.stage,
        case when r.state = 'validated' then
            case p.stage when 'current' then p.points_current
                         when 'superseded' then p.points_superseded
                         else p.points_unserviceable end
        else 0 end as points
    from kitbag_registration r join kitbag_product p on p.id = r.product_id
    where {which}
), counted as (
    select registration_id, sum(amount) as points from kitbag_pointsentry
    where registration_id = any({keys}) group by registration_id
), written as (
    insert into kitbag_pointsentry (member_id, registration_id, amount, cause, stage, stage_change_id, at, by_id)
    select t.member_id, t.id, t.points - coalesce(c.points, 0), %(cause)s, t.stage, %(stage_change)s, %(at)s, %(by)s
    from target t left join counted c on c.registration_id = t.id
    where t.points <> coalesce(c.points, 0)
    order by t.member_id, t.id
    returning member_id, amount
), delta as (
    select member_id as id, sum(amount)::int as amount from written group by member_id
)
"""
RECONCILE_REGISTRATIONS_SQL = RECONCILE_SQL.format(which="r.id = any(%(keys)s)", keys="%(keys)s")
RECONCILE_HOLDERS_SQL = RECONCILE_SQL.format(
    which="r.product_id = %(product)s and r.state = 'validated' and r.member_id = any(%(members)s)",
    keys="array(select id from target)",
)

RECONCILE_ADJUSTMENTS_SQL = """
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
), delta as (
    select member_id as id, sum(amount)::int as amount from written group by member_id
)
"""


def reconcile(
    *,
    registrations: Sequence[int],
    cause: PointsCause,
    about: str,
    by: User | None,
    at: datetime,
    stage_change: int | None = None,
) -> LedgerChanges:
    """Make the ledger agree with the rules for these registrations, and update the members' points and levels.

    Writes the difference between what each registration should count and the sum of its entries, so it is idempotent.
    `about` is the product's name, for the message to members whose level changes. The number of statements does not
    depend on the number of registrations. Needs an open transaction, READ COMMITTED.
    """
    facts = {"keys": list(registrations), "stage_change": stage_change}
    _run(LOCK_MEMBERS_SQL.format(table="kitbag_registration"), facts)
    lock_rules_shared()
    facts["by"] = by.pk if by else None
    return members.update_levels(ledger=RECONCILE_REGISTRATIONS_SQL, facts=facts, cause=cause, about=about, at=at)


def reconcile_holders(
    *, product: int, after: int, limit: int, cause: PointsCause, about: str, at: datetime, stage_change: int
) -> list[int]:
    """As `reconcile`, for the next `limit` holders of a product by member key.

    Returns the keys of the members. Members who become holders between the two statements are not locked and therefore
    left out; their validation has reconciled them by the same rules.
    """
    locked = [key for (key,) in _run(LOCK_HOLDERS_SQL, {"product": product, "cursor": after, "limit": limit})]
    if locked:
        facts = {"product": product, "members": locked, "stage_change": stage_change, "by": None}
        ledger = LOCK_RULES_SHARED_SQL + RECONCILE_HOLDERS_SQL
        members.update_levels(ledger=ledger, facts=facts, cause=cause, about=about, at=at)
    return locked


def reconcile_adjustments(
    *, adjustments: Sequence[int], cause: PointsCause, by: User | None, at: datetime
) -> LedgerChanges:
    """As `reconcile`, for adjustments: they count until they have ended."""
    facts = {"keys": list(adjustments), "by": by.pk if by else None}
    _run(LOCK_MEMBERS_SQL.format(table="kitbag_adjustment"), facts)
    lock_rules_shared()
    return members.update_levels(ledger=RECONCILE_ADJUSTMENTS_SQL, facts=facts, cause=cause, about="", at=at)


def _run(statement: str, facts: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, facts)
        return list(cursor.fetchall())
