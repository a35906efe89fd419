"""Lists with cursor pagination: no count and no offset, so that every page costs the same."""

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

from cps_portal.core.lib.compiled_queries import CompiledQuery
from cps_portal.core.rest.errors import BadQuery
from cps_portal.core.rest.resources import Resource

DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE = 50, 100
MAX_CURSOR_LENGTH = 400
SIGNATURE_BYTES = 12
# A cursor stays good when these change from page to page; `order` is signed separately.
NOT_FILTERS = ("cursor", "limit", "fields", "order")


class ListQuery(serializers.Serializer[Any]):
    """The query parameters of every list. A subclass adds its filters."""

    cursor = serializers.CharField(
        max_length=MAX_CURSOR_LENGTH,
        required=False,
        allow_blank=True,
        help_text="`next` of the previous page. Send the same filters with it.",
    )
    limit = serializers.IntegerField(
        min_value=1, max_value=MAX_PAGE_SIZE, default=DEFAULT_PAGE_SIZE, help_text="Rows per page."
    )


class SparseQuery(serializers.Serializer[Any]):
    fields = serializers.CharField(  # type: ignore[assignment]  # DRF's metaclass removes it from the class
        required=False, max_length=400, help_text="The fields to return, separated by commas. By default all."
    )


class SparseListQuery(SparseQuery, ListQuery):
    """For lists whose rows can be cut down with `fields`."""


def parse_query(request: Request, form: type[serializers.Serializer[Any]]) -> dict[str, Any]:
    """The validated query string. Raises BadQuery, also for unknown, repeated and empty parameters."""
    query = form(data=request.query_params)
    if unknown := set(request.query_params) - set(query.fields):
        raise BadQuery({str(name): ["There is no such parameter."] for name in sorted(unknown)})
    if repeated := [name for name, values in request.query_params.lists() if len(values) > 1]:
        raise BadQuery({name: ["Send this parameter only once."] for name in repeated})
    # DRF treats an empty value in a query string as missing: an empty filter would return everything.
    if empty := [name for name, value in request.query_params.items() if not value and name != "cursor"]:
        raise BadQuery({name: ["Send a value or leave the parameter out."] for name in empty})
    if not query.is_valid():
        raise BadQuery(query.errors)
    return dict(query.validated_data)


@dataclass(frozen=True)
class Order:
    """By a column that is never null, and by primary key where it is equal. `-` before the name: descending."""

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
        lookup = "lt" if self.descending else "gt"
        # PostgreSQL can only use the first condition for a range of the index; the second removes the rows of the
        # previous page that have the same value.
        in_range = Q(**{f"{self.column}__{lookup}e": value})
        return in_range & (Q(**{f"{self.column}__{lookup}": value}) | Q(**{f"pk__{lookup}": key}))


def paginate(
    parts: Sequence[QuerySet[Any]], resource: Resource, query: Mapping[str, Any], *, order: str
) -> dict[str, Any]:
    """One page of the rows of all `parts` together.

    Each part is read for a whole page and then they are merged, because an index that begins with the owner sorts
    only the rows of one owner. Raises BadQuery for a wrong cursor.
    """
    page = _Page(resource, query, order)
    return page.render([page.rows_of(part, page.position) for part in parts])


def paginate_feed(rows: QuerySet[Any], resource: Resource, query: Mapping[str, Any], *, order: str) -> dict[str, Any]:
    """As `paginate`, for a log that is polled: there is always a `next` to continue from once there was a row."""
    page = _Page(resource, query, order)
    shown = list(page.rows_of(rows, page.position))[: page.limit]
    cursor = _encode_cursor(shown[-1][-2], shown[-1][-1], page.signed_for) if shown else query.get("cursor")
    return {"results": [page.selection.render_row(row) for row in shown], "next": cursor}


class CompiledPages:
    """The pages of a list that is read very often without parameters: all fields, no filter, default length.

    `make` builds the query of one owner's rows; see CompiledQuery.
    """

    def __init__(self, resource: Resource, make: Callable[[int], QuerySet[Any]], *, order: str) -> None:
        self.resource = resource
        self.order = order
        page = _Page(resource, {"limit": DEFAULT_PAGE_SIZE}, order)
        self.first: CompiledQuery[Any] = CompiledQuery(lambda owner: page.rows_of(make(owner), None))
        self.later: CompiledQuery[Any] = CompiledQuery(
            lambda owner, value, key: page.rows_of(make(owner), (value, key))
        )

    def page(self, owners: Sequence[int], cursor: str = "") -> dict[str, Any]:
        """Raises BadQuery for a wrong cursor."""
        page = _Page(self.resource, {"limit": DEFAULT_PAGE_SIZE, "cursor": cursor}, self.order)
        if page.position is None:
            return page.render([self.first.all(owner=owner) for owner in owners])
        value, key = page.position
        return page.render([self.later.all(owner=owner, value=value, key=key) for owner in owners])


class _Page:
    def __init__(self, resource: Resource, query: Mapping[str, Any], order: str) -> None:
        self.by = Order.by(order)
        self.limit: int = query["limit"]
        self.selection = resource.select_fields(query.get("fields", ""))
        self.signed_for = _list_identity(query, order)
        self.position = _decode_cursor(query["cursor"], self.signed_for) if query.get("cursor") else None

    def rows_of(self, part: QuerySet[Any], position: tuple[Any, int] | None) -> QuerySet[Any]:
        """One row more than fits, which tells whether there is a next page. The last two columns are the position."""
        if position:
            part = part.filter(self.by.after(*position))
        return part.order_by(*self.by.names).values_list(*self.selection.paths, self.by.column, "pk")[: self.limit + 1]

    def render(self, parts: Sequence[Iterable[Any]]) -> dict[str, Any]:
        rows: list[Any] = [row for part in parts for row in part]
        if len(parts) > 1:
            rows.sort(key=lambda row: row[-2:], reverse=self.by.descending)
        shown = rows[: self.limit]
        cursor = _encode_cursor(shown[-1][-2], shown[-1][-1], self.signed_for) if len(rows) > self.limit else None
        return {"results": [self.selection.render_row(row) for row in shown], "next": cursor}


def _list_identity(query: Mapping[str, Any], order: str) -> list[Any]:
    """Order and filters: what a cursor is signed for, so that it cannot be used with another list."""
    filters = {name: str(value) for name, value in query.items() if name not in NOT_FILTERS and value is not None}
    return [order, *sorted(filters.items())]


def _encode_cursor(value: Any, key: int, signed_for: list[Any]) -> str:
    position = orjson.dumps([value, key])
    return urlsafe_b64encode(_sign(position, signed_for) + position).decode().rstrip("=")


def _decode_cursor(cursor: str, signed_for: list[Any]) -> tuple[Any, int]:
    """Raises BadQuery if the cursor was not made here, or for another list."""
    try:
        decoded = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (ValueError, Error):
        decoded = b""
    signature, position = decoded[:SIGNATURE_BYTES], decoded[SIGNATURE_BYTES:]
    if not constant_time_compare(signature, _sign(position, signed_for)):
        raise BadQuery({"cursor": ["Send `next` of the previous page, with the same filters and order."]})
    value, key = orjson.loads(position)
    return (parse_datetime(value) or parse_date(value) or value) if isinstance(value, str) else value, key


def _sign(position: bytes, signed_for: list[Any]) -> bytes:
    message = position + orjson.dumps(signed_for)
    return salted_hmac("cps_portal.core.rest.lists", message, algorithm="sha256").digest()[:SIGNATURE_BYTES]
