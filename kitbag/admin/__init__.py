"""The desk's pages of kit, registrations, planned changes and points."""

from kitbag.admin import catalogue, changes, claims, desk, points, proposals, registrations

__all__ = ["catalogue", "changes", "claims", "desk", "points", "proposals", "registrations"]
