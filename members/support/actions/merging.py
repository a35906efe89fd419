"""Merging two cases of one person (R54)."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.history_context import attributed_to
from members.models import User
from members.support import rules
from members.support.actions.common import TURN_FIELDS, add_message, set_turn
from members.support.enums import CaseState, MessageAuthor
from members.support.models import Case


@transaction.atomic
def merge(*, case: Case, into: Case, by: User, at: datetime) -> Case:
    """Close `case` and go on in `into`, where the messages of both are read together. Returns the one that is kept.

    No message changes its case. Whoever opens the old reference or its link is led to the kept one.
    Raises Refusal, beside `into`: `same`, `person` (they belong to two people), `kind` (claims and appeals end with
    their decision), `merged` (one of them was merged before), `erased`, `closed` (the kept one is closed).
    """
    if case.pk == into.pk:
        raise Refusal("same", _("Choose another case: a case can’t be merged into itself."), "into")
    # In the order of their keys, because a colleague may merge them the other way round at the same moment.
    locked = {pk: Case.objects.locked(pk) for pk in sorted((case.pk, into.pk))}
    away, kept = locked[case.pk], locked[into.pk]
    _check(away, kept)
    add_message(
        kept,
        MessageAuthor.STAFF,
        gettext("%(reference)s was merged into this case.") % {"reference": away},
        by=by,
        at=at,
        internal=True,
    )
    _take_over(kept, away, at)
    set_turn(away, CaseState.CLOSED, at=away.closed_at or at)
    away.merged_into = kept
    with attributed_to(by):
        kept.save(update_fields=[*TURN_FIELDS, "first_answer_due_at"])
        away.save(update_fields=[*TURN_FIELDS, "merged_into"])
        Case.objects.filter(merged_into=away).update(merged_into=kept)
    return kept


def _take_over(kept: Case, away: Case, at: datetime) -> None:
    """What was support's turn stays support's turn, by the earlier target, and what was unread stays unread."""
    unread = min(filter(None, (kept.unread_since, away.unread_since)), default=None)
    if away.state == CaseState.OPEN:
        dues = [due for due in (kept.due_at, away.due_at) if due]
        set_turn(kept, CaseState.OPEN, at=at, due_at=min(dues))
        if kept.first_answered_at is None:
            kept.first_answer_due_at = kept.first_answer_due_at or kept.due_at
    kept.unread_since = unread


def _check(away: Case, kept: Case) -> None:
    refusals = {
        "person": (not is_same_person(away, kept), _("These cases belong to different people.")),
        "kind": (
            bool({away.kind, kept.kind} & rules.ENDS_WITH_DECISION),
            _("Claims and appeals end with their decision, so they can’t be merged."),
        ),
        "merged": (away.is_merged or kept.is_merged, _("One of these cases was merged already.")),
        "erased": (bool(away.erased_at or kept.erased_at), _("The content of one of these cases has been deleted.")),
        "closed": (kept.is_closed, _("The case to keep is closed. Reopen it first.")),
    }
    for code, (applies, message) in refusals.items():
        if applies:
            raise Refusal(code, message, "into")


def is_same_person(first: Case, second: Case) -> bool:
    """Whether both cases are of one member, or of visitors with one address."""
    if first.member_id or second.member_id:
        return first.member_id == second.member_id
    return bool(first.visitor_email) and first.visitor_email.lower() == second.visitor_email.lower()
