"""Everything that writes cases. Others open theirs with `open_case`: claims, appeals, lost cards (R19, R31, R58)."""

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
ERASED = _("Its content has been deleted. Nothing can be added to it.")


@dataclass(frozen=True)
class Visitor:
    """Somebody who writes without signing in."""

    name: str
    email: str
    language: str = "en"


def answer_hours(member: Member | None) -> int:
    """In how many working hours support aims to answer (R58); visitors and other programmes' members as Red."""
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
    attached: Sequence[StoredFile] = (),
) -> Case:
    """Open a case of a member or a visitor, with its first message; mails the reference and when to expect an answer.

    `by` is who wrote the text: the member, somebody of the staff, or None for a visitor and for the portal itself,
    which mails the text too: the member has not seen it.
    With `asks` it is the member who is asked something: the case waits for them, they get a notice and a mail
    with the text. Raises Refusal: `empty`, `long` (beside `text`).
    """
    if (member is None) == (visitor is None):
        raise ValueError("a case is a member's or a visitor's")
    _check_text(text)
    due = None if asks else answer_due(member, at)
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
    message = _say(case, _author(case, by), text, by=by, at=at, attached=attached)
    if asks:
        _tell(case, message, emails.ASKED, NoticeCode.CASE_ASKED, at)
    else:
        _mail(case, message, emails.OPENED if message.author == MessageAuthor.PORTAL else emails.RECEIVED)
    return case


@transaction.atomic
def write_message(
    *, case: Case, text: str, by: User | None, at: datetime, attached: Sequence[StoredFile] = ()
) -> CaseMessage:
    """The member or visitor writes on; it is support's turn again (R58).

    Raises Refusal: `empty`, `long` (beside `text`), `closed` (too long ago: a new case is needed).
    """
    _check_text(text)
    locked = Case.objects.locked(case.pk)
    until = locked.reopens_until
    if locked.erased_at or (until and at > until):
        raise Refusal("closed", _("This case was closed long ago. Write to us again, and name its reference."), "text")
    author = MessageAuthor.MEMBER if locked.member_id else MessageAuthor.VISITOR
    message = _say(locked, author, text, by=by, at=at, attached=attached)
    _back_to_support(locked, at)
    return message


@transaction.atomic
def answer(
    *, case: Case, text: str, by: User, at: datetime, asks: bool = False, attached: Sequence[StoredFile] = ()
) -> CaseMessage:
    """Support writes; the person is told by mail and notice (R56). With `asks` the case waits for them.

    Takes the case if nobody has. Raises Refusal: `empty`, `long` (beside `text`), `closed`, `taken`.
    """
    _check_text(text)
    locked = _take(case, by)
    _allow(locked, "answer", _("This case is closed. Open it again before answering."))
    message = _say(locked, MessageAuthor.STAFF, text, by=by, at=at, attached=attached)
    locked.state = CaseState.WAITING if asks else CaseState.ANSWERED
    locked.due_at = None
    locked.first_answered_at = locked.first_answered_at or at
    locked.save(update_fields=["state", "due_at", "first_answered_at"])
    event, code = (emails.ASKED, NoticeCode.CASE_ASKED) if asks else (emails.ANSWERED, NoticeCode.CASE_ANSWERED)
    _tell(locked, message, event, code, at)
    return message


@transaction.atomic
def note(*, case: Case, text: str, by: User, at: datetime) -> CaseMessage:
    """An internal note: nobody but staff reads it. Raises Refusal: `empty`, `long` (beside `note`), `erased`."""
    _check_text(text, field="note")
    locked = Case.objects.locked(case.pk)
    if locked.erased_at:
        raise Refusal("erased", ERASED)
    return _say(locked, MessageAuthor.STAFF, text, by=by, at=at, internal=True)


@transaction.atomic
def take(*, case: Case, by: User, at: datetime) -> Case:
    """Somebody of the staff takes the case, so that nobody else works on it. Raises Refusal `taken`."""
    return _take(case, by)


@transaction.atomic
def assign(*, case: Case, to: User | None, by: User, at: datetime) -> Case:
    """Hand the case to a colleague, or with None back to all. Raises Refusal `staff` for somebody who cannot answer."""
    if to and not (to.is_active and to.is_staff and to.has_perm("cases.answer_case")):
        raise Refusal("staff", _("Choose somebody who may answer cases."), "to")
    locked = Case.objects.locked(case.pk)
    locked.assigned_to = to
    locked.save(update_fields=["assigned_to"])
    return locked


@transaction.atomic
def close(*, case: Case, by: User | None, at: datetime, tell: bool = False) -> Case:
    """End the case; with `tell` the person is told (R56). Raises Refusal `closed` if it is already."""
    locked = Case.objects.locked(case.pk)
    _allow(locked, "close", _("This case is closed already."))
    locked.state, locked.due_at, locked.closed_at = CaseState.CLOSED, None, at
    locked.save(update_fields=["state", "due_at", "closed_at"])
    if tell:
        _tell(locked, None, emails.CLOSED, NoticeCode.CASE_CLOSED, at)
    return locked


