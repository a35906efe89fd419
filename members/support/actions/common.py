"""What the actions on cases share: locking, the turn, adding a message, and telling the person."""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files import actions as files
from cps_portal.core.files.models import StoredFile
from cps_portal.core.lib import clock
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.history_context import attributed_to
from cps_portal.core.outbox import actions as outbox
from members.actions import notices
from members.enums import Level, NoticeCode, ServiceLevel
from members.models import LevelBenefit, Member, Notice, User
from members.queries import get_level_benefit
from members.support import rules
from members.support.enums import CaseState, MessageAuthor
from members.support.models import MAX_TEXT_LENGTH, THEIR_TURN, Case, CaseAttachment, CaseMessage, CaseReader

TURN_FIELDS = (
    "state",
    "due_at",
    "closed_at",
    "quiet_since",
    "unread_since",
    "snoozed_at",
    "snoozed_until",
    "snoozed_job",
)


def answer_hours(member: Member | None) -> int:
    """Working hours within which support aims to answer (R58). Visitors and paying members are treated as Red."""
    benefit = get_level_benefit(member) if member else None
    benefit = benefit or LevelBenefit.objects.of(Level.RED, "", ServiceLevel.FULL)
    return benefit.first_answer_hours if benefit else int(settings.CASES_ANSWER_HOURS)


def answer_due(member: Member | None, at: datetime) -> datetime:
    return clock.add_working_hours(at, answer_hours(member), settings.SUPPORT_CALENDAR)


def lock_kept(pk: int) -> Case:
    """Lock the case, or the one that it was merged into."""
    key = Case.objects.values_list("merged_into", flat=True).get(pk=pk) or pk
    row = Case.objects.locked(key)
    return Case.objects.locked(row.merged_into_id) if row.merged_into_id else row


def set_turn(case: Case, state: CaseState, *, at: datetime, due_at: datetime | None = None) -> None:
    """Give the turn to support, to the customer or to nobody, which also wakes a snoozed case.

    Nothing is left unread once it is no longer support's turn. Nothing is saved: see TURN_FIELDS.
    """
    case.state, case.due_at = state, due_at
    case.closed_at = at if state == CaseState.CLOSED else None
    case.quiet_since = at if state in THEIR_TURN else None
    if state != CaseState.OPEN:
        case.unread_since = None
    wake_up(case)


def wake_up(case: Case) -> None:
    """End a snooze. Nothing is saved."""
    case.snoozed_at = case.snoozed_until = None
    case.snoozed_job = ""


def clear_draft(case: Case, by: User) -> None:
    """What was typed has been sent."""
    CaseReader.objects.filter(case=case, user=by).update(draft="", draft_is_note=False, typing_at=None)


def check_text(text: str, field: str = "text") -> None:
    """Raises Refusal: `empty`, `long`, beside the field."""
    if not text.strip():
        raise Refusal("empty", _("Please write something first."), field)
    if len(text) > MAX_TEXT_LENGTH:
        raise Refusal(
            "long", _("This is too long. Please use at most %(n)d characters.") % {"n": MAX_TEXT_LENGTH}, field
        )


def author_of(case: Case, by: User | None) -> MessageAuthor:
    if case.member is None:
        return MessageAuthor.STAFF if by else MessageAuthor.VISITOR
    if by is None:
        return MessageAuthor.PORTAL
    return MessageAuthor.MEMBER if by.pk == case.member.user_id else MessageAuthor.STAFF


def add_message(
    case: Case,
    author: MessageAuthor,
    text: str,
    *,
    by: User | None,
    at: datetime,
    internal: bool = False,
    attached: Sequence[StoredFile] = (),
) -> CaseMessage:
    message = CaseMessage.objects.create(case=case, author=author, by=by, text=text.strip(), internal=internal, at=at)
    if attached:
        files.attach(files=attached, at=at)
        CaseAttachment.objects.bulk_create(CaseAttachment(message=message, file=file) for file in attached)
    return message


def check_state(case: Case, action: str, message: str | Promise, code: str = "closed") -> None:
    if case.state not in rules.ALLOWED_STATES[action]:
        raise Refusal(code, message)


def take_locked(locked: Case, by: User, at: datetime) -> Case:
    """Assign a locked case to `by`. Raises Refusal `taken` if it is assigned to a colleague."""
    if locked.assigned_to_id is None:
        locked.assigned_to, locked.assigned_at = by, at
        with attributed_to(by):
            locked.save(update_fields=["assigned_to", "assigned_at"])
    elif locked.assigned_to_id != by.pk:
        raise Refusal("taken", _("A colleague is working on this case. Ask them, or assign it to yourself first."))
    return locked


def return_to_support(case: Case, by: User | None, at: datetime) -> None:
    """Make it support's turn. A target that is running already stays: a second message must not postpone it."""
    due_at = case.due_at if case.state == CaseState.OPEN else answer_due(case.member, at)
    set_turn(case, CaseState.OPEN, at=at, due_at=due_at)
    if case.first_answered_at is None:
        case.first_answer_due_at = case.first_answer_due_at or case.due_at
    with attributed_to(by):
        case.save(update_fields=[*TURN_FIELDS, "first_answer_due_at"])
    if case.member:
        Notice.objects.filter(member=case.member, path=case.get_absolute_url(), read_at=None).update(read_at=at)


def tell_person(case: Case, message: CaseMessage | None, event: str, code: NoticeCode, at: datetime) -> None:
    key = send_mail(case, message, event)
    if case.member:
        notices.notify_member(
            member=case.member,
            key=key,
            code=code,
            params={"case": case.pk},
            path=case.get_absolute_url(),
            at=at,
        )


def send_mail(case: Case, message: CaseMessage | None, event: str) -> str:
    """Enqueue the mail, once per message or, without a message, once per closing."""
    moment = int(case.closed_at.timestamp()) if case.closed_at else 0
    key = f"case-{case.pk}-{event}-{message.pk if message else moment}"
    payload = outbox.rendered_later("cases.case", case=case.pk, event=event, message=message.pk if message else None)
    outbox.enqueue(key=key, kind="mail", to=case.email, payload=payload)
    return key
