"""The rows of the page on which boxes are packed and shipped (R61)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from servicing.models import Ticket
from servicing.queries.packing import is_packed


@dataclass(frozen=True)
class ShipRow:
    """A job that is ready. `state`: packed, same_box, now, waiting, counter or no_address.

    `box_of` is the first job in the same box. `typed` is what the field of the tracking number holds.
    """

    ticket: Ticket
    state: str
    typed: str
    stored: str = ""
    box_of: Ticket | None = None
    chosen: bool = True
    error: str = ""

    @property
    def is_packed(self) -> bool:
        return self.state in ("packed", "same_box")


def ship_rows(
    tickets: Sequence[Ticket],
    *,
    now: Ticket | None,
    typed: Mapping[int, str],
    errors: Mapping[int, Any],
    left_out: Collection[int],
) -> list[ShipRow]:
    """One row for each ticket. `left_out` are the jobs whose box was unticked."""
    first_in_box: dict[str, Ticket] = {}
    for ticket in sorted(filter(is_packed, tickets), key=lambda ticket: (ticket.packed.at, ticket.packed.pk)):
        first_in_box.setdefault(ticket.packed.number_key, ticket)
    rows = []
    for ticket in tickets:
        packed = ticket.packed if is_packed(ticket) else None
        first = first_in_box[packed.number_key] if packed else None
        stored = packed.number if packed else ""
        rows.append(
            ShipRow(
                ticket=ticket,
                state="now" if ticket == now else _state(ticket, first),
                typed=typed.get(ticket.pk, stored),
                stored=stored,
                box_of=first if first != ticket else None,
                chosen=ticket.pk not in left_out,
                error=str(errors.get(ticket.pk, "")),
            )
        )
    return rows


def _state(ticket: Ticket, first: Ticket | None) -> str:
    if not ticket.parcel.returns:
        return "counter"
    if not ticket.parcel.has_address:
        return "no_address"
    if first is None:
        return "waiting"
    return "packed" if first == ticket else "same_box"


def last_packed(rows: Iterable[ShipRow], user_pk: int) -> ShipRow | None:
    """What this person packed last."""
    mine = [row for row in rows if row.is_packed and row.ticket.packed.by_id == user_pk]
    return max(mine, key=lambda row: (row.ticket.packed.at, row.ticket.packed.pk), default=None)
