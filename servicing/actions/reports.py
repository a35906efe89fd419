"""The service report: what the centre did, for the customer and for whoever owns the product later (R64)."""

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from servicing.actions.events import Actor, locks_ticket
from servicing.enums import IN_WORKSHOP, TicketState
from servicing.models import ServiceReport, Ticket
from servicing.models.reports import MAX_TECHNICIAN_LENGTH, MAX_TEXT_LENGTH

WRITABLE = (*IN_WORKSHOP, TicketState.READY)


def may_write_report(ticket: Ticket) -> bool:
    """From booking in until the product leaves the centre."""
    return ticket.state in WRITABLE


@locks_ticket
def write_report(
    *, ticket: Ticket, done: str, notes: str = "", parts: str = "", technician: str = "", actor: Actor, at: datetime
) -> ServiceReport:
    """Write the report of a job, or write it again. The customer reads it once the product is ready.

    Raises Refusal: `state`; beside `done` `empty`; beside each field `long`.
    """
    if not may_write_report(ticket):
        raise Refusal("state", _("A report can be written while the product is at the centre."))
    texts = {"done": done.strip(), "notes": notes.strip(), "parts": parts.strip(), "technician": technician.strip()}
    if not texts["done"]:
        raise Refusal("empty", _("Say what was done. If nothing was, say why."), "done")
    for name, text in texts.items():
        most = MAX_TECHNICIAN_LENGTH if name == "technician" else MAX_TEXT_LENGTH
        if len(text) > most:
            raise Refusal("long", _("This is too long. Use at most %(n)d characters.") % {"n": most}, name)
    report, _created = ServiceReport.objects.update_or_create(
        ticket=ticket,
        defaults={
            **texts,
            "product": ticket.product,
            "serial_key": ticket.serial_key,
            "by": actor.user,
            "partner": actor.partner,
            "at": at,
        },
    )
    return report
