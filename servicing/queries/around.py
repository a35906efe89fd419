"""What there is around a ticket: its page asks once, and reads only what exists."""

from typing import NamedTuple

from django.db.models import Exists, OuterRef

from cps_portal.core.lib.compiled_queries import CompiledQuery
from servicing.models import Estimate, Loan, Part, Shipment, Ticket, TicketFile, TicketMessage

ITSELF = OuterRef("pk")


class Around(NamedTuple):
    """Whether there is any of these."""

    estimates: bool
    parts: bool
    shipments: bool
    files: bool
    messages: bool
    loan: bool


AROUND: CompiledQuery[Around] = CompiledQuery(
    lambda ticket: Ticket.objects.filter(pk=ticket).values_list(
        Exists(Estimate.objects.filter(ticket=ITSELF)),
        Exists(Part.objects.filter(ticket=ITSELF)),
        Exists(Shipment.tickets.through.objects.filter(ticket=ITSELF)),
        Exists(TicketFile.objects.filter(ticket=ITSELF)),
        Exists(TicketMessage.objects.filter(ticket=ITSELF)),
        Exists(Loan.objects.open().filter(ticket=ITSELF)),
    )
)


def what_there_is(ticket: Ticket) -> Around:
    """In one query."""
    return Around(*AROUND.all(ticket=ticket.pk)[0])
