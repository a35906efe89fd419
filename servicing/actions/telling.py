"""Members hear of everything on a ticket that is not their own doing (R56), centres of all (R55)."""

from datetime import datetime

from cps_portal.core.outbox import actions as outbox
from cps_portal.core.outbox.actions import OutgoingMessage
from cps_portal.core.outbox.enums import Kind
from cps_portal.core.partners import actions as partners
from members.actions import notices
from members.enums import NoticeCode
from members.models import Member
from servicing.enums import EventKind, TicketState
from servicing.models import Ticket, TicketEvent, TicketFile, TicketMessage
from servicing.presenters.events import DOCUMENT, MESSAGE, key_of
from servicing.rules.moves import OPENING

E = EventKind
OPENED, EVENT, WRITTEN = "ticket.opened", "ticket.event", "ticket.message"
TOLD = frozenset(
    {
        E.PLACE_GIVEN,
        E.PLACE_LAPSED,
        E.ACCEPTED,
        E.BOOKED_IN,
        E.BECAME_FAST_TRACK,
        E.WARRANTY_DECIDED,
        E.QUESTION_ASKED,
        E.ESTIMATE_SENT,
        E.ESTIMATE_WITHDRAWN,
        E.PART_ORDERED,
        E.PART_EXPECTED,
        E.TARGET_MISSED,
        E.LOAN_OFFERED,
        E.LOAN_RESERVED,
        E.LOAN_CANCELLED,
        E.LOAN_OUT,
        E.LOAN_RETURNED,
        E.READY,
        E.SHIPPED,
        E.CANCELLED,
    }
)


def tell(*, ticket: Ticket, event: TicketEvent, before: TicketState) -> None:
    """Notice and mail of an event, if it is news to the member; a visiting member with an address gets the mail.

    Word that comes too late to change anything is on the timeline only. The centre's systems hear of everything (R55).
    """
    letters = _letters_to_partner(ticket, event)
    if _is_news(ticket, event, before):
        if ticket.member:
            _notice(
                ticket.member,
                ticket,
                key=f"ticket-event-{event.pk}",
                kind=key_of(event.kind, event.data),
                at=event.received_at,
            )
        letters.append(_mail(ticket, event))
    outbox.enqueue_many(kind=Kind.MAIL, letters=letters, at=event.received_at)


def _is_news(ticket: Ticket, event: TicketEvent, before: TicketState) -> bool:
    if event.kind not in TOLD or (event.by_id and ticket.member and event.by_id == ticket.member.user_id):
        return False
    return ticket.state != before or event.kind not in {E.ACCEPTED, E.BOOKED_IN, E.READY, E.SHIPPED, E.CANCELLED}


def _notice(member: Member, ticket: Ticket, *, key: str, kind: str, at: datetime) -> None:
    params: dict[str, str | int] = {
        "kind": kind,
        "reference": ticket.reference_in_groups,
        "product": ticket.product.name,
    }
    notices.tell(member=member, key=key, code=NoticeCode.TICKET, params=params, path=ticket.get_absolute_url(), at=at)


def _mail(ticket: Ticket, event: TicketEvent) -> OutgoingMessage:
    payload = outbox.rendered_later("servicing.ticket_event", event=event.pk)
    return OutgoingMessage(f"ticket-event-{event.pk}", _address_of(ticket), payload)


def _address_of(ticket: Ticket) -> str:
    """Nobody's for a visiting member who gave none."""
    return ticket.member.user.email if ticket.member else ticket.visitor.email if ticket.visitor else ""


def _letters_to_partner(ticket: Ticket, event: TicketEvent) -> list[OutgoingMessage]:
    """Whoever works for the centre hears of every event, also of what they told us: other systems of theirs did not."""
    if ticket.centre.partner is None:
        return []
    return partners.webhook_messages(
        partner=ticket.centre.partner,
        type=OPENED if event.kind in OPENING else EVENT,
        key=f"ticket-event-{event.pk}",
        subject=f"tickets/{ticket.reference}",
        sequence=event.pk,
        compose="servicing.partner_event",
        at=event.received_at,
        event=event.pk,
    )


def settle(*, ticket: Ticket, kind: EventKind, at: datetime) -> None:
    """The member answered, or need not any more: the notices that asked for it go."""
    keys = TicketEvent.objects.filter(ticket=ticket, kind=kind).values_list("pk", flat=True)
    notices.settle(keys=[f"ticket-event-{key}" for key in keys], at=at)


def tell_requested(*, ticket: Ticket, event: TicketEvent) -> None:
    """A mail with the reference and what to do next, also for what the member asked for: it is needed at the post."""
    letters = [*_letters_to_partner(ticket, event), _mail(ticket, event)]
    outbox.enqueue_many(kind=Kind.MAIL, letters=letters, at=event.received_at)


def tell_message(*, message: TicketMessage, ticket: Ticket) -> None:
    """The centre wrote, and waits for nothing: notice and mail."""
    key = f"ticket-message-{message.pk}"
    if ticket.member:
        _notice(ticket.member, ticket, key=key, kind=MESSAGE, at=message.at)
    payload = outbox.rendered_later("servicing.ticket_message", message=message.pk)
    outbox.enqueue(key=key, kind=Kind.MAIL, to=_address_of(ticket), payload=payload, at=message.at)


def tell_document(*, document: TicketFile, ticket: Ticket) -> None:
    """The centre added a document: notice and mail."""
    key = f"ticket-document-{document.pk}"
    if ticket.member:
        _notice(ticket.member, ticket, key=key, kind=DOCUMENT, at=document.at)
    payload = outbox.rendered_later("servicing.ticket_document", document=document.pk)
    outbox.enqueue(key=key, kind=Kind.MAIL, to=_address_of(ticket), payload=payload, at=document.at)


def tell_centre(*, message: TicketMessage, ticket: Ticket) -> None:
    """The member wrote: the centre's systems hear of it (R55); its people see it at their desk."""
    if ticket.centre.partner:
        partners.enqueue_webhook(
            partner=ticket.centre.partner,
            type=WRITTEN,
            key=f"ticket-message-{message.pk}",
            subject=f"tickets/{ticket.reference}/messages",
            sequence=message.pk,
            compose="servicing.partner_message",
            at=message.at,
            message=message.pk,
        )
