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
DELETE_SQL = "delete from limits_counter where key = %(key)s returning key"
DELETE_EXPIRED_SQL = "delete from limits_counter where expires_at <= now()"


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

    def delete(self, key: str) -> bool:
        return self._run(DELETE_SQL, key=key) is not None

    def delete_expired(self) -> None:
        self._run(DELETE_EXPIRED_SQL)

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
