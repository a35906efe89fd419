"""Actions on support cases (R58). Other apps use `open_case` for claims, appeals and lost cards (R19, R31)."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Model
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files import actions as files
from cps_portal.core.files.models import StoredFile
from cps_portal.core.lib import clock
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.history import attributed_to
from cps_portal.core.lib.reference import new_reference
from cps_portal.core.outbox import actions as outbox
from members.actions import notices
from members.enums import Level, NoticeCode, ServiceLevel
from members.models import LevelBenefit, Member, Notice, User
from members.queries import get_level_benefit
from members.support import emails, rules
from members.support.enums import CaseKind, CaseState, MessageAuthor
from members.support.models import MAX_TEXT_LENGTH, Case, CaseAttachment, CaseMessage

TOKEN_BYTES = 32
ERASED = _("The content of this case has been deleted. Nothing can be added to it.")


@dataclass(frozen=True)
class Visitor:
    """A person who writes to support without signing in."""

    name: str
    email: str
    language: str = "en"


def answer_hours(member: Member | None) -> int:
    """Working hours within which support aims to answer (R58). Visitors and paying members are treated as Red."""
    benefit = get_level_benefit(member) if member else None
    benefit = benefit or LevelBenefit.objects.of(Level.RED, "", ServiceLevel.FULL)
    return benefit.first_answer_hours if benefit else int(settings.CASES_ANSWER_HOURS)


def answer_due(member: Member | None, at: datetime) -> datetime:
    return clock.add_working_hours(at, answer_hours(member), settings.SUPPORT_CALENDAR)


@transaction.atomic
def open_case(
    *,
    kind: CaseKind,
    subject: str,
    text: str,
    by: User | None,
    at: datetime,
    member: Member | None = None,
    visitor: Visitor | None = None,
    about: Model | None = None,
    asks: bool = False,
    answer_by: datetime | None = None,
    attached: Sequence[StoredFile] = (),
) -> Case:
    """Open a case for a member or a visitor with its first message, and mail them the reference and the target (R58).

    `by` wrote the text: the member, a member of staff, or None for a visitor and for the portal itself. What the
    portal wrote is in the mail, because the member has not seen it.
    The target is that of the member's level, or `answer_by` where another rule sets one, as for appeals (R19).
    With `asks` the case waits for the member's reply: they get a notice, and a mail with the text.
    Raises Refusal: `empty`, `long` (beside `text`).
    """
    if (member is None) == (visitor is None):
        raise ValueError("a case belongs to either a member or a visitor")
    _check_text(text)
    due = None if asks else answer_by or answer_due(member, at)
    with attributed_to(by):
        case = Case.objects.create(
            reference=new_reference(lambda drawn: Case.objects.filter(reference=drawn).exists()),
            kind=kind,
            subject=subject,
            member=member,
            visitor_name=visitor.name if visitor else "",
            visitor_email=visitor.email if visitor else "",
            visitor_language=visitor.language if visitor else "",
            access_token=secrets.token_urlsafe(TOKEN_BYTES) if visitor else None,
            about=about,
            state=CaseState.WAITING if asks else CaseState.OPEN,
            opened_at=at,
            due_at=due,
            first_answer_due_at=due,
        )
    message = _add_message(case, _author(case, by), text, by=by, at=at, attached=attached)
    if asks:
        _notify(case, message, emails.ASKED, NoticeCode.CASE_ASKED, at)
    else:
        _send_mail(case, message, emails.OPENED if message.author == MessageAuthor.PORTAL else emails.RECEIVED)
    return case


@transaction.atomic
def write_message(
    *, case: Case, text: str, by: User | None, at: datetime, attached: Sequence[StoredFile] = ()
) -> CaseMessage:
    """Add a message of the member or visitor. It is support's turn again (R58).

    Raises Refusal: `empty`, `long` (beside `text`), `closed` (too long ago: a new case is needed).
    """
    _check_text(text)
    locked = Case.objects.locked(case.pk)
    until = locked.reopens_until
    if locked.erased_at or (until and at > until):
        raise Refusal(
            "closed", _("This case was closed too long ago. Please open a new one and mention its reference."), "text"
        )
    author = MessageAuthor.MEMBER if locked.member_id else MessageAuthor.VISITOR
    message = _add_message(locked, author, text, by=by, at=at, attached=attached)
    _return_to_support(locked, by, at)
    return message


@transaction.atomic
def answer(
    *, case: Case, text: str, by: User, at: datetime, asks: bool = False, attached: Sequence[StoredFile] = ()
) -> CaseMessage:
    """Answer as support: by mail and notice (R56). With `asks` the case waits for the member's or visitor's reply.

    Assigns the case to `by` if it is unassigned. Raises Refusal: `empty`, `long` (beside `text`), `closed`, `taken`.
    """
    _check_text(text)
    locked = _take(case, by, at)
    _check_state(locked, "answer", _("This case is closed. Reopen it before answering."))
    message = _add_message(locked, MessageAuthor.STAFF, text, by=by, at=at, attached=attached)
    locked.state = CaseState.WAITING if asks else CaseState.ANSWERED
    locked.due_at = None
    locked.first_answered_at = locked.first_answered_at or at
    with attributed_to(by):
        locked.save(update_fields=["state", "due_at", "first_answered_at"])
    event, code = (emails.ASKED, NoticeCode.CASE_ASKED) if asks else (emails.ANSWERED, NoticeCode.CASE_ANSWERED)
    _notify(locked, message, event, code, at)
    return message


@transaction.atomic
def add_note(*, case: Case, text: str, by: User, at: datetime) -> CaseMessage:
    """Add an internal note, visible to staff only. Raises Refusal: `empty`, `long` (beside `note`), `erased`."""
    _check_text(text, field="note")
    locked = Case.objects.locked(case.pk)
    if locked.erased_at:
        raise Refusal("erased", ERASED)
    return _add_message(locked, MessageAuthor.STAFF, text, by=by, at=at, internal=True)


@transaction.atomic
def take(*, case: Case, by: User, at: datetime) -> Case:
    """Assign the case to oneself. Raises Refusal `taken` if it is assigned to a colleague."""
    return _take(case, by, at)


@transaction.atomic
def assign(*, case: Case, to: User | None, by: User, at: datetime) -> Case:
    """Assign the case to a colleague, or to nobody. Raises Refusal `staff` if they may not answer cases."""
    if to and not (to.is_active and to.is_staff and to.has_perm("cases.answer_case")):
        raise Refusal("staff", _("Choose a colleague who can answer cases."), "to")
    locked = Case.objects.locked(case.pk)
    locked.assigned_to, locked.assigned_at = to, at if to else None
    with attributed_to(by):
        locked.save(update_fields=["assigned_to", "assigned_at"])
    return locked


@transaction.atomic
def close(*, case: Case, by: User | None, at: datetime, notify: bool = False) -> Case:
    """Close the case; `notify` informs the member or visitor (R56). Raises Refusal `closed` if it is closed already."""
    locked = Case.objects.locked(case.pk)
    _check_state(locked, "close", _("This case is already closed."))
    locked.state, locked.due_at, locked.closed_at = CaseState.CLOSED, None, at
    with attributed_to(by):
        locked.save(update_fields=["state", "due_at", "closed_at"])
    if notify:
        _notify(locked, None, emails.CLOSED, NoticeCode.CASE_CLOSED, at)
    return locked


@transaction.atomic
def conclude(*, case: Case, text: str, by: User | None, at: datetime) -> Case:
    """Add a final message about a decision made elsewhere, notify the person, and close the case (R19, R32).

    Works whoever the case is assigned to, and if it has been closed already. Does nothing if it has been erased.
    """
    locked = Case.objects.locked(case.pk)
    if locked.erased_at:
        return locked
    message = _add_message(locked, MessageAuthor.STAFF if by else MessageAuthor.PORTAL, text, by=by, at=at)
    locked.state, locked.due_at, locked.closed_at = CaseState.CLOSED, None, at
    locked.first_answered_at = locked.first_answered_at or (at if by else None)
    with attributed_to(by):
        locked.save(update_fields=["state", "due_at", "closed_at", "first_answered_at"])
    _notify(locked, message, emails.ANSWERED, NoticeCode.CASE_CLOSED, at)
    return locked


@transaction.atomic
def reopen(*, case: Case, by: User, at: datetime) -> Case:
    """Reopen a case, or take it back to support's turn. Raises Refusal: `open` (it is support's turn), `erased`."""
    locked = Case.objects.locked(case.pk)
    _check_state(locked, "reopen", _("This case is already open."), code="open")
    if locked.erased_at:
        raise Refusal("erased", ERASED)
    _return_to_support(locked, by, at)
    return locked


@transaction.atomic
def revoke_link(*, case: Case, by: User, at: datetime) -> Case:
    """Revoke a visitor's link to the case. Raises Refusal `link` if there is none."""
    locked = Case.objects.locked(case.pk)
    if not locked.access_token:
        raise Refusal("link", _("This case has no link to revoke."))
    locked.access_token, locked.link_revoked_at = None, at
    with attributed_to(by):
        locked.save(update_fields=["access_token", "link_revoked_at"])
    return locked


