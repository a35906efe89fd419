"""Notify members of what happens to their tickets (R56), and the systems of centres of everything (R55)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cps_portal.core.outbox import actions as outbox
from cps_portal.core.outbox.actions import OutgoingMessage
from cps_portal.core.outbox.enums import Kind
from cps_portal.core.partners import actions as partners
from members.actions import notices
from members.enums import NoticeCode
from members.models import Member, Notice
from servicing.enums import EventKind, TicketState
from servicing.models import Estimate, Ticket, TicketEvent, TicketFile, TicketMessage
from servicing.presenters.events import DOCUMENT, MESSAGE, REMINDER, sentence_key
from servicing.rules.moves import OPENING

E = EventKind
TICKET_OPENED, TICKET_EVENT, TICKET_MESSAGE = "ticket.opened", "ticket.event", "ticket.message"
NOTIFIED_KINDS = frozenset(
    {
        E.PLACE_GIVEN,
        E.PLACE_LAPSED,
        E.ACCEPTED,
        E.BOOKED_IN,
        E.BECAME_FAST_TRACK,
        E.BECAME_STANDARD,
        E.WARRANTY_DECIDED,
        E.NO_CHARGE,
        E.OTHER_FAULT,
        E.SERIAL_CHANGED,
        E.QUESTION_ASKED,
        E.ESTIMATE_SENT,
        E.ESTIMATE_WITHDRAWN,
        E.ESTIMATE_DECLINED,
        E.PART_ORDERED,
        E.PART_EXPECTED,
        E.TARGET_CHANGED,
        E.TARGET_MISSED,
        E.LOAN_OFFERED,
        E.LOAN_RESERVED,
        E.LOAN_CANCELLED,
        E.LOAN_OUT,
        E.LOAN_RETURNED,
        E.READY,
        E.SHIPPED,
        E.SHIPMENT_CORRECTED,
        E.CANCELLED,
    }
)


# Reported so late that they no longer change the state, these are not news.
NEWS_IF_STATE_CHANGES = frozenset({E.ACCEPTED, E.BOOKED_IN, E.READY, E.SHIPPED, E.CANCELLED})


@dataclass
class Announcements:
    """Notices and outgoing messages of many events, to be written together."""

    notices: list[Notice] = field(default_factory=list)
    messages: list[OutgoingMessage] = field(default_factory=list)


def notify_of_event(*, ticket: Ticket, event: TicketEvent, previous_state: TicketState) -> None:
    """Notice and mail, if the event is news to the member; a visiting member with an address gets the mail.

    The centre's systems are notified of every event.
    """
    messages = _partner_messages(ticket, event)
    if _is_news(ticket, event, previous_state):
        if ticket.member:
            key, kind = f"ticket-event-{event.pk}", sentence_key(event.kind, event.data)
            rows = {
                name: event.referenced_pk(name) for name in ("part", "estimate", "loan") if event.referenced_pk(name)
            }
            _add_notice(
                ticket.member, ticket, key=key, kind=kind, rows={"event": event.pk, **rows}, at=event.received_at
            )
        messages.append(_event_mail(ticket, event))
    if ticket.announcements is None:
        outbox.enqueue_many(kind=Kind.MAIL, messages=messages, at=event.received_at)
    else:
        ticket.announcements.messages += messages


def announce(announcements: Announcements, *, at: datetime) -> None:
    """Send what was collected for many tickets, in one statement for notices and one for messages."""
    notices.notify_members(announcements.notices)
    outbox.enqueue_many(kind=Kind.MAIL, messages=announcements.messages, at=at)


def notify_of_request(*, ticket: Ticket, event: TicketEvent) -> None:
    """Mail the reference and what to do next, though the member did this themselves: it is needed for the parcel."""
    messages = [*_partner_messages(ticket, event), _event_mail(ticket, event)]
    outbox.enqueue_many(kind=Kind.MAIL, messages=messages, at=event.received_at)


def notify_member_of_message(*, message: TicketMessage, ticket: Ticket) -> None:
    """Notice and mail of a message of the centre that is no question; a question is an event."""
    key = f"ticket-message-{message.pk}"
    if ticket.member:
        _add_notice(ticket.member, ticket, key=key, kind=MESSAGE, rows={"message": message.pk}, at=message.at)
    payload = outbox.rendered_later("servicing.ticket_message", message=message.pk)
    outbox.enqueue(key=key, kind=Kind.MAIL, to=_address_of(ticket), payload=payload, at=message.at)


def notify_of_document(*, document: TicketFile, ticket: Ticket) -> None:
    """Notice and mail of a document that the centre has added."""
    key = f"ticket-document-{document.pk}"
    if ticket.member:
        _add_notice(ticket.member, ticket, key=key, kind=DOCUMENT, rows={"document": document.pk}, at=document.at)
    payload = outbox.rendered_later("servicing.ticket_document", document=document.pk)
    outbox.enqueue(key=key, kind=Kind.MAIL, to=_address_of(ticket), payload=payload, at=document.at)


def remind_of_estimate(*, estimate: Estimate, ticket: Ticket, at: datetime) -> None:
    """Notice and mail of an estimate that expires soon, once."""
    key = f"estimate-reminder-{estimate.pk}"
    if ticket.member:
        _add_notice(ticket.member, ticket, key=key, kind=REMINDER, rows={"estimate": estimate.pk}, at=at)
    payload = outbox.rendered_later("servicing.estimate_reminder", estimate=estimate.pk)
    outbox.enqueue(key=key, kind=Kind.MAIL, to=_address_of(ticket), payload=payload, at=at)


def notify_centre_of_message(*, message: TicketMessage, ticket: Ticket) -> None:
    """Notify the centre's systems of a message of the member; its people see it in the admin."""
    if ticket.centre.partner:
        partners.enqueue_webhook(
            partner=ticket.centre.partner,
            type=TICKET_MESSAGE,
            key=f"ticket-message-{message.pk}",
            subject=f"tickets/{ticket.reference}/messages",
            sequence=message.pk,
            renderer="servicing.partner_message",
            at=message.at,
            message=message.pk,
        )


