"""What to do with a parcel that is not sent yet: until when, and as an entry in a calendar (R49, R61)."""

from collections.abc import Sequence
from datetime import date, datetime

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from cps_portal.core.lib.lists import with_commas
from members.offers.presenters.calendar import day_as_ics
from servicing.enums import TicketState, Travel
from servicing.models import Parcel, Ticket
from servicing.rules.places import HELD_FOR, lapses_at

TO_SEND = (TicketState.REQUESTED, TicketState.ACCEPTED)


def handover_day(parcel: Parcel, tickets: Sequence[Ticket]) -> date | None:
    """The day of collection, else the last day before a place lapses. None if nothing is to be sent."""
    waiting = [ticket for ticket in tickets if ticket.state in TO_SEND]
    if not waiting:
        return None
    if parcel.collect_on:
        return parcel.collect_on
    lapses = [lapses_at(ticket.place_since) if ticket.place_since else parcel.made_at + HELD_FOR for ticket in waiting]
    return timezone.localdate(min(lapses))


def handover_entry(parcel: Parcel, tickets: Sequence[Ticket], *, day: date, at: datetime) -> bytes:
    """The calendar file for that day."""
    centre = parcel.centre
    title = {
        Travel.COLLECTION: _("A courier collects your parcel for %(centre)s"),
        Travel.COURIER: _("Last day to send your parcel to %(centre)s"),
        Travel.DROP_OFF: _("Last day to bring your kit to %(centre)s"),
    }[Travel(parcel.travel)] % {"centre": centre.name}
    names = [f"{ticket.reference_in_groups}: {ticket.product.name}" for ticket in tickets if ticket.state in TO_SEND]
    lines = [_("Parcel %(reference)s") % {"reference": parcel.reference_in_groups}, *names, centre.phone]
    is_here = parcel.travel == Travel.COLLECTION
    where = parcel.address.label_lines if is_here and parcel.has_address else centre.address.label_lines
    return day_as_ics(
        uid=f"parcel-{parcel.reference}@{settings.SITE_URL.partition('://')[2]}",
        title=title,
        text="\n".join(line for line in lines if line),
        where=with_commas(where),
        url=f"{settings.SITE_URL}{parcel.get_absolute_url()}",
        day=day,
        at=at,
    )