@transaction.atomic
def conclude(*, case: Case, text: str, by: User | None, at: datetime) -> Case:
    """The last word: tell what was decided elsewhere by mail and notice, and close the case (R19, R32).

    Whoever took it. One that was closed or erased meanwhile is no reason to fail.
    """
    locked = Case.objects.locked(case.pk)
    if locked.erased_at:
        return locked
    message = _say(locked, MessageAuthor.STAFF if by else MessageAuthor.PORTAL, text, by=by, at=at)
    locked.state, locked.due_at, locked.closed_at = CaseState.CLOSED, None, at
    locked.first_answered_at = locked.first_answered_at or (at if by else None)
    locked.save(update_fields=["state", "due_at", "closed_at", "first_answered_at"])
    _tell(locked, message, emails.ANSWERED, NoticeCode.CASE_CLOSED, at)
    return locked


@transaction.atomic
def reopen(*, case: Case, by: User, at: datetime) -> Case:
    """Support takes the case up again. Raises Refusal: `open` (it is), `erased`."""
    locked = Case.objects.locked(case.pk)
    _allow(locked, "reopen", _("This case is open already."), code="open")
    if locked.erased_at:
        raise Refusal("erased", ERASED)
    _back_to_support(locked, at)
    return locked


@transaction.atomic
def revoke_link(*, case: Case, by: User, at: datetime) -> Case:
    """Take a visitor's link back: nobody reads the case with it any more. Raises Refusal `link` if there is none."""
    locked = Case.objects.locked(case.pk)
    if not locked.access_token:
        raise Refusal("link", _("There is no link to take back."))
    locked.access_token = None
    locked.save(update_fields=["access_token"])
    return locked


@transaction.atomic
def erase(*, case: Case, at: datetime) -> Case:
    """Blank what was said and who a visitor was (R14), and close it. That it was there, and when, stays."""
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
        raise Refusal("empty", _("Write something first."), field)
    if len(text) > MAX_TEXT_LENGTH:
        raise Refusal("long", _("This is too long. Use at most %(n)d characters.") % {"n": MAX_TEXT_LENGTH}, field)


def _author(case: Case, by: User | None) -> MessageAuthor:
    if case.member is None:
        return MessageAuthor.STAFF if by else MessageAuthor.VISITOR
    if by is None:
        return MessageAuthor.PORTAL
    return MessageAuthor.MEMBER if by.pk == case.member.user_id else MessageAuthor.STAFF


def _say(
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


def _allow(case: Case, move: str, message: str | Promise, code: str = "closed") -> None:
    if case.state not in rules.MOVES[move]:
        raise Refusal(code, message)


def _take(case: Case, by: User) -> Case:
    """One conditional update decides between two who take it at once."""
    free = Case.objects.filter(pk=case.pk, assigned_to=None)
    if not free.update(assigned_to=by) and not Case.objects.filter(pk=case.pk, assigned_to=by).exists():
        raise Refusal("taken", _("A colleague has taken this case. Ask them, or hand it to yourself first."))
    return Case.objects.locked(case.pk)


def _back_to_support(case: Case, at: datetime) -> None:
    """It waits for support. A target that runs already stays: writing twice must not put it off."""
    if case.state != CaseState.OPEN:
        case.due_at = answer_due(case.member, at)
    case.state, case.closed_at = CaseState.OPEN, None
    if case.first_answered_at is None:
        case.first_answer_due_at = case.first_answer_due_at or case.due_at
    case.save(update_fields=["state", "due_at", "closed_at", "first_answer_due_at"])
    if case.member:
        Notice.objects.filter(member=case.member, path=case.get_absolute_url(), read_at=None).update(read_at=at)


def _tell(case: Case, message: CaseMessage | None, event: str, code: NoticeCode, at: datetime) -> None:
    key = _mail(case, message, event)
    if case.member:
        notices.notify_member(
            member=case.member,
            key=key,
            code=code,
            params={"reference": case.reference_in_groups},
            path=case.get_absolute_url(),
            at=at,
        )


def _mail(case: Case, message: CaseMessage | None, event: str) -> str:
    """Post it; a case is closed at one moment only, so the key says each thing once."""
    moment = int(case.closed_at.timestamp()) if case.closed_at else 0
    key = f"case-{case.pk}-{event}-{message.pk if message else moment}"
    text = message.text if message and event != emails.RECEIVED else ""
    outbox.enqueue(key=key, kind="mail", to=case.email, payload=emails.case_mail(case, event, text=text))
    return key
