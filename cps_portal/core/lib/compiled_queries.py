"""Queries whose SQL is compiled once and executed many times.

For a small query, compiling a QuerySet to SQL costs Django more time than PostgreSQL needs to answer it. A
CompiledQuery compiles the QuerySet once with stand-in values, remembers where they ended up among the parameters of
the SQL, and from then on only exchanges the parameters. Executing, fetching and building rows is left to Django.

It depends on internals of Django that may change with any version: `SQLCompiler.as_sql` and `get_converters`, which
are replaced on a copy of the compiler; `Query.get_compiler`; and `QuerySet._iterable_class` and `_fields`.
tests/test_compiled_queries.py compares results with those of the plain QuerySet. Run it first after an update.

What can go wrong:

- A value that changes the shape of the SQL: None becomes `IS NULL`, a list has one placeholder for each item, and an
  `if` in `make` is decided by the stand-in. Such values are refused or have to be a query of their own.
- A value that Django transforms before it becomes a parameter, such as the text of an `icontains` filter, is not found
  among the parameters. That raises ValueError on first use.
- Python code in `make` that computes with a value computes with the stand-in, once and for ever. `make` may only pass
  its values on. Nothing checks this if the same value is also a parameter elsewhere in the query.
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
# Stand-ins must be values that no query contains by itself, because they are recognised by being equal.
STAND_IN_MOMENT = datetime(1903, 4, 5, 6, 7, 8, 123456, tzinfo=UTC)
STAND_IN_NUMBER = 2_000_000_011


class CompiledQuery(Generic[Row]):
    """A query with named values: int, str, datetime or date.

    `make` gets them by keyword and returns the QuerySet. It is called once for each combination of names and types,
    with stand-ins. Raises ValueError if a value has another type or is not a parameter of the SQL.
    """

    def __init__(self, make: Callable[..., "QuerySet[Any, Row]"]) -> None:
        self.make = make
        self._statements: dict[tuple[tuple[str, type], ...], _Statement] = {}
        self._lock = Lock()

    def all(self, **values: Any) -> list[Row]:
        """The rows for these values. Raises TransactionManagementError for select_for_update outside a transaction."""
        signature = tuple((name, type(value)) for name, value in values.items())
        statement = self._statements.get(signature)
        if statement is None:
            with self._lock:
                statement = self._statements[signature] = _Statement(self.make, values)
        return list(statement.rows(values))

    def first(self, **values: Any) -> Row | None:
        """The first row. For queries that find one at most: the SQL has no LIMIT of its own."""
        return next(iter(self.all(**values)), None)


class _Statement:
    def __init__(self, make: Callable[..., "QuerySet[Any, Any]"], values: dict[str, Any]) -> None:
        stand_ins = {name: _stand_in(value, n) for n, (name, value) in enumerate(values.items())}
        self.template: QuerySet[Model, Any] = make(**stand_ins)
        query: Any = self.template.query
        self.locks: bool = query.select_for_update
        if self.locks:
            require_transaction("a query that locks")
        self.compiler = query.get_compiler(DEFAULT_DB_ALIAS)
        self.sql, params = self.compiler.as_sql()
        self.converters: Any = None
        names = {stand_in: name for name, stand_in in stand_ins.items()}
        self.params = [(names.get(param) if _is_hashable(param) else None, param) for param in params]
        if missing := set(stand_ins) - {name for name, _param in self.params if name}:
            raise ValueError(f"not a parameter of the query: {', '.join(sorted(missing))}")

    def rows(self, values: dict[str, Any]) -> "QuerySet[Any, Any]":
        """A QuerySet that executes the compiled SQL with these values."""
        if self.locks:  # Django checks this in as_sql, which does not run any more
            require_transaction("a query that locks")
        params = tuple(values[name] if name else param for name, param in self.params)
        compiler = copy(self.compiler)
        compiler.connection = connections[DEFAULT_DB_ALIAS]  # the template's belongs to the thread that compiled it
        compiler.as_sql = lambda *args, **kwargs: (self.sql, params)
        compiler.get_converters = self.get_converters
        query: Any = copy(self.template.query)
        query.get_compiler = lambda *args, **kwargs: compiler
        rows: Any = type(self.template)(self.template.model, query, DEFAULT_DB_ALIAS)
        rows._iterable_class, rows._fields = self.template._iterable_class, self.template._fields  # type: ignore[attr-defined]
        return rows  # type: ignore[no-any-return]

    def get_converters(self, expressions: Any) -> Any:
        """Found out once: the columns, and so their converters, are the same for every execution."""
        if self.converters is None:
            self.converters = self.compiler.get_converters(expressions)
        return self.converters


def _stand_in(value: Any, n: int) -> Any:
    """A value of the same type; `n` makes it different from the other stand-ins of the query."""
    if isinstance(value, bool) or value is None:
        raise ValueError("True, False and None change the SQL: write them into the query")
    if isinstance(value, int):
        return STAND_IN_NUMBER + n
    if isinstance(value, datetime):
        return STAND_IN_MOMENT + timedelta(days=n)
    if isinstance(value, date):
        return (STAND_IN_MOMENT + timedelta(days=n)).date()
    if isinstance(value, str):
        return f"\x01stand-in {n}"
    raise ValueError(f"a value cannot be a {type(value).__name__}")


def _is_hashable(value: Any) -> bool:
    return isinstance(value, int | str | datetime | date)
