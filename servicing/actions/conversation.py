"""Keep on the job who wrote last and who waits for whom (R73)."""

from datetime import datetime

from servicing.actions.events import CONVERSATION_FIELDS, events_of, locks_ticket
from servicing.enums import Writer
from servicing.models import Ticket, TicketMessage
from servicing.queries.clock import get_clock
from servicing.rules.conversation import WrittenMessage, summarize_messages, waiting_for


@locks_ticket
def mark_read(*, ticket: Ticket, until: int, at: datetime) -> int:
    """The centre needs to answer nothing up to this message, by its key. Returns how many messages were unread."""
    marked = answer_messages(ticket=ticket, at=at, until=until)
    if marked:
        save_conversation(ticket=ticket, at=at)
    return marked


def answer_messages(
    *, ticket: Ticket, at: datetime, until: int | None = None, written_before: datetime | None = None
) -> int:
    """Count messages of the customer as answered: those the centre has seen. Returns how many were not before.

    The caller has locked the ticket, and calls `save_conversation` or records an event afterwards.
    """
    unread = TicketMessage.objects.filter(ticket=ticket, from_member=True, answered_at=None)
    if until is not None:
        unread = unread.filter(pk__lte=until)
    if written_before is not None:
        unread = unread.filter(at__lte=written_before)
    answered = unread.update(answered_at=at)
    read_conversation(ticket=ticket)
    return answered


def read_conversation(*, ticket: Ticket) -> None:
    """Set the columns of a locked ticket to what its messages say, without saving it."""
    rows = TicketMessage.objects.filter(ticket=ticket).order_by("pk")
    conversation = summarize_messages(
        WrittenMessage(Writer.CUSTOMER if from_member else Writer.CENTRE, at, answered_at is not None)
        for from_member, at, answered_at in rows.values_list("from_member", "at", "answered_at")
    )
    ticket.last_message_at, ticket.last_message_by = conversation.last_at, conversation.last_by
    ticket.unread_since = conversation.unread_since


def save_conversation(*, ticket: Ticket, at: datetime) -> None:
    """Save the columns of a locked ticket, with who waits now."""
    asks = get_clock(ticket, at, events_of(ticket)).has_open_question
    ticket.waiting_for = waiting_for(ticket.state, unread_since=ticket.unread_since, asks=asks)
    ticket.changed_at = at
    ticket.save(update_fields=[*CONVERSATION_FIELDS, "changed_at"])
