"""The member sends a parcel to the centre (R49, R52)."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from members.models import Member
from servicing.actions.ending import MAX_TRACKING_LENGTH
from servicing.actions.recording import Who, record_event
from servicing.enums import EventKind, TicketState
from servicing.models import Parcel, Ticket


@transaction.atomic
def mark_sent(*, parcel: Parcel, member: Member, who: Who, at: datetime, carrier: str = "", tracking: str = "") -> int:
    """The parcel is on its way, with all in it that may travel. Again: the number is corrected, nothing else.

    Returns how many went now. Raises Refusal beside `carrier`, `tracking`; `nothing` if nothing of it can travel.
    """
    for field, value in (("carrier", carrier), ("tracking", tracking)):
        if len(value.strip()) > MAX_TRACKING_LENGTH:
            raise Refusal(
                "long", _("This is too long. Use at most %(n)d characters.") % {"n": MAX_TRACKING_LENGTH}, field
            )
    Member.objects.locked().get(pk=member.pk)
    rows = list(Ticket.objects.of(member).filter(parcel=parcel).order_by("pk"))
    going = [row for row in rows if row.state in (TicketState.REQUESTED, TicketState.ACCEPTED)]
    if not going and all(row.state != TicketState.IN_TRANSIT for row in rows):
        raise Refusal("nothing", _("Nothing of this parcel is to be sent now."))
    locked = Parcel.objects.select_for_update(no_key=True).get(pk=parcel.pk)
    locked.carrier, locked.tracking = carrier.strip(), tracking.strip()
    locked.save(update_fields=["carrier", "tracking"])
    for row in going:
        record_event(ticket=row, kind=EventKind.SENT, who=who, at=at)
    return len(going)
