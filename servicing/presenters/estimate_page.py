"""The page on which a centre writes an estimate: the sum of each line, and what the customer will read (R62)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from servicing.models import Ticket


@dataclass(frozen=True)
class LineRow:
    """A row of the table. Without `net` it can't be added up yet."""

    form: Any
    net: Decimal | None


def line_rows(forms: Iterable[Any], nets: Mapping[int, Decimal]) -> list[LineRow]:
    return [LineRow(form, nets.get(n)) for n, form in enumerate(forms)]


def language_of(ticket: Ticket, default: str) -> str:
    """The language that the customer reads."""
    return str(ticket.member.language) if ticket.member else default


def customer_name(ticket: Ticket) -> str:
    """The name, or "" if the customer left none."""
    if ticket.member:
        return ticket.member.full_name
    return ticket.visitor.name if ticket.visitor else ""
