"""Compare the whole ledger with what the rules say, and repair it if asked (R11, R18, R21, R22)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone

from cps_portal.core.lib.locks import lock_rules_shared
from kitbag.actions.ledger import reconcile, reconcile_adjustments
from kitbag.models import LedgerCheck
from members import actions as members
from members.enums import PointsCause
from members.models import LevelThreshold, Member, User

BATCH_SIZE = 500
MAX_LISTED_MEMBERS = 100  # so many members are kept by number

# One statement, so that it sees one snapshot of the database. Entries and points of a member are always written
# together; only the points of a registration may lag behind a running stage change, and a level behind new thresholds.
COMPARE_SQL = """
with running as materialized (
    select product_id, min(cursor) as cursor from kitbag_stagechange where state = 'running' group by product_id
), moving as materialized (
    select min(cursor) as cursor from members_thresholdplan where state = 'running'
), counted as (
    select registration_id, sum(amount) as points from kitbag_pointsentry
    where registration_id is not null group by registration_id
), registration as materialized (
    select r.id, r.member_id,
        r.state = 'validated' and coalesce(r.member_id > running.cursor, false) as awaits
    from kitbag_registration r
    join kitbag_product p on p.id = r.product_id
    left join counted c on c.registration_id = r.id
    left join running on running.product_id = r.product_id
    where coalesce(c.points, 0) <> case when r.state = 'validated' then
        case p.stage when 'current' then p.points_current
                     when 'superseded' then p.points_superseded
                     else p.points_unserviceable end
        else 0 end
), adjustment as materialized (
    select a.id, a.member_id from kitbag_adjustment a
    left join kitbag_pointsentry e on e.adjustment_id = a.id
    group by a.id having coalesce(sum(e.amount), 0) <> case when a.ended_at is null then a.points else 0 end
), total as (
    select member_id, sum(amount) as points from kitbag_pointsentry group by member_id
), last as (
    select distinct on (member_id) member_id, to_level from members_levelchange
    order by member_id, at desc, id desc
), person as materialized (
    select * from (
        select m.id, m.number, m.points <> coalesce(total.points, 0) as points_differ, m.level <> (
            select t.level from unnest(%(levels)s::text[], %(froms)s::int[]) as t (level, points_from)
            where t.points_from <= coalesce(total.points, 0) order by t.points_from desc limit 1
        ) as by_rule, m.level <> coalesce(last.to_level, 'red') as by_history,
            coalesce(m.id > (select cursor from moving), false) as awaits
        from members_member m
        left join total on total.member_id = m.id
        left join last on last.member_id = m.id
    ) as compared where points_differ or by_rule or by_history
), wrong as (
    select member_id as id from registration where not awaits
    union select member_id from adjustment
    union select id from person where points_differ or by_history or (by_rule and not awaits)
)
select
    (select count(*) from members_member),
    (select count(*) from kitbag_registration),
    array(select id from registration where not awaits order by member_id, id),
    array(select id from adjustment order by member_id, id),
    array(select id from person where points_differ order by id),
    array(select id from person where by_history or (by_rule and not awaits) order by id),
    array(select m.number from wrong join members_member m using (id) order by m.number limit %(named)s),
    (select count(*) from (
        select member_id from registration where awaits union select id from person where by_rule and awaits
    ) as waiting),
    (select count(distinct (a.change_id, r.member_id)) from (
        select s.id as change_id, s.product_id from kitbag_stagechange s
        where s.state = 'planned' and s.announced_at is not null
    ) as a join kitbag_registration r on r.product_id = a.product_id and r.state = 'validated'
    where not exists (
        select 1 from kitbag_announcement told where told.change_id = a.change_id and told.member_id = r.member_id
    ))
"""

POINTS_DELTA_SQL = """
select m.id, coalesce(sum(e.amount), 0)::int - m.points from members_member m
left join kitbag_pointsentry e on e.member_id = m.id where m.id = any(%(keys)s) group by m.id order by m.id
"""


@dataclass(frozen=True)
class Differences:
    """The result of a comparison: counts, and the keys of the rows that differ."""

    members: int
    registrations: int
    wrong_registrations: list[int]
    wrong_adjustments: list[int]
    wrong_points: list[int]
    wrong_levels: list[int]
    numbers: list[str]
    awaiting: int
    untold: int


def check_ledger(*, by: User | None, at: datetime, repair: bool = False) -> LedgerCheck:
    """Compare every member's entries, points and level with what the rules say, and log the result.

    Members who await a running change are counted separately, and so are holders who were not notified of an announced
    one. With `repair` the differences are reconciled in batches, under the usual locks; the logged counts are those
    from before. Call it outside a transaction: each batch is one.
    """
    check = LedgerCheck.objects.create(started_at=at, by=by)
    differences = _compare(at)
    check.members = differences.members
    check.registrations = differences.registrations
    check.wrong_registrations = len(differences.wrong_registrations) + len(differences.wrong_adjustments)
    check.wrong_points = len(differences.wrong_points)
    check.wrong_levels = len(differences.wrong_levels)
    check.awaiting = differences.awaiting
    check.untold = differences.untold
    check.differing = differences.numbers
    if repair:
        check.mended = _repair(differences, by=by, at=at)
    check.finished_at = timezone.now()
    check.save()
    return check


def _compare(at: datetime) -> Differences:
    thresholds = LevelThreshold.objects.in_force(timezone.localdate(at))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("set local work_mem = '64MB'")  # so that a million sums fit in memory and do not spill to disk
        cursor.execute(
            COMPARE_SQL,
            {"levels": list(thresholds.keys()), "froms": list(thresholds.values()), "named": MAX_LISTED_MEMBERS},
        )
        return Differences(*cursor.fetchone())


def _repair(differences: Differences, *, by: User | None, at: datetime) -> int:
    """Reconcile what differs. Returns the number of members whose points or level changed."""
    repaired: set[int] = set()
    for keys in _batches(differences.wrong_registrations):
        with transaction.atomic():
            changes = reconcile(registrations=keys, cause=PointsCause.MENDED, about="", by=by, at=at)
        repaired.update(changes.deltas)
    for keys in _batches(differences.wrong_adjustments):
        with transaction.atomic():
            repaired.update(reconcile_adjustments(adjustments=keys, cause=PointsCause.MENDED, by=by, at=at).deltas)
    for keys in _batches(sorted({*differences.wrong_points, *differences.wrong_levels})):
        repaired.update(_repair_copies(keys, at))
    return len(repaired)


@transaction.atomic
def _repair_copies(keys: Sequence[int], at: datetime) -> list[int]:
    """Compute points and level of these members again from their entries. Returns the keys of the members."""
    list(Member.objects.filter(pk__in=keys).locked().values_list("pk"))
    lock_rules_shared()
    with connection.cursor() as cursor:
        cursor.execute(POINTS_DELTA_SQL, {"keys": list(keys)})
        deltas = dict(cursor.fetchall())
    members.update_levels(deltas=deltas, cause=PointsCause.MENDED, about="", at=at)
    members.repair_level_history(members=keys, at=at)
    return list(deltas)


def _batches(keys: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(keys), BATCH_SIZE):
        yield keys[start : start + BATCH_SIZE]
