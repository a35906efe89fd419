"""The yardstick for a run: the best single SQL statement, written by hand.

It trusts the amount it is given, does not read the ledger, takes no locks and cannot be repeated. It
writes the same entries, points, levels and level changes, under the same indexes and foreign keys.
"""

STATEMENT = """
with written as (
    insert into kitbag_pointsentry (member_id, registration_id, amount, cause, stage, stage_change_id, at)
    select member_id, id, %(amount)s, %(cause)s, %(stage)s, %(change)s, %(at)s
    from kitbag_registration where {which} order by member_id, id
    returning member_id, amount
), due as (
    select m.id, m.level as was, m.points + w.amount as points, (
        select t.level from unnest(%(levels)s::text[], %(froms)s::int[]) as t (level, points_from)
        where t.points_from <= m.points + w.amount order by t.points_from desc limit 1) as level
    from (select member_id, sum(amount)::int as amount from written group by member_id) w
    join members_member m on m.id = w.member_id
), moved as (
    update members_member m set points = due.points, level = due.level from due where m.id = due.id
)
insert into members_levelchange (member_id, from_level, to_level, points, cause, about, at)
select id, was, level, points, %(cause)s, %(about)s, %(at)s from due where was <> level
"""
OF_ROWS = STATEMENT.format(which="id = any(%(rows)s)")
OF_A_PRODUCT = STATEMENT.format(which="product_id = %(product)s and state = 'validated'")
