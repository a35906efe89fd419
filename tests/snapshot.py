"""The cast, created by the portal's own actions once in a process and copied from then on, in a tenth of the time."""

import copy
import functools
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pgtrigger
from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models, transaction

from tests.world import World, build_world

_world: list[World] = []
_rows: list[tuple[str, str]] = []


def cast() -> World:
    """Put Ana, Ben, Chloe and all they have into the database of this test."""
    with transaction.atomic():
        if _world:
            _write()
        else:
            _build()
    return copy.deepcopy(_world[0])


def _build() -> None:
    """Create the cast, and keep every row that this wrote."""
    with connection.cursor() as cursor:
        last = {table: _last_key(cursor, table, key) for table, key in _tables()}
        _world.append(build_world())
        cursor.execute("set constraints all immediate")
        cursor.execute("set constraints all deferred")
        for table, key in _tables():
            rows = io.StringIO()
            statement = f"copy (select * from {table} where {key} > {last[table]}) to stdout"  # noqa: S608
            cursor.copy_expert(statement, rows)
            if rows.getvalue():
                _rows.append((table, rows.getvalue()))


def _write() -> None:
    with without_triggers() as cursor:
        for table, rows in _rows:
            cursor.copy_expert(f"copy {table} from stdin", io.StringIO(rows))


@contextmanager
def without_triggers() -> Iterator[Any]:
    """A cursor for rows that were checked when they were built: no history is written, no foreign key checked again.

    An account that is no superuser can only leave out our own triggers.
    """
    with connection.cursor() as cursor:
        if is_superuser():
            cursor.execute("set local session_replication_role = replica")
            yield cursor
            cursor.execute("set local session_replication_role = origin")
        else:
            with pgtrigger.ignore():
                cursor.execute("select 1")  # pgtrigger.ignore takes effect with the next statement, except COPY
                yield cursor


@functools.cache
def is_superuser() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("select current_setting('is_superuser') = 'on'")
        return bool(cursor.fetchone()[0])


def _tables() -> list[tuple[str, str]]:
    """Tables with a numeric key, but for content types: migrate creates those, with other keys in each database."""
    found = [model for model in apps.get_models(include_auto_created=True) if model is not ContentType]
    return [
        (connection.ops.quote_name(model._meta.db_table), connection.ops.quote_name(str(model._meta.pk.column)))
        for model in found
        if model._meta.managed and not model._meta.proxy and isinstance(_plain(model._meta.pk), models.IntegerField)
    ]


def _plain(field: Any) -> Any:
    """The field that a foreign key finally refers to."""
    while field.is_relation:
        field = field.target_field
    return field


def _last_key(cursor: Any, table: str, key: str) -> int:
    cursor.execute(f"select coalesce(max({key}), 0) from {table}")  # noqa: S608
    return int(cursor.fetchone()[0])
