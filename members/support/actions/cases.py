"""The conversation of a case: opening, writing, answering, closing (R58).

Other apps use `open_case` for claims, appeals and lost cards (R19, R31).
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Model
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files import actions as files
from cps_portal.core.files.models import StoredFile
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.history_context import attributed_to
from cps_portal.core.lib.reference import new_reference
from members.enums import NoticeCode
from members.models import Member, User
from members.support import emails
from members.support.actions.common import (
    TURN_FIELDS,
    add_message,
    answer_due,
    author_of,
    check_state,
    check_text,
    clear_draft,
    lock_kept,
    return_to_support,
    send_mail,
    set_turn,
    take_locked,
    tell_person,
)
from members.support.enums import TOPICS, CaseKind, CaseState, MessageAuthor
from members.support.models import Case, CaseAttachment, CaseMessage, CaseReader

TOKEN_BYTES = 32
NEWS = {
    CaseState.WAITING: (emails.ASKED, NoticeCode.CASE_ASKED),
    CaseState.ANSWERED: (emails.ANSWERED, NoticeCode.CASE_ANSWERED),
    CaseState.CLOSED: (emails.ANSWERED, NoticeCode.CASE_CLOSED),
}
ERASED = _("The content of this case has been deleted. Nothing can be added to it.")


@dataclass(frozen=True)
class Visitor:
    """A person who writes to support without signing in."""

    name: str
    email: str
    language: str = "en"


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
    follows: Case | None = None,
) -> Case:
    """Open a case for a member or a visitor with its first message, and mail them the reference and the target (R58).

    `by` wrote the text: the member, a member of staff, or None for a visitor and for the portal itself. What the
    portal or staff wrote is in the mail, because the person has not seen it.
    The target is that of the member's level, or `answer_by` where another rule sets one, as for appeals (R19).
    With `asks` the case waits for the member's reply: they get a notice, and a mail with the text.
    `follows` is an earlier case of the same person that has been closed for too long to be reopened.
    Raises Refusal: `empty`, `long` (beside `text`).
    """
    if (member is None) == (visitor is None):
        raise ValueError("a case belongs to either a member or a visitor")
    check_text(text)
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
            quiet_since=at if asks else None,
            unread_since=None if asks or _is_staff(by, member) else at,
            follows=follows,
        )
    message = add_message(case, author_of(case, by), text, by=by, at=at, attached=attached)
    if asks:
        tell_person(case, message, emails.ASKED, NoticeCode.CASE_ASKED, at)
    else:
        is_theirs = message.author in (MessageAuthor.MEMBER, MessageAuthor.VISITOR)
        send_mail(case, message, emails.RECEIVED if is_theirs else emails.OPENED)
    return case


def _is_staff(by: User | None, member: Member | None) -> bool:
    """Whether the first message is by staff, and not by the member, a visitor or the portal."""
    return by is not None and (member is None or by.pk != member.user_id)


@transaction.atomic
def write_message(
    *, case: Case, text: str, by: User | None, at: datetime, attached: Sequence[StoredFile] = ()
) -> CaseMessage:
    """Add a message of the member or visitor. It is support's turn again (R58).

    In a case that was merged it goes to the one that is kept. A case that was closed too long ago stays closed: the
    message opens a new one that follows it, so look at `message.case`.
    Raises Refusal: `empty`, `long` (beside `text`), `closed` (the content has been deleted).
    """
    check_text(text)
    locked = lock_kept(case.pk)
    if locked.erased_at:
        raise Refusal("closed", ERASED, "text")
    if locked.reopens_until and at > locked.reopens_until:
        return _follow_up(locked, text, by, at, attached)
    author = MessageAuthor.MEMBER if locked.member_id else MessageAuthor.VISITOR
    message = add_message(locked, author, text, by=by, at=at, attached=attached)
    locked.unread_since = locked.unread_since or at
    return_to_support(locked, by, at)
    return message


def _follow_up(case: Case, text: str, by: User | None, at: datetime, attached: Sequence[StoredFile]) -> CaseMessage:
    """A new case of the same person about the same thing, with this message."""
    opened = open_case(
        kind=CaseKind(case.kind) if case.kind in TOPICS else CaseKind.CONTACT,
        subject=case.subject,
        text=text,
        by=by,
        at=at,
        member=case.member,
        visitor=None if case.member else Visitor(case.visitor_name, case.visitor_email, case.visitor_language),
        about=case.about,
        attached=attached,
        follows=case,
    )
    return opened.messages.get()


@transaction.atomic
def answer(
    *,
    case: Case,
    text: str,
    by: User,
    at: datetime,
    asks: bool = False,
    closes: bool = False,
    seen: int | None = None,
    attached: Sequence[StoredFile] = (),
) -> CaseMessage:
    """Answer as support: by mail and notice (R56).

    With `asks` the case waits for the member's or visitor's reply, with `closes` it is closed. `seen` is the last
    public message that `by` has read, if they may have missed one.
    Assigns the case to `by` if it is unassigned. Raises Refusal: `empty`, `long` (beside `text`), `crossed` (there is
    a newer message), `closed`, `taken`.
    """
    check_text(text)
    locked = lock_kept(case.pk)
    _check_seen(locked, seen)
    check_state(locked, "answer", _("This case is closed. Reopen it before answering."))
    take_locked(locked, by, at)
    message = add_message(locked, MessageAuthor.STAFF, text, by=by, at=at, attached=attached)
    state = CaseState.CLOSED if closes else CaseState.WAITING if asks else CaseState.ANSWERED
    set_turn(locked, state, at=at)
    locked.first_answered_at = locked.first_answered_at or at
    with attributed_to(by):
        locked.save(update_fields=[*TURN_FIELDS, "first_answered_at"])
    clear_draft(locked, by)
    event, code = NEWS[state]
    tell_person(locked, message, event, code, at)
    return message


def _check_seen(case: Case, seen: int | None) -> None:
    last = CaseMessage.objects.of_case(case).public().order_by("-pk").values_list("pk", flat=True).first()
    if seen is not None and seen != last:
        raise Refusal(
            "crossed", _("There is a new message since you opened this page. Read it, then send your answer again.")
        )


@transaction.atomic
def add_note(*, case: Case, text: str, by: User, at: datetime, attached: Sequence[StoredFile] = ()) -> CaseMessage:
    """Add an internal note, visible to staff only: nothing is sent. Raises Refusal: `empty`, `long`, `erased`."""
    check_text(text)
    locked = lock_kept(case.pk)
    if locked.erased_at:
        raise Refusal("erased", ERASED)
    message = add_message(locked, MessageAuthor.STAFF, text, by=by, at=at, internal=True, attached=attached)
    clear_draft(locked, by)
    return message


@transaction.atomic
def take(*, case: Case, by: User, at: datetime) -> Case:
    """Assign the case to oneself. Raises Refusal `taken` if it is assigned to a colleague."""
    return take_locked(Case.objects.locked(case.pk), by, at)


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
    check_state(locked, "close", _("This case is already closed."))
    set_turn(locked, CaseState.CLOSED, at=at)
    with attributed_to(by):
        locked.save(update_fields=TURN_FIELDS)
    if notify:
        tell_person(locked, None, emails.CLOSED, NoticeCode.CASE_CLOSED, at)
    return locked


@transaction.atomic
def conclude(*, case: Case, text: str, by: User | None, at: datetime) -> Case:
    """Add a final message about a decision made elsewhere, notify the person, and close the case (R19, R32).

    Works whoever the case is assigned to, and if it has been closed already. Does nothing if it has been erased.
    """
    locked = lock_kept(case.pk)
    if locked.erased_at:
        return locked
    message = add_message(locked, MessageAuthor.STAFF if by else MessageAuthor.PORTAL, text, by=by, at=at)
    set_turn(locked, CaseState.CLOSED, at=at)
    locked.first_answered_at = locked.first_answered_at or (at if by else None)
    with attributed_to(by):
        locked.save(update_fields=[*TURN_FIELDS, "first_answered_at"])
    tell_person(locked, message, emails.ANSWERED, NoticeCode.CASE_CLOSED, at)
    return locked


@transaction.atomic
def reopen(*, case: Case, by: User, at: datetime) -> Case:
    """Reopen a case, or take it back to support's turn.

    Raises Refusal: `open` (it is support's turn), `merged`, `erased`.
    """
    locked = Case.objects.locked(case.pk)
    if locked.is_merged:
        raise Refusal("merged", _("This case is part of another one now. Carry on there."))
    check_state(locked, "reopen", _("This case is already open."), code="open")
    if locked.erased_at:
        raise Refusal("erased", ERASED)
    return_to_support(locked, by, at)
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
    CaseReader.objects.filter(case=locked).delete()
    locked.subject = locked.visitor_name = locked.visitor_email = ""
    locked.access_token = None
    set_turn(locked, CaseState.CLOSED, at=locked.closed_at or at)
    locked.erased_at = locked.erased_at or at
    locked.save(
        update_fields=[
            *TURN_FIELDS,
            "subject",
            "visitor_name",
            "visitor_email",
            "access_token",
            "erased_at",
        ]
    )
    return locked
