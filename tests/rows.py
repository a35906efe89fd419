"""`each_row`: one test walks a table and reports all failing rows together, for the cost of one test."""

import copy
import dataclasses
import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from django.core import mail
from django.core.cache import caches
from django.db import connection, models, transaction
from django.test import Client

Test = Callable[..., None]
Ids = Iterable[Any] | Callable[[Any], str] | None
FAILURES = (Exception, BaseExceptionGroup, pytest.fail.Exception, pytest.skip.Exception)  # no row can be skipped


def each_row(names: str | Sequence[str], rows: Iterable[Any], ids: Ids = None) -> Callable[[Test], Test]:
    """Call the test once for each row, as `pytest.mark.parametrize` would, but as one test with one set of fixtures.

    Every row begins with the same database, cache, members and clients; what tests change elsewhere (`settings`,
    `monkeypatch`, a server) stays. Raises an ExceptionGroup of all failures, each with a note that names its row.
    Several `each_row` on a test walk all combinations.
    """
    keys = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    table = list(_named_rows(keys, rows, ids))
    assert table, f"no rows for {names}"

    def decorate(test: Test) -> Test:
        @functools.wraps(test)
        def walk(**fixtures: Any) -> None:
            failures: list[BaseException] = []
            for name, values in table:
                try:
                    with _state_of_its_own():
                        test(**_copies(fixtures), **values)
                except FAILURES as failure:
                    failure.add_note(f"Row: {name}")
                    failures.append(failure)
            if failures:
                raise BaseExceptionGroup(f"{len(failures)} of {len(table)} rows of {names}", failures)

        signature = inspect.signature(test)
        fixtures = [parameter for parameter in signature.parameters.values() if parameter.name not in keys]
        walk.__signature__ = signature.replace(parameters=fixtures)  # type: ignore[attr-defined]
        return walk

    return decorate


def _named_rows(keys: list[str], rows: Iterable[Any], ids: Ids) -> Iterator[tuple[str, dict[str, Any]]]:
    names = [] if ids is None or callable(ids) else list(ids)
    for position, row in enumerate(rows):
        is_param = hasattr(row, "marks") and hasattr(row, "values") and hasattr(row, "id")
        values = row.values if is_param else (row,) if len(keys) == 1 else tuple(row)
        named = dict(zip(keys, values, strict=True))
        name = row.id if is_param and row.id else names[position] if names else ""
        shown = [f"{key}={ids(value) if callable(ids) else repr(value)}" for key, value in named.items()]
        yield " ".join([str(name), *shown]).strip(), named


@contextmanager
def _state_of_its_own() -> Iterator[None]:
    """Undo what happens inside to the database; an empty cache and an empty mailbox."""
    use_empty_cache()
    getattr(mail, "outbox", []).clear()
    if not connection.in_atomic_block:
        yield
        return
    begin = transaction.savepoint()  # not atomic(), in which a durable block would be refused
    try:
        yield
        if not connection.needs_rollback and connection.is_usable():  # else the test has seen an error of the database
            connection.check_constraints()
    finally:
        transaction.set_rollback(False)
        transaction.savepoint_rollback(begin)


def use_empty_cache() -> None:
    prefix = uuid4().hex
    caches.settings["default"]["KEY_PREFIX"] = prefix
    caches["default"].key_prefix = prefix


def _copies(fixtures: dict[str, Any]) -> dict[str, Any]:
    """Rows and clients as they were before the first row; other fixtures are shared."""
    memo: dict[int, Any] = {}
    for value in fixtures.values():
        for client in (value, getattr(value, "client", None)):
            if isinstance(client, Client):
                memo[id(client)] = twin = copy.copy(client)
                twin.cookies = copy.deepcopy(client.cookies)
    return {name: copy.deepcopy(value, memo) if _is_copied(value) else value for name, value in fixtures.items()}


def _is_copied(value: Any) -> bool:
    """Rows of the database and what consists of them, and clients, whose cookies name a session."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return any(isinstance(getattr(value, field.name), models.Model) for field in dataclasses.fields(value))
    return isinstance(value, models.Model | Client)
