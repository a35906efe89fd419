"""Portuguese as in Portugal and Africa, not as in Brazil.

Dates are written by cps_portal/core/lib/written_dates.py, which takes the names of formats from here.
"""

from cps_portal.formats.en.formats import *  # noqa: F403

FIRST_DAY_OF_WEEK = 0  # Sunday
DECIMAL_SEPARATOR, THOUSAND_SEPARATOR = ",", "\u00a0"
NUMBER_GROUPING = 3
