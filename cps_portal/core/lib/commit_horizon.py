"""Read a log without missing rows that are committed late.

Each row has the moment at which it was written (`stamped_when_written`), not that at which its transaction began, as
`now()` of PostgreSQL would say. Then only transactions that have written to the log can still commit an older row. All
others may be open as long as they like, such as a backup, a report or an idle session: they hold nobody up.
"""

from datetime import datetime

import pgtrigger
from django.db import connection, models

from cps_portal.core.lib.snapshot import is_snapshot_open

# A transaction that is about to write locks the table before it looks at the clock. So a row is stamped after this
# statement began, or its transaction is found here, or it was committed before. A transaction whose beginning cannot
# be seen, because it is a prepared one or another role's, counts as the oldest.
HORIZON_SQL = """
select least(statement_timestamp(), min(coalesce(activity.xact_start, 'epoch')))
from pg_locks as held left join pg_stat_activity as activity on activity.pid = held.pid
where held.locktype = 'relation' and held.mode = 'RowExclusiveLock' and held.granted
  and held.database = (select oid from pg_database where datname = current_database())
  and held.relation = %s::regclass and held.pid is distinct from pg_backend_pid()
"""


def stamped_when_written(column: str) -> pgtrigger.Trigger:
    """For a log that is read with `fully_committed_until`: puts the moment of the INSERT into the column."""
    return pgtrigger.Trigger(
        name="stamped_when_written",
        operation=pgtrigger.Insert,
        when=pgtrigger.Before,
        func=f'NEW."{column}" = clock_timestamp(); RETURN NEW;',
    )


def fully_committed_until(log: type[models.Model]) -> datetime:
    """The moment before which every row of `log` is committed.

    Call this first and read the rows in a later statement: those older than it are complete. Raises RuntimeError in a
    snapshot, where a later statement does not see what was committed meanwhile.
    """
    if is_snapshot_open():
        raise RuntimeError(
            "ask for the horizon before the snapshot is opened: rows committed in between would be missed"
        )
    with connection.cursor() as cursor:
        cursor.execute(HORIZON_SQL, [connection.ops.quote_name(log._meta.db_table)])
        row: tuple[datetime] = cursor.fetchone()
    (moment,) = row
    return moment
