"""Internal notes of a centre about a job (R73)."""

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from members.models import User
from servicing.models import Ticket, TicketNote

MAX_NOTE_LENGTH = 3000


def write_note(*, ticket: Ticket, text: str, by: User, at: datetime) -> TicketNote:
    """Write down something that the customer does not see. Raises Refusal beside `text`."""
    if not text.strip():
        raise Refusal("empty", _("Type a note."), "text")
    if len(text) > MAX_NOTE_LENGTH:
        raise Refusal("long", _("This is too long. Use at most %(n)d characters.") % {"n": MAX_NOTE_LENGTH}, "text")
    customer = ticket.member or ticket.visitor
    if customer and customer.erased_at:
        raise Refusal("erased", _("This person’s data were erased. Nothing can be written about them any more."))
    return TicketNote.objects.create(ticket=ticket, text=text.strip(), by=by, at=at)
