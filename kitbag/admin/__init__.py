"""The desk's pages of kit, registrations and points."""

from kitbag.admin import catalogue, points, proposals, registrations

__all__ = ["catalogue", "points", "proposals", "registrations"]
