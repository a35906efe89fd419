"""Read and write counters in a transaction of their own.

An attempt counts even if the request that made it is rolled back, and also if it is a page that only reads. So this
uses a connection of its own in autocommit mode. Each thread has one: waiting for one another would have no limit.
"""

import json
import os
import threading
from typing import Any

import psycopg2
from django.db import connections
from django.utils import timezone

from cps_portal.core.limits.models import Counter

ADD_SQL = """
insert into limits_counter (key, value, expires_at)
values (%(key)s, %(value)s, now() + %(seconds)s * interval '1 second')
on conflict (key) do update set value = excluded.value, expires_at = excluded.expires_at
where limits_counter.expires_at <= now() returning key
"""
SET_SQL = """
insert into limits_counter (key, value, expires_at)
values (%(key)s, %(value)s, now() + %(seconds)s * interval '1 second')
on conflict (key) do update set value = excluded.value, expires_at = excluded.expires_at
"""
GET_SQL = "select value::text from limits_counter where key = %(key)s and expires_at > now()"
INCREASE_SQL = """
update limits_counter set value = to_jsonb((value #>> '{}')::bigint + %(delta)s)
where key = %(key)s and expires_at > now() returning value::text
"""
COUNT_SQL = """
insert into limits_counter as counter (key, value, expires_at)
values (%(key)s, to_jsonb(1), now() + %(seconds)s * interval '1 second')
on conflict (key) do update set
    value = case when counter.expires_at <= now() then to_jsonb(1)
        else to_jsonb((counter.value #>> '{}')::bigint + 1) end,
    expires_at = case when counter.expires_at <= now() then excluded.expires_at else counter.expires_at end
returning (value #>> '{}') || ' ' || ceil(extract(epoch from expires_at - now()))::bigint
"""
LEFT_SQL = "select ceil(extract(epoch from expires_at - now()))::bigint::text from limits_counter where key = %(key)s"
DELETE_SQL = "delete from limits_counter where key = %(key)s returning key"


class CounterStore:
    """The counters of one database."""

    def __init__(self) -> None:
        self._local = threading.local()

    def add(self, key: str, value: Any, seconds: float) -> bool:
        """Set it if there is none. Returns whether there was none."""
        return self._run(ADD_SQL, key=key, value=json.dumps(value), seconds=seconds) is not None

    def set(self, key: str, value: Any, seconds: float) -> None:
        self._run(SET_SQL, key=key, value=json.dumps(value), seconds=seconds)

    def get(self, key: str) -> Any:
        """The value; None if there is none."""
        row = self._run(GET_SQL, key=key)
        return None if row is None else json.loads(row)

    def increase(self, key: str, delta: int) -> int:
        """Add to a number and return the sum. Raises ValueError if there is none."""
        row = self._run(INCREASE_SQL, key=key, delta=delta)
        if row is None:
            raise ValueError(f"no counter {key!r}")
        return int(row)

    def count(self, key: str, seconds: float) -> tuple[int, int]:
        """Count one more; a new counter ends after `seconds`. Returns how many, and in how many seconds it ends."""
        row = self._run(COUNT_SQL, key=key, seconds=seconds) or "0 0"
        times, left = row.split()
        return int(times), int(left)

    def seconds_left(self, key: str) -> int:
        """In how many seconds it ends; 0 if there is none."""
        return max(int(self._run(LEFT_SQL, key=key) or 0), 0)

    def delete(self, key: str) -> bool:
        return self._run(DELETE_SQL, key=key) is not None

    def close(self) -> None:
        """Close the connection of this thread; the next call opens another one."""
        if (connection := self._open_connection()) is not None:
            connection.close()
        self._local.connection = None

    def _run(self, statement: str, **values: Any) -> str | None:
        """The first column of the first row. Raises psycopg2.Error if the database does not answer."""
        with self._connect().cursor() as cursor:
            cursor.execute(statement, values)
            row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None

    def _connect(self) -> "psycopg2.extensions.connection":
        connection = self._open_connection()
        if connection is None:
            parameters = connections["default"].get_connection_params()
            for name in ("cursor_factory", "isolation_level"):
                parameters.pop(name, None)
            connection = psycopg2.connect(**parameters)
            connection.autocommit = True
            self._local.connection, self._local.pid = connection, os.getpid()
        return connection

    def _open_connection(self) -> "psycopg2.extensions.connection | None":
        """The open connection of this thread; none after a fork, because it belongs to the other process."""
        connection: psycopg2.extensions.connection | None = getattr(self._local, "connection", None)
        is_ours = getattr(self._local, "pid", 0) == os.getpid()
        return connection if connection is not None and is_ours and not connection.closed else None


store = CounterStore()


REFUSALS_KEPT_SECONDS = 3 * 24 * 3600


def count_refusal(reason: str) -> None:
    """Count an attempt to sign in that was refused, by reason and day."""
    key = f"{_refusals_prefix()}{reason}"
    store.add(key, 0, REFUSALS_KEPT_SECONDS)
    store.increase(key, 1)


def refusals_today() -> dict[str, int]:
    """How many attempts to sign in were refused today, by reason."""
    prefix = _refusals_prefix()
    counted = Counter.objects.filter(key__startswith=prefix).values_list("key", "value")
    return {key.removeprefix(prefix): int(value) for key, value in counted}


def _refusals_prefix() -> str:
    return f"refused:{timezone.localdate():%Y-%m-%d}:"
