"""How rows look from outside: declared once, read without building a model, cut down to the fields asked for."""

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

from cps_portal.core.lib.prepared import CompiledQuery
from cps_portal.core.rest.errors import BadQuery, PreconditionFailed

OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


class SparseSerializer(serializers.Serializer[Any]):
    """What an answer looks like, for the contract. With `fields` only some are there, so none is required."""

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        for field in fields.values():
            field.required = False
        return fields


@dataclass(frozen=True)
class Column:
    """Where a field comes from: paths of the ORM, and what makes one value of theirs."""

    paths: tuple[str, ...]
    make: Callable[..., Any] | None = None


def column(*paths: str, make: Callable[..., Any] | None = None) -> Column:
    return Column(paths, make)


@dataclass(frozen=True)
class FieldSelection:
    """Some fields of a face: which columns to read and how to make the dict of a row."""

    paths: tuple[str, ...]
    steps: tuple[tuple[str, slice, Callable[..., Any] | None], ...]

    def of(self, row: Sequence[Any]) -> dict[str, Any]:
        return {name: make(*row[where]) if make else row[where.start] for name, where, make in self.steps}


class Resource:
    """The fields of a resource. Raises ValueError if the contract and the columns do not name the same ones."""

    def __init__(self, serializer: type[SparseSerializer], **columns: Column | str) -> None:
        self.serializer = serializer
        self.columns: dict[str, Column] = {
            name: found if isinstance(found, Column) else Column((found,)) for name, found in columns.items()
        }
        if list(serializer().fields) != list(self.columns):
            raise ValueError(f"{serializer.__name__} does not say what its columns give")
        self._whole = self._picked(self.columns)

    def pick(self, wanted: str) -> FieldSelection:
        """The fields named in a `fields` parameter, "" for all. Raises BadQuery for names it does not have."""
        if not wanted:
            return self._whole
        names = wanted.split(",")
        if unknown := [name for name in names if name not in self.columns]:
            raise BadQuery({"fields": [f"There is no {unknown[0]!r}. Choose from: {', '.join(self.columns)}."]})
        return self._picked([name for name in self.columns if name in names])

    def one(self, rows: QuerySet[Any], wanted: str = "") -> dict[str, Any] | None:
        """The only row; None if there is none."""
        picked = self.pick(wanted)
        row = next(iter(rows.values_list(*picked.paths)[:1]), None)
        return picked.of(row) if row else None

    def prepared(self, make: Callable[..., QuerySet[Any]]) -> "CompiledResource":
        """For what is asked very often: `make` is a query whose values are left open, see lib.prepared."""
        return CompiledResource(self, CompiledQuery(lambda **values: make(**values).values_list(*self._whole.paths)))

    def of(self, row: Model) -> dict[str, Any]:
        """Of a row that is in memory with what its paths lead through."""
        picked = self._whole
        return picked.of([attrgetter(path.replace("__", "."))(row) for path in picked.paths])

    def all(self, rows: QuerySet[Any], wanted: str = "") -> list[dict[str, Any]]:
        picked = self.pick(wanted)
        return [picked.of(row) for row in rows.values_list(*picked.paths)]

    def _picked(self, names: Iterable[str]) -> FieldSelection:
        paths: list[str] = []
        steps = []
        for name in names:
            found = self.columns[name]
            steps.append((name, slice(len(paths), len(paths) + len(found.paths)), found.make))
            paths += found.paths
        return FieldSelection(tuple(paths), tuple(steps))


@dataclass(frozen=True)
class CompiledResource:
    face: Resource
    rows: CompiledQuery[Any]

    def one(self, **values: Any) -> dict[str, Any] | None:
        row = self.rows.first(**values)
        return self.face.pick("").of(row) if row else None


def nested(*names: str) -> Callable[..., dict[str, Any] | None]:
    """Makes an object of several columns; null if the first of them is."""

    def make(*values: Any) -> dict[str, Any] | None:
        return None if values[0] is None else dict(zip(names, values, strict=True))

    return make


def dumps(data: Any) -> bytes:
    """JSON; times as UTC, what it has no form for (amounts, translated words) as text."""
    return orjson.dumps(data, default=str, option=OPTIONS)


def etag_of(body: bytes) -> str:
    return f'"{blake2b(body, digest_size=16).hexdigest()}"'


def json_response(data: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    return HttpResponse(dumps(data), status=status, content_type="application/json", headers=dict(headers or {}))


def json_response_with_etag(request: Request, data: Any) -> HttpResponse:
    """With its ETag; 304 and no body if the partner has it already (`If-None-Match`)."""
    body = dumps(data)
    tag = etag_of(body)
    known = parse_etags(request.META.get("HTTP_IF_NONE_MATCH", ""))
    if "*" in known or tag in {one.removeprefix("W/") for one in known}:
        return HttpResponse(status=304, headers={"ETag": tag})
    return HttpResponse(body, content_type="application/json", headers={"ETag": tag})


def require_if_match(request: Request, current: Callable[[], Any]) -> None:
    """Raise PreconditionFailed (412) if the partner knows another version than `current()`, read under its lock.

    The tag is that of the whole resource, not of one read with `fields`. Without `If-Match` nothing is asked.
    """
    given = request.META.get("HTTP_IF_MATCH", "")
    if not given:
        return
    tags = parse_etags(given)
    if "*" not in tags and etag_of(dumps(current())) not in tags:
        raise PreconditionFailed
