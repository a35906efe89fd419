"""Resources of the API: which columns a serializer's fields come from, and how rows become JSON.

A serializer declares the fields of a resource once, for the OpenAPI document and for its rows: `source` names the
column. Rows go straight from `values_list` to JSON, because building models and running serializers for a page of a
list takes several times as long as the query.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from operator import attrgetter
from typing import Any

import orjson
from django.db.models import Model, QuerySet
from django.http import HttpResponse
from django.utils.http import parse_etags
from rest_framework import serializers
from rest_framework.request import Request

from cps_portal.core.lib.compiled_queries import CompiledQuery
from cps_portal.core.rest.errors import BadQuery, PreconditionFailed

OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


class SparseSerializer(serializers.Serializer[Any]):
    """A resource that can be cut down with the `fields` parameter: so no field is required in the OpenAPI document."""

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        for field in fields.values():
            field.required = False
        return fields


@dataclass(frozen=True)
class Column:
    """Where the value of a field comes from: ORM paths, and the function that makes one value of theirs."""

    paths: tuple[str, ...]
    make: Callable[..., Any] | None = None


def computed(*paths: str, make: Callable[..., Any]) -> Column:
    """A field that is computed from one or more columns."""
    return Column(paths, make)


@dataclass(frozen=True)
class FieldSelection:
    """Some fields of a resource: the columns to read, and how to make a dict from a row of them."""

    paths: tuple[str, ...]
    steps: tuple[tuple[str, slice, Callable[..., Any] | None], ...]

    def render_row(self, row: Sequence[Any]) -> dict[str, Any]:
        return {name: make(*row[part]) if make else row[part.start] for name, part, make in self.steps}


class Resource:
    """The fields of `serializer`, each read from the column that its `source` names.

    A nested serializer becomes an object, or null if the first of its columns is null; with `source="*"` its fields
    are columns of the row itself. What no single column has is passed as `computed`, by the name of its field.
    """

    def __init__(self, serializer: type[SparseSerializer], **columns: Column) -> None:
        fields = serializer().fields
        if unknown := sorted(columns.keys() - fields.keys()):
            raise ValueError(f"{serializer.__name__} has no field {', '.join(unknown)}")
        self.serializer = serializer
        self.columns = {name: columns.get(name) or _column_of(field) for name, field in fields.items()}
        self.all_fields = self._select(self.columns)

    def select_fields(self, names: str) -> FieldSelection:
        """The fields named in a `fields` parameter, separated by commas; "" for all. Raises BadQuery."""
        if not names:
            return self.all_fields
        selected = names.split(",")
        if unknown := [name for name in selected if name not in self.columns]:
            raise BadQuery({"fields": [f"There is no {unknown[0]!r}. Choose from: {', '.join(self.columns)}."]})
        return self._select([name for name in self.columns if name in selected])

    def get(self, rows: QuerySet[Any], fields: str = "") -> dict[str, Any] | None:
        """The first row; None if there is none."""
        selection = self.select_fields(fields)
        row = next(iter(rows.values_list(*selection.paths)[:1]), None)
        return selection.render_row(row) if row else None

    def list(self, rows: QuerySet[Any], fields: str = "") -> list[dict[str, Any]]:
        selection = self.select_fields(fields)
        return [selection.render_row(row) for row in rows.values_list(*selection.paths)]

    def from_instance(self, instance: Model) -> dict[str, Any]:
        """Of a model in memory. The related models that its columns lead through are best loaded already."""
        return self.all_fields.render_row(
            [attrgetter(path.replace("__", "."))(instance) for path in self.all_fields.paths]
        )

    def compiled(self, make: Callable[..., QuerySet[Any]]) -> "CompiledResource":
        """For a query that runs very often: `make` builds it from named values, see CompiledQuery."""
        return CompiledResource(
            self, CompiledQuery(lambda **values: make(**values).values_list(*self.all_fields.paths))
        )

    def _select(self, names: Iterable[str]) -> FieldSelection:
        paths: list[str] = []
        steps = []
        for name in names:
            column = self.columns[name]
            steps.append((name, slice(len(paths), len(paths) + len(column.paths)), column.make))
            paths += column.paths
        return FieldSelection(tuple(paths), tuple(steps))


@dataclass(frozen=True)
class CompiledResource:
    resource: Resource
    query: CompiledQuery[Any]

    def get(self, **values: Any) -> dict[str, Any] | None:
        row = self.query.first(**values)
        return self.resource.all_fields.render_row(row) if row else None


def _column_of(field: serializers.Field[Any, Any, Any, Any]) -> Column:
    source = field.source or ""
    path = "" if source == "*" else source.replace(".", "__")
    if not isinstance(field, serializers.Serializer):
        return Column((path,))
    children = {name: _column_of(child) for name, child in field.fields.items()}
    prefix = f"{path}__" if path else ""
    paths = tuple(f"{prefix}{child}" for column in children.values() for child in column.paths)
    names = tuple(children)

    def make_object(*values: Any) -> dict[str, Any] | None:
        return None if values[0] is None else dict(zip(names, values, strict=True))

    return Column(paths, make_object)


def dumps(data: Any) -> bytes:
    """JSON as bytes. Times are in UTC; other types (decimals, translated strings) become strings."""
    return orjson.dumps(data, default=str, option=OPTIONS)


def etag_of(body: bytes) -> str:
    return f'"{blake2b(body, digest_size=16).hexdigest()}"'


def json_response(data: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    return HttpResponse(dumps(data), status=status, content_type="application/json", headers=dict(headers or {}))


def json_response_with_etag(request: Request, data: Any) -> HttpResponse:
    """With an ETag; 304 and no body if `If-None-Match` has the same one."""
    body = dumps(data)
    etag = etag_of(body)
    etags = parse_etags(request.META.get("HTTP_IF_NONE_MATCH", ""))
    if "*" in etags or etag in {tag.removeprefix("W/") for tag in etags}:
        return HttpResponse(status=304, headers={"ETag": etag})
    return HttpResponse(body, content_type="application/json", headers={"ETag": etag})


def require_if_match(request: Request, read_current: Callable[[], Any]) -> None:
    """Raise PreconditionFailed (412) if `If-Match` is sent and is not the ETag of `read_current()`.

    Call it while the row is locked. The ETag is that of the whole resource, not of one cut down with `fields`.
    """
    header = request.META.get("HTTP_IF_MATCH", "")
    if not header:
        return
    tags = parse_etags(header)
    if "*" not in tags and etag_of(dumps(read_current())) not in tags:
        raise PreconditionFailed
