"""Member and centre write to each other about a job; a question of the centre pauses the clock (R47, R56)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Unpack

from django.utils.translation import gettext_lazy as _

from cps_portal.core.files import actions as stored_files
from cps_portal.core.files.models import StoredFile
from cps_portal.core.lib.errors import Refusal
from servicing.actions import notifications
from servicing.actions.conversation import answer_messages, read_conversation, save_conversation
from servicing.actions.events import (
    Actor,
    EventDetails,
    events_of,
    find_by_external_id,
    locks_ticket,
    record_event,
)
from servicing.enums import EventKind, TicketFileKind
from servicing.models import Ticket, TicketEvent, TicketFile, TicketMessage
from servicing.queries.clock import get_clock
from servicing.queries.conversation import may_write

MAX_TEXT_LENGTH = 3000
MAX_FILES = 100  # of one job


@locks_ticket
def write_message(
    *,
    ticket: Ticket,
    text: str,
    actor: Actor,
    at: datetime,
    files: Sequence[StoredFile] = (),
    asks: bool = False,
    external_id: str = "",
    seen: int | None = None,
) -> TicketMessage:
    """Write a message about a job. With `asks`, the centre needs an answer, and the clock is paused until then (R47).

    The owner of the ticket writes as the member, everybody else for the centre. The member's next message answers an
    open question; the centre's answers those of the member (R73), up to the one with the key `seen` if it is given.
    With an `external_id` that is known already: the message that was written then.
    Raises Refusal beside `text`; `over` long after the job ended; `gone` for files; as `record_event`.
    """
    if repeated := find_by_external_id(ticket, external_id):
        return TicketMessage.objects.get(ticket=ticket, pk=repeated.referenced_pk("message"))
    if not text.strip():
        raise Refusal("empty", _("Type your message."), "text")
    if len(text) > MAX_TEXT_LENGTH:
        raise Refusal("long", _("This is too long. Use at most %(n)d characters.") % {"n": MAX_TEXT_LENGTH}, "text")
    _require_open(ticket, at)
    from_member = bool(actor.user and ticket.member and ticket.member.account_in_use.user_id == actor.user.pk)
    message = TicketMessage.objects.create(
        ticket=ticket, from_member=from_member, by=actor.user, partner=actor.partner, text=text.strip(), at=at
    )
    stored_files.attach(files=files, at=at)
    TicketFile.objects.bulk_create(
        TicketFile(ticket=ticket, file=file, kind=TicketFileKind.DOCUMENT, message=message, at=at) for file in files
    )
    data = {"message": message.pk}
    if from_member:
        read_conversation(ticket=ticket)
        notifications.notify_centre_of_message(message=message, ticket=ticket)
        if get_clock(ticket, at, events_of(ticket)).has_open_question:
            record_event(ticket=ticket, kind=EventKind.QUESTION_ANSWERED, data=data, actor=actor, at=at)
            notifications.dismiss_notices(ticket=ticket, kind=EventKind.QUESTION_ASKED, at=at)
    elif asks:
        answer_messages(ticket=ticket, at=at, until=seen)
        # The text is not in the event, because events are kept for ever and messages can be erased (R14).
        record_event(
            ticket=ticket, kind=EventKind.QUESTION_ASKED, data=data, actor=actor, at=at, external_id=external_id
        )
    else:
        answer_messages(ticket=ticket, at=at, until=seen)
        notifications.notify_member_of_message(message=message, ticket=ticket)
    save_conversation(ticket=ticket, at=at)
    return message


@locks_ticket
def record_answer(*, ticket: Ticket, **details: Unpack[EventDetails]) -> TicketEvent:
    """The member answered by phone or at the counter: the clock runs again (R47). Raises Refusal as `record_event`."""
    event = record_event(ticket=ticket, kind=EventKind.QUESTION_ANSWERED, **details)
    notifications.dismiss_notices(ticket=ticket, kind=EventKind.QUESTION_ASKED, at=details["at"])
    return event


@locks_ticket
def add_document(*, ticket: Ticket, kind: TicketFileKind, file: StoredFile, actor: Actor, at: datetime) -> TicketFile:
    """Add a file to a job (R60); the customer is notified of a DOCUMENT.

    Raises Refusal: `over` long after the job ended, `many`, and `gone` for the file.
    """
    require_may_add_file(ticket, at)
    stored_files.attach(files=[file], at=at)
    document = TicketFile.objects.create(ticket=ticket, file=file, kind=kind, partner=actor.partner, at=at)
    if kind == TicketFileKind.DOCUMENT:
        notifications.notify_of_document(document=document, ticket=ticket)
    Ticket.objects.filter(pk=ticket.pk).update(changed_at=at)
    return document


def require_may_add_file(ticket: Ticket, at: datetime) -> None:
    """Raises Refusal as `add_document`. Asked first before a file is inspected, because inspecting costs more."""
    _require_open(ticket, at)
    if ticket.files.count() >= MAX_FILES:
        raise Refusal("many", _("This job has too many files. Combine some of them into one PDF."), "file")


def _require_open(ticket: Ticket, at: datetime) -> None:
    if not may_write(ticket, at):
        raise Refusal("over", _("This job is over. Write to us about it instead."))
