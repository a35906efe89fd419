"""Lists by cursor: never a count, never an offset, the same cost on every page."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from django.db.models import Q, QuerySet
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.dateparse import parse_date, parse_datetime
from rest_framework import serializers
from rest_framework.request import Request

from cps_portal.core.lib.prepared import CompiledQuery
from cps_portal.core.rest.errors import BadQuery
from cps_portal.core.rest.resources import Resource

DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE = 50, 100
MAX_CURSOR_LENGTH = 400
SEAL = 12  # bytes
BESIDE = ("cursor", "limit", "fields", "order")  # a cursor is good for any of these, and names its order itself


class ListQuery(serializers.Serializer[Any]):
    """What every list takes. A subclass adds its filters; a parameter that is none of them is refused."""

    cursor = serializers.CharField(
        max_length=MAX_CURSOR_LENGTH,
        required=False,
        allow_blank=True,
        help_text="`next` of the page before. The filters stay the same.",
    )
    limit = serializers.IntegerField(
        min_value=1, max_value=MAX_PAGE_SIZE, default=DEFAULT_PAGE_SIZE, help_text="Rows on a page."
    )


class SparseQuery(serializers.Serializer[Any]):
    fields = serializers.CharField(  # type: ignore[assignment]  # the metaclass takes it out of the way
        required=False, max_length=400, help_text="The fields wanted, separated by commas. None: all."
    )


class SparseListQuery(SparseQuery, ListQuery):
    """Of lists whose rows can be cut down to some fields."""


def parse_query(request: Request, form: type[serializers.Serializer[Any]]) -> dict[str, Any]:
    """The parameters, checked. Raises BadQuery."""
    found = form(data=request.query_params)
    if unknown := set(request.query_params) - set(found.fields):
        raise BadQuery({str(name): ["This parameter is not known."] for name in sorted(unknown)})
    if twice := [name for name, values in request.query_params.lists() if len(values) > 1]:
        raise BadQuery({name: ["Give this once."] for name in twice})
    # A form takes nothing as not given: a filter that its writer left empty would then let everything through.
    if empty := [name for name, value in request.query_params.items() if not value and name != "cursor"]:
        raise BadQuery({name: ["Give a value, or leave it out."] for name in empty})
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


def paginate(parts: Sequence[QuerySet[Any]], face: Resource, query: Mapping[str, Any], *, order: str) -> dict[str, Any]:
    """One page of the rows of `parts` taken together, in an order that each of them has an index for.

    Several parts are asked for a page each and merged, since an index by owner orders only the rows of one.
    Raises BadQuery beside `cursor`.
    """
    page = _Page(face, query, order)
    return page.of([page.of_part(part, page.place) for part in parts])


def paginate_feed(rows: QuerySet[Any], face: Resource, query: Mapping[str, Any], *, order: str) -> dict[str, Any]:
    """As `page_of`, of a log that is read on and on: `next` is where to go on, also when there is nothing more yet."""
    page = _Page(face, query, order)
    found = list(page.of_part(rows, page.place))
    shown = found[: page.limit]
    more = _write(shown[-1][-2], shown[-1][-1], page.mark) if shown else query.get("cursor")
    return {"results": [page.picked.of(row) for row in shown], "next": more}


class CompiledPages:
    """The pages of a list that is asked very often, as anybody begins: whole rows, no filter, the usual length.

    `make` is the query of one owner, whose value is left open (see lib.prepared).
    """

    def __init__(self, face: Resource, make: Callable[[int], QuerySet[Any]], *, order: str) -> None:
        self.face = face
        self.order = order
        page = _Page(face, {"limit": DEFAULT_PAGE_SIZE}, order)
        self.first: CompiledQuery[Any] = CompiledQuery(lambda owner: page.of_part(make(owner), None))
        self.later: CompiledQuery[Any] = CompiledQuery(
            lambda owner, value, key: page.of_part(make(owner), (value, key))
        )

    def page(self, owners: Sequence[int], cursor: str = "") -> dict[str, Any]:
        """Raises BadQuery beside `cursor`."""
        page = _Page(self.face, {"limit": DEFAULT_PAGE_SIZE, "cursor": cursor}, self.order)
        if page.place is None:
            return page.of([self.first.all(owner=owner) for owner in owners])
        value, key = page.place
        return page.of([self.later.all(owner=owner, value=value, key=key) for owner in owners])


class _Page:
    def __init__(self, face: Resource, query: Mapping[str, Any], order: str) -> None:
        self.by = Order.by(order)
        self.limit: int = query["limit"]
        self.picked = face.pick(query.get("fields", ""))
        self.mark = _mark(query, order)
        self.place = _read(query["cursor"], self.mark) if query.get("cursor") else None

    def of_part(self, part: QuerySet[Any], place: tuple[Any, int] | None) -> QuerySet[Any]:
        """One more than the page has, with what orders it at the end."""
        if place:
            part = part.filter(self.by.after(*place))
        return part.order_by(*self.by.names).values_list(*self.picked.paths, self.by.column, "pk")[: self.limit + 1]

    def of(self, parts: Sequence[Iterable[Any]]) -> dict[str, Any]:
        rows: list[Any] = [row for part in parts for row in part]
        if len(parts) > 1:
            rows.sort(key=lambda row: row[-2:], reverse=self.by.descending)
        shown = rows[: self.limit]
        more = _write(shown[-1][-2], shown[-1][-1], self.mark) if len(rows) > self.limit else None
        return {"results": [self.picked.of(row) for row in shown], "next": more}


def _mark(query: Mapping[str, Any], order: str) -> list[Any]:
    """Of the list that a cursor belongs to: its filters and order."""
    about = sorted((name, str(value)) for name, value in query.items() if name not in BESIDE and value is not None)
    return [order, *about]


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
    return salted_hmac("cps_portal.core.rest.lists", place + orjson.dumps(mark), algorithm="sha256").digest()[:SEAL]
