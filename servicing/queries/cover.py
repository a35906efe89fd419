"""Until when a job is covered, and where the same fault can be repaired (R63)."""

from datetime import date, datetime

from django.conf import settings

from servicing.models import ServiceCentre, Ticket
from servicing.rules import cover


def covered_until(ticket: Ticket) -> date | None:
    """The last day on which the same fault costs nothing, by the date at the centre; None if it is not covered."""
    ended_at = ticket.ended_at or ticket.ready_at
    ended_on = ticket.centre.today(ended_at) if ended_at else None
    return cover.covered_until(
        ticket.state, ticket.charge, ended_on, settings.SERVICE_COVERED_FOR, repaired=ticket.repaired
    )


def is_covered(ticket: Ticket, at: datetime) -> bool:
    """Whether the same fault can be reported at this moment without a charge."""
    until = covered_until(ticket)
    return until is not None and ticket.centre.today(at) <= until


def find_open_follow_up(ticket: Ticket) -> Ticket | None:
    """The open job for the same fault."""
    return Ticket.objects.open().filter(follows=ticket).first()


def other_centres(ticket: Ticket) -> list[ServiceCentre]:
    """The centres to choose from while that of the job is suspended: those of its country first."""
    centres = ServiceCentre.objects.open().filter(
        services__contains=[ticket.service], shelves__contains=[ticket.product.shelf]
    )
    return sorted(
        centres.exclude(pk=ticket.centre_id),
        key=lambda centre: (centre.country != ticket.centre.country, centre.name),
    )
