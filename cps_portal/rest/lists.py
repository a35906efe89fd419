"""Lists by cursor: never a count, never an offset, the same cost on every page."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from django.db.models import Q, QuerySet
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.dateparse import parse_date, parse_datetime
from rest_framework import serializers
from rest_framework.request import Request

from cps_portal.rest.errors import BadQuery
from cps_portal.rest.faces import Face

USUAL, MOST = 50, 100
LONGEST_CURSOR = 400
SEAL = 12  # bytes


class ListQuery(serializers.Serializer[Any]):
    """What every list takes. A subclass adds its filters; a parameter that is none of them is refused."""

    cursor = serializers.CharField(
        max_length=LONGEST_CURSOR, required=False, help_text="`next` of the page before. The filters stay the same."
    )
    limit = serializers.IntegerField(min_value=1, max_value=MOST, default=USUAL, help_text="Rows on a page.")


class SparseQuery(serializers.Serializer[Any]):
    fields = serializers.CharField(  # type: ignore[assignment]  # the metaclass takes it out of the way
        required=False, max_length=400, help_text="The fields wanted, separated by commas. None: all."
    )


class SparseListQuery(SparseQuery, ListQuery):
    """Of lists whose rows can be cut down to some fields."""


def query_of(request: Request, form: type[serializers.Serializer[Any]]) -> dict[str, Any]:
    """The parameters, checked. Raises BadQuery."""
    found = form(data=request.query_params)
    if unknown := set(request.query_params) - set(found.fields):
        raise BadQuery({str(name): ["This parameter is not known."] for name in sorted(unknown)})
    if twice := [name for name, values in request.query_params.lists() if len(values) > 1]:
        raise BadQuery({name: ["Give this once."] for name in twice})
    if not found.is_valid():
        raise BadQuery(found.errors)
    return dict(found.validated_data)


@dataclass(frozen=True)
class Order:
    """By a column that is never null, and by key where it is the same. `-` before the name: the highest first."""

    column: str
    descending: bool

    @classmethod
    def by(cls, text: str) -> "Order":
        return cls(text.removeprefix("-"), text.startswith("-"))

    @property
    def names(self) -> tuple[str, str]:
        sign = "-" if self.descending else ""
        return f"{sign}{self.column}", f"{sign}pk"

    def after(self, value: Any, key: int) -> Q:
        sign = "lt" if self.descending else "gt"
        # The first half alone is what an index can be asked; the second leaves out what the last page had.
        ahead = Q(**{f"{self.column}__{sign}e": value})
        return ahead & (Q(**{f"{self.column}__{sign}": value}) | Q(**{f"pk__{sign}": key}))


def page_of(parts: Sequence[QuerySet[Any]], face: Face, query: Mapping[str, Any], *, order: str) -> dict[str, Any]:
    """One page of the rows of `parts` taken together, in an order that each of them has an index for.

    Several parts are asked for a page each and merged, since an index by owner orders only the rows of one.
    Raises BadQuery beside `cursor`.
    """
    by = Order.by(order)
    limit = query["limit"]
    picked = face.pick(query.get("fields", ""))
    mark = _mark(query, order)
    if query.get("cursor"):
        value, key = _read(query["cursor"], mark)
        parts = [part.filter(by.after(value, key)) for part in parts]
    columns = (*picked.paths, by.column, "pk")
    pages = [part.order_by(*by.names).values_list(*columns)[: limit + 1] for part in parts]
    rows: list[Any] = sorted(
        (row for page in pages for row in page), key=lambda row: row[-2:], reverse=by.descending
    ) if len(pages) > 1 else [row for page in pages for row in page]  # fmt: skip
    shown = rows[:limit]
    more = _write(shown[-1][-2], shown[-1][-1], mark) if len(rows) > limit else None
    return {"results": [picked.of(row) for row in shown], "next": more}


def _mark(query: Mapping[str, Any], order: str) -> list[Any]:
    """Of the list that a cursor belongs to: its filters and order."""
    kept = {name: str(value) for name, value in sorted(query.items()) if name not in ("cursor", "limit", "fields")}
    return [order, *kept.items()]


def _write(value: Any, key: int, mark: list[Any]) -> str:
    place = orjson.dumps([value, key])
    return urlsafe_b64encode(_seal(place, mark) + place).decode().rstrip("=")


def _read(cursor: str, mark: list[Any]) -> tuple[Any, int]:
    """What we wrote ourselves, for the same list."""
    try:
        found = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (ValueError, Error):
        found = b""
    seal, place = found[:SEAL], found[SEAL:]
    if not constant_time_compare(seal, _seal(place, mark)):
        raise BadQuery({"cursor": ["Send `next` of the page before, with the same filters and order."]})
    value, key = orjson.loads(place)
    return (parse_datetime(value) or parse_date(value) or value) if isinstance(value, str) else value, key


def _seal(place: bytes, mark: list[Any]) -> bytes:
    return salted_hmac("cps_portal.rest.lists", place + orjson.dumps(mark), algorithm="sha256").digest()[:SEAL]