def dismiss_notices(*, ticket: Ticket, kind: EventKind, at: datetime) -> None:
    """Dismiss the notices of these events: the member has answered, or no longer has to."""
    keys = TicketEvent.objects.filter(ticket=ticket, kind=kind).values_list("pk", flat=True)
    notices.dismiss_notices(keys=[f"ticket-event-{key}" for key in keys], at=at)


def _is_news(ticket: Ticket, event: TicketEvent, previous_state: TicketState) -> bool:
    is_own_doing = event.by_id and ticket.member and event.by_id == ticket.member.account_in_use.user_id
    if event.kind not in NOTIFIED_KINDS or is_own_doing:
        return False
    if event.kind == E.NO_CHARGE and not (event.by_id or event.partner_id):
        return False  # the portal knows it when the job is opened (R63)
    if event.kind == E.SHIPMENT_CORRECTED and ticket.state != TicketState.SHIPPED:
        return False  # of a box that has arrived, or is on its way to the centre
    if event.kind == E.TARGET_CHANGED:
        return bool(event.data.get("later"))
    return ticket.state != previous_state or event.kind not in NEWS_IF_STATE_CHANGES


def _add_notice(member: Member, ticket: Ticket, *, key: str, kind: str, rows: Mapping[str, int], at: datetime) -> None:
    params: dict[str, int | str] = {"kind": kind, "ticket": ticket.pk, **rows}
    notice = Notice(
        member=member.account_in_use,
        key=key,
        code=NoticeCode.TICKET,
        params=params,
        path=ticket.get_absolute_url(),
        at=at,
    )
    if ticket.announcements is None:
        notices.notify_members([notice])
    else:
        ticket.announcements.notices.append(notice)


def _event_mail(ticket: Ticket, event: TicketEvent) -> OutgoingMessage:
    payload = outbox.rendered_later("servicing.ticket_event", event=event.pk)
    return OutgoingMessage(f"ticket-event-{event.pk}", _address_of(ticket), payload)


def _address_of(ticket: Ticket) -> str:
    """Empty for a visiting member who gave no address; the outbox then sends nothing."""
    return ticket.member.account_in_use.user.email if ticket.member else ticket.visitor.email if ticket.visitor else ""


def _partner_messages(ticket: Ticket, event: TicketEvent) -> list[OutgoingMessage]:
    """One for each webhook endpoint of the partner that runs the centre.

    Also of events that the partner reported itself, because its other systems do not know of them.
    """
    if ticket.centre.partner is None:
        return []
    return partners.webhook_messages(
        partner=ticket.centre.partner,
        type=TICKET_OPENED if event.kind in OPENING else TICKET_EVENT,
        key=f"ticket-event-{event.pk}",
        subject=f"tickets/{ticket.reference}",
        sequence=event.pk,
        renderer="servicing.partner_event",
        at=event.received_at,
        occurred_at=event.occurred_at,
        endpoints=None if ticket.centre_endpoints == "" else partners.subscribers(ticket.centre_endpoints),
        event=event.pk,
    )
