"""The ledger compared with what the rules say, everything at once (R11, R18, R21, R22)."""

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

# One statement, so that all of it is one moment of the database. Entries and points of a member are written
# together, so only what a registration counts can lag behind a running change, and a level behind new thresholds.
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
    """What was found, by keys."""

    members: int
    registrations: int
    wrong_registrations: list[int]
    wrong_adjustments: list[int]
    wrong_points: list[int]
    wrong_levels: list[int]
    numbers: list[str]
    awaiting: int
    untold: int


def check_ledger(*, by: User | None, at: datetime, mend: bool = False) -> LedgerCheck:
    """Compare every member's entries, points and level with what the rules say, and keep what was found.

    Members who await a running change are counted apart; so are holders who were never told of an announced one.
    With `mend` the ledger is made to say what the rules say, batch by batch, under the usual locks; the counts
    stay those that were found. Needs no open transaction: mending is many short ones.
    """
    check = LedgerCheck.objects.create(started_at=at, by=by)
    found = _compare(at)
    check.members = found.members
    check.registrations = found.registrations
    check.wrong_registrations = len(found.wrong_registrations) + len(found.wrong_adjustments)
    check.wrong_points = len(found.wrong_points)
    check.wrong_levels = len(found.wrong_levels)
    check.awaiting = found.awaiting
    check.untold = found.untold
    check.differing = found.numbers
    if mend:
        check.mended = _mend(found, by=by, at=at)
    check.finished_at = timezone.now()
    check.save()
    return check


def _compare(at: datetime) -> Differences:
    thresholds = LevelThreshold.objects.in_force(timezone.localdate(at))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("set local work_mem = '64MB'")  # a million sums in memory instead of on the disk
        cursor.execute(
            COMPARE_SQL,
            {"levels": list(thresholds.keys()), "froms": list(thresholds.values()), "named": MAX_LISTED_MEMBERS},
        )
        return Differences(*cursor.fetchone())


def _mend(found: Differences, *, by: User | None, at: datetime) -> int:
    """Settle what differs. Returns how many members' points or levels that moved."""
    mended: set[int] = set()
    for keys in _batches(found.wrong_registrations):
        with transaction.atomic():
            done = reconcile(registrations=keys, cause=PointsCause.MENDED, about="", by=by, at=at, later=True)
        mended.update(done.deltas)
    for keys in _batches(found.wrong_adjustments):
        with transaction.atomic():
            mended.update(reconcile_adjustments(adjustments=keys, cause=PointsCause.MENDED, by=by, at=at).deltas)
    for keys in _batches(sorted({*found.wrong_points, *found.wrong_levels})):
        mended.update(_mend_copies(keys, at))
    return len(mended)


@transaction.atomic
def _mend_copies(keys: Sequence[int], at: datetime) -> list[int]:
    """Points and level of these members again from their entries."""
    list(Member.objects.filter(pk__in=keys).locked().values_list("pk"))
    lock_rules_shared()
    with connection.cursor() as cursor:
        cursor.execute(POINTS_DELTA_SQL, {"keys": list(keys)})
        owed = dict(cursor.fetchall())
    members.update_levels(deltas=owed, cause=PointsCause.MENDED, about="", at=at, later=True)
    members.repair_level_history(members=keys, at=at)
    return list(owed)


def _batches(keys: Sequence[int]) -> Iterator[Sequence[int]]:
    for begun in range(0, len(keys), BATCH_SIZE):
        yield keys[begun : begun + BATCH_SIZE]
