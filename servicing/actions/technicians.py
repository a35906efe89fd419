"""Who at the centre works on a job (R54)."""

from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.history_context import attributed_to
from members.models import User
from servicing.actions.events import locks_ticket
from servicing.enums import OVER
from servicing.models import Ticket
from servicing.queries.technicians import technicians_of


@locks_ticket
def assign_technician(*, ticket: Ticket, technician: User | None, by: User) -> Ticket:
    """Give a job to somebody of its centre, or to nobody. The history of the ticket keeps who did it and when.

    Raises Refusal beside `technician`: `over` for a job that ended, `stranger` for somebody who does not work there.
    """
    if ticket.technician_id == (technician.pk if technician else None):
        return ticket
    if ticket.state in OVER:
        raise Refusal("over", _("This job is over, so nobody has to work on it."), "technician")
    if technician and not technicians_of(ticket.centre_id).filter(pk=technician.pk).exists():
        raise Refusal("stranger", _("Choose somebody who works at this centre."), "technician")
    ticket.technician = technician
    with attributed_to(by):
        ticket.save(update_fields=["technician"])
    return ticket
