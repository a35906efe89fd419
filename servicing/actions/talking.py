"""Member and centre write to each other about a job; a question of the centre stops the clock (R47, R56)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files import actions as stored
from cps_portal.core.files.models import StoredFile
from cps_portal.core.lib.errors import Refusal
from servicing.actions import telling
from servicing.actions.heard import heard_before, key_in
from servicing.actions.recording import Who, clock_of, record_event, record_on
from servicing.enums import OVER, EventKind, TicketFileKind
from servicing.models import Ticket, TicketFile, TicketMessage
from servicing.rules.timeline import Clock

MAX_TEXT_LENGTH = 3000
OPEN_AFTER = timedelta(days=30)  # so long one may write after the job is over


@transaction.atomic
def write_message(
    *,
    ticket: Ticket,
    text: str,
    who: Who,
    at: datetime,
    files: Sequence[StoredFile] = (),
    asks: bool = False,
    external_id: str = "",
) -> TicketMessage:
    """Say something about a job. `asks`: the centre needs an answer, and the clock stands until it comes (R47).

    The member is who owns the ticket; anybody else speaks for the centre. The member's next message is the answer.
    Raises Refusal beside `text`, `over` long after the end, `gone` for files, and as `record_event`.
    """
    locked = Ticket.objects.locked(ticket.pk)
    if before := heard_before(locked, external_id):
        return TicketMessage.objects.get(ticket=locked, pk=key_in(before, "message"))
    if not text.strip():
        raise Refusal("empty", _("Type your message."), "text")
    if len(text) > MAX_TEXT_LENGTH:
        raise Refusal("long", _("This is too long. Use at most %(n)d characters.") % {"n": MAX_TEXT_LENGTH}, "text")
    if not may_write(locked, at):
        raise Refusal("over", _("This job is over. Write to us about it instead."))
    from_member = bool(who.user and locked.member and locked.member.user_id == who.user.pk)
    row = TicketMessage.objects.create(
        ticket=locked, from_member=from_member, by=who.user, partner=who.partner, text=text.strip(), at=at
    )
    stored.attach(files=files, at=at)
    TicketFile.objects.bulk_create(
        TicketFile(ticket=locked, file=file, kind=TicketFileKind.DOCUMENT, message=row, at=at) for file in files
    )
    data = {"message": row.pk}
    if from_member:
        telling.tell_centre(message=row, ticket=locked)
        if question_open(clock_of(locked, at)):
            record_on(ticket=locked, kind=EventKind.QUESTION_ANSWERED, who=who, at=at, data=data)
            telling.settle(ticket=locked, kind=EventKind.QUESTION_ASKED, at=at)
    elif asks:
        record_on(ticket=locked, kind=EventKind.QUESTION_ASKED, who=who, at=at, external_id=external_id, data=data)
    else:
        telling.tell_message(message=row, ticket=locked)
    Ticket.objects.filter(pk=locked.pk).update(changed_at=at)
    return row


@transaction.atomic
def answer_heard(
    *, ticket: Ticket, who: Who, at: datetime, occurred_at: datetime | None = None, external_id: str = ""
) -> Ticket:
    """The answer came by phone or at the counter: the clock goes on (R47). Raises Refusal as `record_event`."""
    done, _event = record_event(
        ticket=ticket,
        kind=EventKind.QUESTION_ANSWERED,
        who=who,
        at=at,
        occurred_at=occurred_at,
        external_id=external_id,
    )
    telling.settle(ticket=done, kind=EventKind.QUESTION_ASKED, at=at)
    return done


def may_write(ticket: Ticket, at: datetime) -> bool:
    """Whether there is somebody who reads it: until some weeks after the job is over, or the person is erased (R14)."""
    if ticket.state not in OVER:
        return True
    whose = ticket.member or ticket.visitor
    if ticket.ended_at is None or (whose and whose.erased_at):
        return False
    return at <= ticket.ended_at + OPEN_AFTER


def question_open(clock: Clock) -> bool:
    """Whether the centre waits for an answer to a question, also before the clock has started."""
    asked = False
    for step in clock.steps:
        if step.applied and step.event.kind == EventKind.QUESTION_ASKED:
            asked = True
        elif step.applied and step.event.kind in (EventKind.QUESTION_ANSWERED, EventKind.READY, EventKind.CANCELLED):
            asked = False
    return asked
