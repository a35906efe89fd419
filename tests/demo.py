"""The demo world, made once in a test run by the portal's own commands and copied from then on."""

import fcntl
import io
import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages
from django.core.management import call_command
from django.db import connection, transaction

from tests.rows import use_empty_cache
from tests.snapshot import is_superuser, without_triggers

STORES = ["default", "files"]
# A sequence that goes back would give out the keys of the cast again (tests/snapshot.py).
NEVER_BACK = "select setval(%s, greatest(%s, (select last_value from pg_sequences where sequencename = %s)))"
KEPT = "django_migrations"  # the only table that a copy leaves as it is


@dataclass(frozen=True)
class Copy:
    """All rows by table, the last value of every sequence, and all files by store and name."""

    rows: dict[str, str]
    sequences: list[tuple[str, int]]
    files: dict[str, dict[str, bytes]]


def load_demo(folder: Path) -> None:
    """Put the demo world into the database of this test. The first test that asks for it leaves a copy in `folder`."""
    if not is_superuser():
        make_demo()
        return
    kept = folder / "demo.pickle"
    with (folder / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            make_demo()
            kept.write_bytes(pickle.dumps(_read()))
            return
    _write(pickle.loads(kept.read_bytes()))  # noqa: S301 - written by this test run


def make_demo() -> None:
    call_command("make_demo", even_in_production=True, verbosity=0)


def _read() -> Copy:
    rows = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table != KEPT:
                text = io.StringIO()
                cursor.copy_expert(f'copy "{table}" to stdout', text)
                rows[table] = text.getvalue()
        cursor.execute("select sequencename, last_value from pg_sequences where last_value is not null")
        sequences = cursor.fetchall()
    return Copy(rows, sequences, {name: dict(_files(storages[name])) for name in STORES})


def _files(store: Storage, folder: str = "") -> Iterator[tuple[str, bytes]]:
    try:
        folders, names = store.listdir(folder)
    except FileNotFoundError:
        return
    for name in names:
        path = f"{folder}/{name}".lstrip("/")
        with store.open(path) as file:
            yield path, file.read()
    for name in folders:
        yield from _files(store, f"{folder}/{name}".lstrip("/"))


def _write(copy: Copy) -> None:
    tables = ", ".join(f'"{table}"' for table in copy.rows)
    with transaction.atomic(), without_triggers() as cursor:
        cursor.execute(f"truncate {tables}")
        for table, rows in copy.rows.items():
            cursor.copy_expert(f'copy "{table}" from stdin', io.StringIO(rows))
        for name, last in copy.sequences:
            cursor.execute(NEVER_BACK, [name, last, name])
    for name, files in copy.files.items():
        _save(storages[name], files)
    ContentType.objects.clear_cache()
    use_empty_cache()


def _save(store: Any, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        if not store.exists(name):
            store.save(name, ContentFile(content))
