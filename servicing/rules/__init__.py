"""The arithmetic of servicing: entitlement, moves, the clock, places. Values in, values out."""

from servicing.rules.moves import TRANSITIONS, after, holds_a_place, is_over, next_moves

__all__ = ["TRANSITIONS", "after", "holds_a_place", "is_over", "next_moves"]
