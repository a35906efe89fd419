"""Fast Track places: who gets one, and until when (R49). Constraints of the database enforce the limit."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from servicing.enums import BEFORE_INTAKE, TicketState

PLACES = 3
HELD_FOR = timedelta(days=14)


def free_places(taken: Collection[int], places: int = PLACES) -> list[int]:
    """The numbers of the places that are not taken, lowest first."""
    return [place for place in range(1, places + 1) if place not in taken]


def next_in_line(
    waiting: Iterable[tuple[datetime, int]], taken: Collection[int], places: int = PLACES
) -> list[tuple[int, int]]:
    """Assign the free places to those that wait, given as (since, key): (key, place), the longest waiting first."""
    return [(key, place) for (_since, key), place in zip(sorted(waiting), free_places(taken, places), strict=False)]


def lapses_at(held_since: datetime) -> datetime:
    """Until when a place is reserved for a product that is not booked in."""
    return held_since + HELD_FOR


def has_lapsed(state: str, held_since: datetime, at: datetime) -> bool:
    """Whether a place is taken back; never once the product is booked in."""
    return state in BEFORE_INTAKE and state != TicketState.WAITING and at >= lapses_at(held_since)
