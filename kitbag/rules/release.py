"""The date on which a product came out, and purchases that would be earlier (R66)."""

from dataclasses import dataclass
from datetime import date

MAX_ERROR_YEARS = 3  # of a year that is known approximately, as for the shapes of serial numbers


@dataclass(frozen=True)
class ReleaseDate:
    """When a product came out. `year` is None if it is not known, `month` if only the year is.

    Dates of purchase are days on a receipt and have no time zone, so they are compared by year and month alone.
    """

    year: int | None = None
    month: int | None = None
    approximate: bool = False

    def is_after(self, day: date) -> bool:
        """Whether it certainly came out after `day`."""
        if self.year is None:
            return False
        if self.approximate:
            return day.year < self.year - MAX_ERROR_YEARS
        return (day.year, day.month if self.month else 1) < (self.year, self.month or 1)
