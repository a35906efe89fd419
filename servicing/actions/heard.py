"""What a partner's system tells twice is written once, with everything that belongs to it (R55)."""

from servicing.models import Ticket, TicketEvent


def heard_before(ticket: Ticket, external_id: str) -> TicketEvent | None:
    """The event that this number stands for already. The ticket is locked."""
    if not external_id:
        return None
    return TicketEvent.objects.filter(ticket=ticket, external_id=external_id).first()


def key_in(event: TicketEvent, name: str) -> int:
    """The key of the row that an event names; 0 if it names none."""
    found = str(event.data.get(name, ""))
    return int(found) if found.isdecimal() else 0
