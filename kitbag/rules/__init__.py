"""Pure functions of the Kitbag: serial numbers, points, search keys, handover codes."""

from kitbag.rules.points import (
    DETAILS,
    STANDARD_DAYS,
    is_drawn,
    latest_purchase_date,
    missing_details,
    points_fall,
    stage_today,
    target_days,
)
from kitbag.rules.search import ROMAN, name_tokens, search_key
from kitbag.rules.serials import (
    SerialFinding,
    Shape,
    check_serial,
    has_brackets,
    named_mistake,
    normalise_serial,
    pattern_problem,
    serial_key,
)

__all__ = [
    "DETAILS",
    "ROMAN",
    "STANDARD_DAYS",
    "SerialFinding",
    "Shape",
    "check_serial",
    "has_brackets",
    "is_drawn",
    "latest_purchase_date",
    "missing_details",
    "name_tokens",
    "named_mistake",
    "normalise_serial",
    "pattern_problem",
    "points_fall",
    "search_key",
    "serial_key",
    "stage_today",
    "target_days",
]
