"""Who waits for whom in the conversation about a job (R73)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from servicing.enums import OVER, TicketState, WaitingFor, Writer


@dataclass(frozen=True)
class WrittenMessage:
    """A message as it counts here. `answered`: the centre has answered it since, or marked it as read."""

    writer: Writer
    at: datetime
    answered: bool = False


@dataclass(frozen=True)
class Conversation:
    """Who wrote last and when, and since when a message of the customer waits for the centre."""

    last_by: str
    last_at: datetime | None
    unread_since: datetime | None


def summarize_messages(messages: Iterable[WrittenMessage]) -> Conversation:
    """Messages in the order in which they were written; of one customer's messages the oldest unanswered counts."""
    rows = list(messages)
    unread = [row.at for row in rows if row.writer == Writer.CUSTOMER and not row.answered]
    last = rows[-1] if rows else None
    return Conversation(last.writer if last else "", last.at if last else None, unread[0] if unread else None)


def waiting_for(state: str, *, unread_since: datetime | None, asks: bool) -> WaitingFor:
    """Whose turn it is. A message of the customer comes first: they may not answer before they have an answer.

    `asks`: a question of the centre is open.
    """
    if unread_since:
        return WaitingFor.CENTRE
    if state not in OVER and (asks or state == TicketState.ESTIMATE_SENT):
        return WaitingFor.CUSTOMER
    return WaitingFor.NOBODY
