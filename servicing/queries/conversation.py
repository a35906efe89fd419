"""Which jobs have a message that the centre can still answer (R73)."""

from datetime import datetime, timedelta

from django.db.models import Q

from servicing.enums import OVER
from servicing.models import Ticket, TicketQuerySet

OPEN_AFTER_END = timedelta(days=30)  # messages can be written for this long after a job


def may_write(ticket: Ticket, at: datetime) -> bool:
    """Whether anybody reads a message: until some weeks after the job ended, or the person was erased (R14)."""
    if ticket.state not in OVER:
        return True
    customer = ticket.member or ticket.visitor
    if ticket.ended_at is None or (customer and customer.erased_at):
        return False
    return at <= ticket.ended_at + OPEN_AFTER_END


def unanswered_tickets(at: datetime) -> TicketQuerySet:
    """The jobs with a message of the customer that is neither answered nor marked as read, the oldest first."""
    can_be_answered = Q(ended_at=None) | Q(ended_at__gte=at - OPEN_AFTER_END)
    return Ticket.objects.unanswered().filter(can_be_answered).order_by("unread_since", "pk")
