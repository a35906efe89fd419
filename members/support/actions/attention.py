"""Who attends to a case: snoozing it, having read it, being at it, and what is not sent yet (R54)."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.history_context import attributed_to
from members.models import User
from members.support.actions.common import check_state, wake_up
from members.support.models import MAX_TEXT_LENGTH, Case, CaseMessage, CaseReader

MAX_SNOOZE = timedelta(days=60)
SNOOZE_FIELDS = ("snoozed_at", "snoozed_until", "snoozed_job")


@transaction.atomic
def snooze(*, case: Case, by: User, at: datetime, until: datetime | None = None, job: str = "") -> Case:
    """Set the case aside until a time, or until the job with this reference moves on. With neither until they write.

    The customer's next message always wakes it, and the answer stays due when it was.
    Raises Refusal: `closed`, `past` and `far` (more than MAX_SNOOZE ahead) beside `until`.
    """
    if until and until <= at:
        raise Refusal("past", _("This is in the past. Choose a later time."), "until")
    if until and until > at + MAX_SNOOZE:
        message = _("Choose a day in the next %(n)d days.") % {"n": MAX_SNOOZE.days}
        raise Refusal("far", message, "until")
    locked = Case.objects.locked(case.pk)
    check_state(locked, "snooze", _("This case is closed."))
    locked.snoozed_at, locked.snoozed_until, locked.snoozed_job = at, until, "" if until else job
    with attributed_to(by):
        locked.save(update_fields=SNOOZE_FIELDS)
    return locked


@transaction.atomic
def wake(*, case: Case, by: User) -> Case:
    """End the snooze of a case now."""
    locked = Case.objects.locked(case.pk)
    wake_up(locked)
    with attributed_to(by):
        locked.save(update_fields=SNOOZE_FIELDS)
    return locked


def mark_read(*, case: Case, seen: int) -> None:
    """Somebody of staff has read the messages up to the one with this key; a later one stays unread."""
    later = CaseMessage.objects.of_case(case).filter(pk__gt=seen)
    if not later.exists():
        Case.objects.filter(pk=case.pk, unread_since__isnull=False).update(unread_since=None)


def note_reader(*, case: Case, by: User, at: datetime) -> None:
    """Note that `by` has the case open, in one statement."""
    row = CaseReader(case=case, user=by, seen_at=at)
    CaseReader.objects.bulk_create(
        [row], update_conflicts=True, unique_fields=["case", "user"], update_fields=["seen_at"]
    )


@transaction.atomic
def save_draft(*, case: Case, by: User, at: datetime, text: str, is_note: bool, latest: int) -> None:
    """Keep what `by` has typed and not sent; they are typing if it differs from what is kept already.

    `latest` is the newest message on their page. If they have sent one since, this is what they had typed before.
    Raises Refusal `long`, beside `text`.
    """
    if len(text) > MAX_TEXT_LENGTH:
        raise Refusal(
            "long", _("This is too long. Please use at most %(n)d characters.") % {"n": MAX_TEXT_LENGTH}, "text"
        )
    note_reader(case=case, by=by, at=at)
    reader = CaseReader.objects.select_for_update().get(case=case, user=by)
    has_sent = CaseMessage.objects.of_case(case).filter(by=by, pk__gt=latest).exists()
    if has_sent:
        return
    reader.typing_at = reader.typing_at if reader.draft == text else at
    reader.draft, reader.draft_is_note = text, is_note
    reader.save(update_fields=["draft", "draft_is_note", "typing_at"])
