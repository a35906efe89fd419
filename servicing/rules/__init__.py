"""The arithmetic of servicing: entitlement, moves, the clock, places. Values in, values out."""

from servicing.rules.entitlement import (
    Benefit,
    CentreFacts,
    Entitlement,
    ProductFacts,
    Standing,
    WarrantyClaim,
    entitlement,
)
from servicing.rules.moves import TRANSITIONS, after, holds_a_place, is_over, next_moves
from servicing.rules.places import PLACES, free_places, has_lapsed, lapses_at, next_in_line
from servicing.rules.table import entitlement_table
from servicing.rules.timeline import Clock, Event, Pause, Step, may_record, replay, timeline

__all__ = [
    "PLACES",
    "TRANSITIONS",
    "Benefit",
    "CentreFacts",
    "Clock",
    "Entitlement",
    "Event",
    "Pause",
    "ProductFacts",
    "Standing",
    "Step",
    "WarrantyClaim",
    "after",
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
    "replay",
    "timeline",
]
