"""Read a log without missing rows that are committed late."""

from datetime import datetime

from django.db import connection


def fully_committed_until() -> datetime:
    """The moment before which every row is committed: no running transaction began earlier.

    A row written by a transaction has the time of its beginning (`now()` of PostgreSQL), so rows can appear with a time
    that is long past. Call this first and read the rows in a later statement: those older than it are complete.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "select least(clock_timestamp(), min(xact_start)) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null"
        )
        row: tuple[datetime] = cursor.fetchone()
    (moment,) = row
    return moment
