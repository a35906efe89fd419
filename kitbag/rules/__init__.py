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
    look_up_keys,
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
    "look_up_keys",
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
