"""How long things are kept, as the privacy notice says it."""

from datetime import timedelta

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from cps_portal.site.retention import CLEARED, Cleared, Deleted, rules_of_tables

YEAR = timedelta(days=365)
DAY = timedelta(days=1)


def in_words(period: timedelta) -> str:
    """A period in years if it is whole ones, else in days, else in hours."""
    if period >= YEAR and not period % YEAR:
        years = period // YEAR
        return ngettext("%(number)s year", "%(number)s years", years) % {"number": years}
    if period >= DAY:
        days = period // DAY
        return ngettext("%(number)s day", "%(number)s days", days) % {"number": days}
    hours = max(period // timedelta(hours=1), 1)
    return ngettext("%(number)s hour", "%(number)s hours", hours) % {"number": hours}


def privacy_periods() -> list[tuple[str | Promise, str]]:
    """What of a member's is kept for a time, and for how long, the longest last."""
    deleted = [rule for rule in rules_of_tables().values() if isinstance(rule, Deleted)]
    rules: list[Cleared | Deleted] = [*CLEARED, *deleted]
    named = [(rule.for_members, rule.after) for rule in rules if rule.for_members]
    named.append((_("What was deleted, in our backups"), settings.BACKUPS_KEPT))
    return [(what, in_words(after)) for what, after in sorted(named, key=lambda line: line[1])]
