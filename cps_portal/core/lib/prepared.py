"""Queries that are asked very often, worked out into SQL once.

Making SQL out of a QuerySet costs Django more than PostgreSQL takes to answer it. What is prepared here is a QuerySet
like any other, written once with its values left open; rows, models and converters are Django's own.
"""

from collections.abc import Callable
from copy import copy
from datetime import UTC, date, datetime, timedelta
from threading import Lock
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Model, QuerySet

from cps_portal.core.lib.locks import require_transaction

Row = TypeVar("Row")
STAND_IN_MOMENT = datetime(1903, 4, 5, 6, 7, 8, 123456, tzinfo=UTC)


class CompiledQuery(Generic[Row]):
    """A query with named values. `make` gets a stand-in for each, once for every set of names and types.

    What is given decides no more than values: a filter that is there or not is another query, and lists are no values.
    Raises ValueError if a value does not come up in the SQL.
    """

    def __init__(self, make: Callable[..., "QuerySet[Any, Row]"]) -> None:
        self.make = make
        self._known: dict[tuple[tuple[str, type], ...], _Statement] = {}
        self._lock = Lock()

    def all(self, **values: Any) -> list[Row]:
        """The rows for these values."""
        kind = tuple((name, type(value)) for name, value in values.items())
        statement = self._known.get(kind)
        if statement is None:
            with self._lock:
                statement = self._known[kind] = _Statement(self.make, values)
        return list(statement.rows(values))

    def first(self, **values: Any) -> Row | None:
        """The first of them, for a query that finds one at most."""
        return next(iter(self.all(**values)), None)


class _Statement:
    def __init__(self, make: Callable[..., "QuerySet[Any, Any]"], values: dict[str, Any]) -> None:
        stands = {name: _stand_in(value, n) for n, (name, value) in enumerate(values.items())}
        self.template: QuerySet[Model, Any] = make(**stands)
        query: Any = self.template.query
        self.locks: bool = query.select_for_update
        if self.locks:
            require_transaction("a query that locks")
        self.compiler = query.get_compiler(DEFAULT_DB_ALIAS)
        self.sql, params = self.compiler.as_sql()
        self.converters: Any = None
        names = {stand: name for name, stand in stands.items()}
        self.params = [(names.get(param) if _hashable(param) else None, param) for param in params]
        if lost := set(stands) - {name for name, _param in self.params if name}:
            raise ValueError(f"the query does not ask for {', '.join(sorted(lost))}")

    def rows(self, values: dict[str, Any]) -> "QuerySet[Any, Any]":
        if self.locks:
            require_transaction("a query that locks")
        params = tuple(values[name] if name else param for name, param in self.params)
        compiler = copy(self.compiler)
        compiler.connection = connections[DEFAULT_DB_ALIAS]  # each thread has its own
        compiler.as_sql = lambda *args, **kwargs: (self.sql, params)
        compiler.get_converters = self.converters_of
        query: Any = copy(self.template.query)
        query.get_compiler = lambda *args, **kwargs: compiler
        rows: Any = type(self.template)(self.template.model, query, DEFAULT_DB_ALIAS)
        rows._iterable_class, rows._fields = self.template._iterable_class, self.template._fields  # type: ignore[attr-defined]
        return rows  # type: ignore[no-any-return]

    def converters_of(self, expressions: Any) -> Any:
        """What turns columns into values: the columns are the same each time."""
        if self.converters is None:
            self.converters = self.compiler.get_converters(expressions)
        return self.converters


def _stand_in(value: Any, n: int) -> Any:
    """Something of the same type that no query has by itself."""
    if isinstance(value, bool) or value is None:
        raise ValueError("what is true, false or nothing belongs into the query itself")
    if isinstance(value, int):
        return 2_000_000_011 + n
    if isinstance(value, datetime):
        return STAND_IN_MOMENT + timedelta(days=n)
    if isinstance(value, date):
        return (STAND_IN_MOMENT + timedelta(days=n)).date()
    if isinstance(value, str):
        return f"\x01stand-in {n}"
    raise ValueError(f"{type(value).__name__} cannot be left open")


def _hashable(value: Any) -> bool:
    return isinstance(value, int | str | datetime | date)
