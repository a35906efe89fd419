"""What a centre's system is told of its tickets, built from the rows when it leaves (R52, R55)."""

from typing import Any

from cps_portal.core.outbox.renderers import renderer
from servicing.models import Ticket, TicketEvent, TicketMessage


@renderer("servicing.partner_event")
def ticket_event(*, event: int) -> dict[str, Any] | None:
    """An event and where the ticket stands by now: who orders by `sequence` ends with the truth."""
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
    """That the customer wrote; the words are read through the API."""
    row = TicketMessage.objects.filter(pk=message).select_related("ticket__product", "ticket__centre").first()
    if row is None:
        return None
    return {"ticket": _ticket(row.ticket), "message": {"id": row.pk, "at": row.at.isoformat()}}


def _ticket(row: Ticket) -> dict[str, Any]:
    return {
        "reference": row.reference,
        "centre": row.centre.slug,
        "product": row.product.slug,
        "serial": row.serial,
        "service": row.service,
        "state": row.state,
        "track": row.track,
        "due_at": row.due_at.isoformat() if row.due_at else None,
        "paused": row.paused,
        "changed_at": row.changed_at.isoformat(),
    }
