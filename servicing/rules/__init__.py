"""Pure functions of servicing: entitlement, transitions, the clock, places."""

from servicing.rules.clock import Clock, Pause, compute_clock
from servicing.rules.entitlement import (
    CentreFacts,
    Entitlement,
    ProductFacts,
    Standing,
    WarrantyClaim,
    entitlement,
)
from servicing.rules.moves import TRANSITIONS, holds_a_place, is_over, next_moves, next_state
from servicing.rules.places import PLACES, free_places, has_lapsed, lapses_at, next_in_line
from servicing.rules.table import entitlement_table
from servicing.rules.timeline import Event, Step, may_record, replay

__all__ = [
    "PLACES",
    "TRANSITIONS",
    "CentreFacts",
    "Clock",
    "Entitlement",
    "Event",
    "Pause",
    "ProductFacts",
    "Standing",
    "Step",
    "WarrantyClaim",
    "compute_clock",
    "entitlement",
    "entitlement_table",
    "free_places",
    "has_lapsed",
    "holds_a_place",
    "is_over",
    "lapses_at",
    "may_record",
    "next_in_line",
    "next_moves",
    "next_state",
    "replay",
]
