"""Members hear of everything on a ticket that is not their own doing (R56)."""

from datetime import datetime

from cps_portal.outbox import actions as outbox
from members.actions import notices
from members.enums import NoticeCode
from servicing.enums import EventKind, TicketState
from servicing.models import Ticket, TicketEvent, TicketMessage
from servicing.words import MESSAGE, key_of

E = EventKind
TOLD = frozenset({
    E.PLACE_GIVEN, E.PLACE_LAPSED, E.ACCEPTED, E.BOOKED_IN, E.BECAME_FAST_TRACK, E.WARRANTY_DECIDED, E.QUESTION_ASKED,
    E.ESTIMATE_SENT, E.ESTIMATE_WITHDRAWN, E.PART_ORDERED, E.PART_EXPECTED, E.TARGET_MISSED, E.LOAN_OFFERED,
    E.LOAN_RESERVED, E.LOAN_CANCELLED, E.LOAN_OUT, E.LOAN_RETURNED, E.READY, E.SHIPPED, E.CANCELLED,
})  # fmt: skip


def tell(*, ticket: Ticket, event: TicketEvent, before: TicketState) -> None:
    """Notice and mail of an event, if it is news to the member; a visiting member with an address gets the mail.

    Word that comes too late to change anything is on the timeline only.
    """
    if event.kind not in TOLD or (event.by and ticket.member and event.by_id == ticket.member.user_id):
        return
    if ticket.state == before and event.kind in {E.ACCEPTED, E.BOOKED_IN, E.READY, E.SHIPPED, E.CANCELLED}:
        return
    key = f"ticket-event-{event.pk}"
    if ticket.member:
        notices.tell(
            member=ticket.member,
            key=key,
            code=NoticeCode.TICKET,
            params={
                "kind": key_of(event.kind, event.data),
                "reference": ticket.reference_in_groups,
                "product": ticket.product.name,
            },
            path=ticket.get_absolute_url(),
            at=event.received_at,
        )
    to = ticket.member.user.email if ticket.member else ticket.visitor.email if ticket.visitor else ""
    payload = outbox.to_word("servicing.ticket_event", event=event.pk)
    outbox.post(key=key, kind="mail", to=to, payload=payload, at=event.received_at)


def settle(*, ticket: Ticket, kind: EventKind, at: datetime) -> None:
    """The member answered, or need not any more: the notices that asked for it go."""
    keys = TicketEvent.objects.filter(ticket=ticket, kind=kind).values_list("pk", flat=True)
    notices.settle(keys=[f"ticket-event-{key}" for key in keys], at=at)


def tell_requested(*, ticket: Ticket, event: TicketEvent) -> None:
    """A mail with the reference and what to do next, also for what the member asked for: it is needed at the post."""
    to = ticket.member.user.email if ticket.member else ticket.visitor.email if ticket.visitor else ""
    payload = outbox.to_word("servicing.ticket_event", event=event.pk)
    outbox.post(key=f"ticket-event-{event.pk}", kind="mail", to=to, payload=payload, at=event.received_at)


def tell_message(*, message: TicketMessage, ticket: Ticket) -> None:
    """The centre wrote, and waits for nothing: notice and mail."""
    key = f"ticket-message-{message.pk}"
    if ticket.member:
        notices.tell(
            member=ticket.member,
            key=key,
            code=NoticeCode.TICKET,
            params={"kind": MESSAGE, "reference": ticket.reference_in_groups, "product": ticket.product.name},
            path=ticket.get_absolute_url(),
            at=message.at,
        )
    to = ticket.member.user.email if ticket.member else ticket.visitor.email if ticket.visitor else ""
    payload = outbox.to_word("servicing.ticket_message", message=message.pk)
    outbox.post(key=key, kind="mail", to=to, payload=payload, at=message.at)
