"""Up to when a log is complete: whoever reads on from there misses nothing that commits late."""

from datetime import datetime

from django.db import connection


def fully_committed_until() -> datetime:
    """No transaction that still runs began before this moment.

    What a running one writes bears the time of its beginning (now() of PostgreSQL). Ask for this first and for the rows
    in a statement after it: rows older than the horizon are all there.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "select least(clock_timestamp(), min(xact_start)) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null"
        )
        (found,) = cursor.fetchone()
    moment: datetime = found
    return moment
