"""Queries whose SQL is compiled once and executed many times.

For a small query, compiling a QuerySet to SQL costs Django more time than PostgreSQL needs to answer it. These compile
the QuerySet once with stand-in values, remember where they ended up among the parameters, and from then on only
exchange the parameters. Rows come straight from the cursor.

`Query.sql_with_params` is the one thing of Django here that is not documented. tests/test_compiled_queries.py compares
the results of every compiled query of the portal with those of its QuerySet. Run it first after an update.

What can go wrong:

- A value that changes the shape of the SQL: None becomes `IS NULL`, a list has one placeholder for each item, and an
  `if` in `make` is decided by the stand-in. Such values are refused or have to be a query of their own.
- A value that Django transforms before it becomes a parameter, such as the text of an `icontains` filter, is not found
  among the parameters. That raises ValueError on first use.
- Python code in `make` that computes with a value computes with the stand-in, once and for ever. `make` may only pass
  its values on. Nothing checks this if the same value is also a parameter elsewhere in the query.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from threading import Lock
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import BooleanField, Func, Model, QuerySet

from cps_portal.core.lib.locks import require_transaction

Row = TypeVar("Row")
M = TypeVar("M", bound=Model)
Converter = Callable[[Any], Any]
# Stand-ins must be values that no query contains by itself, because they are recognised by being equal.
STAND_IN_MOMENT = datetime(1903, 4, 5, 6, 7, 8, 123456, tzinfo=UTC)
STAND_IN_NUMBER = 2_000_000_011


@dataclass(frozen=True)
class _Statement:
    model: type[Model]
    sql: str
    params: list[tuple[str | None, Any]]  # the name of a value, or what is the same in every execution


class IsAmong(Func):
    """Whether a number is among those of a text such as "3,14" (`joined_keys`): one parameter, however many."""

    template = "(%(expressions)s, ',')::bigint[]))"
    arg_joiner = " = any(string_to_array("
    output_field = BooleanField()


def joined_keys(keys: Iterable[int]) -> str:
    return ",".join(map(str, keys))


class _Compiled(Generic[Row]):
    """A query with named values: int, str, datetime or date. A value may be the limit of the query, too.

    `make` gets them by keyword and returns the QuerySet. It is called once for each combination of names and types,
    with stand-ins. Raises ValueError if a value has another type or is not a parameter of the SQL. `locks`: the query
    locks its rows, so it raises TransactionManagementError outside of a transaction.
    """

    def __init__(self, make: Callable[..., "QuerySet[Any, Any]"], *, locks: bool = False) -> None:
        self.make = make
        self.locks = locks
        self._statements: dict[tuple[tuple[str, type], ...], _Statement] = {}
        self._lock = Lock()

    def all(self, **values: Any) -> list[Row]:
        """The rows for these values."""
        if self.locks:
            require_transaction("a query that locks")
        signature = tuple((name, type(value)) for name, value in values.items())
        statement = self._statements.get(signature)
        if statement is None:
            with self._lock:
                statement = self._statements[signature] = _compile(self.make, values)
        with connection.cursor() as cursor:
            cursor.execute(statement.sql, [values[name] if name else param for name, param in statement.params])
            return self._rows(statement, cursor)

    def first(self, **values: Any) -> Row | None:
        """The first row. For queries that find one at most: the SQL has no LIMIT of its own."""
        return next(iter(self.all(**values)), None)

    def _rows(self, statement: _Statement, cursor: Any) -> list[Row]:
        raise NotImplementedError


class CompiledQuery(_Compiled[Row]):
    """Of a `values_list`: rows are tuples. `convert`, by place: for values that the driver returns otherwise."""

    def __init__(
        self,
        make: Callable[..., "QuerySet[Any, Any]"],
        *,
        convert: Mapping[int, Converter] | None = None,
        locks: bool = False,
    ) -> None:
        super().__init__(make, locks=locks)
        self.convert = convert or {}

    def _rows(self, _statement: _Statement, cursor: Any) -> list[Row]:
        rows: list[Any] = cursor.fetchall()
        return [self._converted(row) for row in rows] if self.convert else rows

    def _converted(self, row: tuple[Any, ...]) -> Any:
        values = list(row)
        for place, converter in self.convert.items():
            values[place] = converter(values[place])
        return tuple(values)


class CompiledModels(_Compiled[M]):
    """Of models: with all their columns, the annotations of these names in order, and the models in `related`.

    `make` passes `related` to select_related: foreign keys, and one-to-one relations in both directions. Raises
    ValueError if the columns of the query are others.
    """

    def __init__(
        self,
        make: Callable[..., "QuerySet[M, M]"],
        *,
        related: Sequence[str] = (),
        annotations: Sequence[str] = (),
        locks: bool = False,
    ) -> None:
        super().__init__(make, locks=locks)
        self.related = related
        self.annotations = annotations
        self._shape: _Shape | None = None

    def _rows(self, statement: _Statement, cursor: Any) -> list[M]:
        if self._shape is None:
            shape = _Shape(statement.model, self.related, self.annotations)
            shape.check([column.name for column in cursor.description])
            self._shape = shape
        return [self._shape.build(row) for row in cursor.fetchall()]


class _Part:
    """A model among the columns of a row."""

    def __init__(self, path: tuple[str, ...], model: type[Model], start: int, relation: Any = None) -> None:
        fields = model._meta.concrete_fields
        self.path = path
        self.relation = relation  # that leads to it: a field, or the other side of one
        self.model = model
        self.names = [field.attname for field in fields]
        self.columns = [field.column for field in fields]
        self.place = slice(start, start + len(fields))
        self.key = start + self.names.index(model._meta.pk.attname)
        self.converters = [(n, field) for n, field in enumerate(fields) if hasattr(field, "from_db_value")]

    def build(self, row: Sequence[Any]) -> Model | None:
        """None for what an outer join did not find."""
        if row[self.key] is None:
            return None
        values = list(row[self.place])
        for n, field in self.converters:
            values[n] = field.from_db_value(values[n], None, connection)
        return self.model.from_db(DEFAULT_DB_ALIAS, self.names, values)


class _Shape:
    """Which columns belong to which model: those of the model itself, annotations, then related ones, depth first."""

    def __init__(self, model: type[Model], related: Sequence[str], annotations: Sequence[str]) -> None:
        self.main = _Part((), model, 0)
        self.annotations = [(self.main.place.stop + n, name) for n, name in enumerate(annotations)]
        self.related: list[_Part] = []
        start = self.main.place.stop + len(annotations)
        for path, relation in _follow(model, [tuple(path.split("__")) for path in related]):
            self.related.append(_Part(path, relation.related_model, start, relation))
            start = self.related[-1].place.stop

    def check(self, columns: list[str]) -> None:
        expected = [*self.main.columns, *(name for _place, name in self.annotations)]
        expected += [column for part in self.related for column in part.columns]
        if columns != expected:
            raise ValueError(f"the query has the columns {columns}, not {expected}")

    def build(self, row: Sequence[Any]) -> Any:
        found: dict[tuple[str, ...], Any] = {(): self.main.build(row)}
        for place, name in self.annotations:
            setattr(found[()], name, row[place])
        for part in self.related:
            parent = found[part.path[:-1]]
            other = found[part.path] = part.build(row) if parent is not None else None
            if parent is not None:
                part.relation.set_cached_value(parent, other)
            if other is not None and part.relation.one_to_one:
                part.relation.remote_field.set_cached_value(other, parent)
        return found[()]


def _follow(
    model: type[Model], paths: Iterable[tuple[str, ...]], before: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every relation that these paths lead through, in the order in which select_related adds its columns."""
    forwards: list[tuple[str, Any]] = [(field.name, field) for field in model._meta.fields]
    backwards: list[tuple[str, Any]] = [
        (relation.get_accessor_name() or "", relation)
        for relation in model._meta.related_objects
        if relation.one_to_one
    ]
    for name, relation in forwards + backwards:
        further = [path[1:] for path in paths if path[0] == name]
        if further:
            other: Any = relation.related_model
            yield (*before, name), relation
            yield from _follow(other, [path for path in further if path], (*before, name))


def _compile(make: Callable[..., "QuerySet[Any, Any]"], values: Mapping[str, Any]) -> _Statement:
    stand_ins = {name: _stand_in(value, n) for n, (name, value) in enumerate(values.items())}
    queryset = make(**stand_ins)
    sql, params = queryset.query.sql_with_params()
    names = {stand_in: name for name, stand_in in stand_ins.items()}
    places = [(names.get(param) if _is_hashable(param) else None, param) for param in params]
    for name, stand_in in stand_ins.items():
        if sql.endswith(limit := f" LIMIT {stand_in}"):  # Django writes it as a number
            sql = f"{sql.removesuffix(limit)} LIMIT %s"
            places.append((name, None))
    if missing := set(stand_ins) - {name for name, _param in places}:
        raise ValueError(f"not a parameter of the query: {', '.join(sorted(missing))}")
    return _Statement(queryset.model, sql, places)


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
