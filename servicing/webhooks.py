"""Webhooks to the systems of a centre about its tickets, rendered when they are sent (R52, R55)."""

from typing import Any

from cps_portal.core.outbox.renderers import renderer
from servicing.models import Ticket, TicketEvent, TicketMessage


@renderer("servicing.partner_event")
def ticket_event(*, event: int) -> dict[str, Any] | None:
    """An event, with the ticket as it is when this is sent. The one with the highest `sequence` is the newest."""
    row = TicketEvent.objects.filter(pk=event).select_related("ticket__product", "ticket__centre").first()
    if row is None:
        return None
    return {
        "ticket": _ticket(row.ticket),
        "event": {
            "id": row.pk,
            "kind": row.kind,
            "occurred_at": row.occurred_at.isoformat(),
            "received_at": row.received_at.isoformat(),
            "external_id": row.external_id,
            "by": "partner" if row.partner_id else "person" if row.by_id else "portal",
        },
    }


@renderer("servicing.partner_message")
def ticket_message(*, message: int) -> dict[str, Any] | None:
    """The customer has written. The text is read through the API, so that it is not kept by the outbox."""
    row = TicketMessage.objects.filter(pk=message).select_related("ticket__product", "ticket__centre").first()
    if row is None:
        return None
    return {"ticket": _ticket(row.ticket), "message": {"id": row.pk, "at": row.at.isoformat()}}


def _ticket(ticket: Ticket) -> dict[str, Any]:
    return {
        "reference": ticket.reference,
        "centre": ticket.centre.slug,
        "product": ticket.product.slug,
        "serial": ticket.serial,
        "service": ticket.service,
        "state": ticket.state,
        "track": ticket.track,
        "due_at": ticket.due_at.isoformat() if ticket.due_at else None,
        "paused": ticket.paused,
        "changed_at": ticket.changed_at.isoformat(),
    }
