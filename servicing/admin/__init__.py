"""The centres' desk and what staff see of it."""

from servicing.admin import centres, loans, tickets, visiting

__all__ = ["centres", "loans", "tickets", "visiting"]
