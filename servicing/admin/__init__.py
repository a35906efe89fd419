"""The centres' desk and what staff see of it."""

from servicing.admin import centres, loans

__all__ = ["centres", "loans"]
