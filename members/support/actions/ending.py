"""How cases end by themselves, and what customers say about our help (R58)."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from members.enums import NoticeCode
from members.support import emails, rules
from members.support.actions.common import TURN_FIELDS, set_turn, tell_person
from members.support.enums import CaseRating, CaseState
from members.support.models import Case


def close_quiet_cases(*, at: datetime, limit: int) -> bool:
    """Close cases whose customer has been silent for CASES_CLOSE_DAYS, with a mail, `limit` at most.

    Returns whether there may be more. Snoozed cases wait for something else, and claims and appeals end with
    their decision: they stay open.
    """
    before = at - timedelta(days=settings.CASES_CLOSE_DAYS)
    rows = Case.objects.quiet_since(before).filter(snoozed_at=None).exclude(kind__in=rules.ENDS_WITH_DECISION)
    keys = list(rows.order_by("quiet_since", "pk").values_list("pk", flat=True)[:limit])
    for pk in keys:
        _close_quiet(pk, before, at)
    return len(keys) == limit


@transaction.atomic
def _close_quiet(pk: int, before: datetime, at: datetime) -> None:
    """Close one of them, unless something has happened since it was found."""
    locked = Case.objects.locked(pk)
    if locked.quiet_since is None or locked.quiet_since > before or locked.snoozed_at:
        return
    set_turn(locked, CaseState.CLOSED, at=at)
    locked.save(update_fields=TURN_FIELDS)
    tell_person(locked, None, emails.QUIET, NoticeCode.CASE_CLOSED, at)


@transaction.atomic
def rate(*, case: Case, rating: CaseRating, at: datetime) -> Case:
    """Record whether our help was any good, as said by the customer. The last click counts. Raises Refusal `erased`."""
    locked = Case.objects.locked(case.pk)
    if locked.erased_at:
        raise Refusal("erased", _("This case has been deleted."))
    locked.rating, locked.rated_at = rating, at
    locked.save(update_fields=["rating", "rated_at"])
    return locked
