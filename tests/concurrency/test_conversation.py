"""Two sides write about a job at once (R73)."""

import pytest

from servicing.actions.conversation import mark_read
from servicing.actions.events import Actor
from servicing.actions.messages import write_message
from servicing.enums import WaitingFor, Writer
from servicing.models import Ticket, TicketMessage
from tests.concurrency.threads import together
from tests.servicing.jobs import HOUR, MONDAY, a_centre, at_the_centre
from tests.world import World

AT = MONDAY + 2 * HOUR
pytestmark = pytest.mark.django_db(transaction=True)


def require_agreement(ticket: Ticket) -> None:
    """What the job says follows from its messages, in the order in which they were written."""
    ticket.refresh_from_db()
    messages = list(TicketMessage.objects.filter(ticket=ticket).order_by("pk"))
    unread = [row for row in messages if row.from_member and row.answered_at is None]
    assert ticket.last_message_by == (Writer.CUSTOMER if messages[-1].from_member else Writer.CENTRE)
    assert ticket.unread_since == (unread[0].at if unread else None)
    assert ticket.waiting_for == (WaitingFor.CENTRE if unread else WaitingFor.NOBODY)


@pytest.mark.parametrize("attempt", range(5))
def test_both_sides_write_at_once_and_no_message_of_the_customer_is_lost(committed_world: World, attempt: int) -> None:
    """The centre answers what it has seen, so the message that crosses its answer still waits."""
    world = committed_world
    customer, desk = Actor(user=world.ana.user), Actor(user=world.staff)
    ticket = at_the_centre(world, a_centre())
    first = write_message(ticket=ticket, text="First", actor=customer, at=AT)
    results = together(
        lambda: write_message(ticket=ticket, text="Second", actor=customer, at=AT + HOUR),
        lambda: write_message(ticket=ticket, text="Answer", actor=desk, at=AT + HOUR, seen=first.pk),
        lambda: mark_read(ticket=ticket, until=first.pk, at=AT + HOUR),
    )
    assert not [result for result in results if isinstance(result, BaseException)]
    require_agreement(ticket)
    assert ticket.unread_since == AT + HOUR
