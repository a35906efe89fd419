"""Empty the tables after a test that commits: by DELETE, because TRUNCATE makes a new file for each table and index."""

from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection

KEPT = {"django_content_type", "auth_permission"}  # written again after each `flush`, the same ones
LARGE = 32 * 1024 * 1024  # bytes of a table; deleted rows keep their place until the database cleans up
EMPTY_ALL = """
do $$
declare
    name text;
begin
    if exists (
        select from pg_class
        where relnamespace = current_schema::regnamespace and relkind = 'r' and relpages > {pages}
    ) then
        truncate {tables} cascade;
    else
        foreach name in array array[{names}] loop
            execute 'delete from ' || name;
        end loop;
    end if;
end $$
"""


def empty_by_delete() -> None:
    """Let `flush`, with which Django ends such a test, delete. Foreign keys and triggers are left out meanwhile."""
    truncate: Callable[..., list[str]] = connection.ops.sql_flush

    def delete(style: Any, tables: Sequence[str], **options: Any) -> list[str]:
        if options.get("reset_sequences") or not tables:
            return truncate(style, tables, **options)
        quoted = [connection.ops.quote_name(table) for table in tables if table not in KEPT]
        names = ", ".join(f"'{name}'" for name in quoted)
        return [
            "set local session_replication_role = replica",
            EMPTY_ALL.format(tables=", ".join(quoted), names=names, pages=LARGE // 8192),
            "set local session_replication_role = origin",
        ]

    connection.ops.sql_flush = delete
