"""The admin pages of servicing: centres, tickets, loans and visiting members."""

from servicing.admin import calendars, centres, loans, tickets, visiting

__all__ = ["calendars", "centres", "loans", "tickets", "visiting"]
