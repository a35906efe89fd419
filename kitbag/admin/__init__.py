"""The desk's pages of kit, registrations, planned changes and points."""

from kitbag.admin import (
    catalogue,
    changes,
    claims,
    evidence,
    held_decisions,
    owner_details,
    ownership,
    points,
    proposals,
    registrations,
    retailers,
    review,
    sales,
    serial_changes,
    serials,
    thresholds,
)

__all__ = [
    "catalogue",
    "changes",
    "claims",
    "evidence",
    "held_decisions",
    "owner_details",
    "ownership",
    "points",
    "proposals",
    "registrations",
    "retailers",
    "review",
    "sales",
    "serial_changes",
    "serials",
    "thresholds",
]
