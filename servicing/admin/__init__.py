"""The admin pages of servicing: centres, tickets, loans and visiting members."""

from servicing.admin import centres, loans, tickets, visiting

__all__ = ["centres", "loans", "tickets", "visiting"]