@transaction.atomic
def erase(*, case: Case, at: datetime) -> Case:
    """Delete all texts, files and personal data of a case and close it (R14). Its dates and states are kept."""
    locked = Case.objects.locked(case.pk)
    CaseMessage.objects.filter(case=locked, erased_at=None).update(text="", erased_at=at)
    for attachment in CaseAttachment.objects.filter(message__case=locked).select_related("file"):
        files.erase(file=attachment.file, at=at)
    locked.subject = locked.visitor_name = locked.visitor_email = ""
    locked.access_token = locked.due_at = None
    locked.state, locked.closed_at = CaseState.CLOSED, locked.closed_at or at
    locked.erased_at = locked.erased_at or at
    locked.save(
        update_fields=[
            "subject",
            "visitor_name",
            "visitor_email",
            "access_token",
            "due_at",
            "state",
            "closed_at",
            "erased_at",
        ]
    )
    return locked


def _check_text(text: str, field: str = "text") -> None:
    if not text.strip():
        raise Refusal("empty", _("Please write something first."), field)
    if len(text) > MAX_TEXT_LENGTH:
        raise Refusal(
            "long", _("This is too long. Please use at most %(n)d characters.") % {"n": MAX_TEXT_LENGTH}, field
        )


def _author(case: Case, by: User | None) -> MessageAuthor:
    if case.member is None:
        return MessageAuthor.STAFF if by else MessageAuthor.VISITOR
    if by is None:
        return MessageAuthor.PORTAL
    return MessageAuthor.MEMBER if by.pk == case.member.user_id else MessageAuthor.STAFF


