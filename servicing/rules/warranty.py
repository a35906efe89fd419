"""How old a product is when a warranty repair is asked for. Only the centre decides (R60)."""

import calendar
from datetime import date


def warranty_until(purchased_on: date, months: int) -> date:
    """The last day of the warranty: the same day of the month, or the last one of a shorter month."""
    year, month = divmod(purchased_on.year * 12 + purchased_on.month - 1 + months, 12)
    return date(year, month + 1, min(purchased_on.day, calendar.monthrange(year, month + 1)[1]))


def is_over(until: date | None, asked_on: date) -> bool:
    """Whether the warranty was over when the repair was asked for; False if its length is not known."""
    return until is not None and asked_on > until
