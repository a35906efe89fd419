"""The admin pages of servicing: centres, tickets, loans and visiting members."""

from servicing.admin import calendars, centres, loans, ready_sets, tickets, visiting

__all__ = ["calendars", "centres", "loans", "ready_sets", "tickets", "visiting"]