def _add_message(
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


def _check_state(case: Case, action: str, message: str | Promise, code: str = "closed") -> None:
    if case.state not in rules.ALLOWED_STATES[action]:
        raise Refusal(code, message)


def _take(case: Case, by: User, at: datetime) -> Case:
    locked = Case.objects.locked(case.pk)
    if locked.assigned_to_id is None:
        locked.assigned_to, locked.assigned_at = by, at
        with attributed_to(by):
            locked.save(update_fields=["assigned_to", "assigned_at"])
    elif locked.assigned_to_id != by.pk:
        raise Refusal("taken", _("A colleague is working on this case. Ask them, or assign it to yourself first."))
    return locked


def _return_to_support(case: Case, by: User | None, at: datetime) -> None:
    """Make it support's turn. A target that is running already stays: a second message must not postpone it."""
    if case.state != CaseState.OPEN:
        case.due_at = answer_due(case.member, at)
    case.state, case.closed_at = CaseState.OPEN, None
    if case.first_answered_at is None:
        case.first_answer_due_at = case.first_answer_due_at or case.due_at
    with attributed_to(by):
        case.save(update_fields=["state", "due_at", "closed_at", "first_answer_due_at"])
    if case.member:
        Notice.objects.filter(member=case.member, path=case.get_absolute_url(), read_at=None).update(read_at=at)


def _notify(case: Case, message: CaseMessage | None, event: str, code: NoticeCode, at: datetime) -> None:
    key = _send_mail(case, message, event)
    if case.member:
        notices.notify_member(
            member=case.member,
            key=key,
            code=code,
            params={"case": case.pk},
            path=case.get_absolute_url(),
            at=at,
        )


def _send_mail(case: Case, message: CaseMessage | None, event: str) -> str:
    """Enqueue the mail, once per message or, without a message, once per closing."""
    moment = int(case.closed_at.timestamp()) if case.closed_at else 0
    key = f"case-{case.pk}-{event}-{message.pk if message else moment}"
    payload = outbox.rendered_later("cases.case", case=case.pk, event=event, message=message.pk if message else None)
    outbox.enqueue(key=key, kind="mail", to=case.email, payload=payload)
    return key
