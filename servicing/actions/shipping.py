"""Parcels on their way to the centre, and back (R49, R52)."""

from datetime import datetime
from typing import Unpack

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from members.models import Member
from servicing.actions.events import Actor, EventDetails, find_by_external_id, locks_ticket, record_event
from servicing.enums import EventKind, TicketState
from servicing.models import Parcel, Ticket, TicketEvent

MAX_TRACKING_LENGTH = 60
MAX_URL_LENGTH = 300
validate_url = URLValidator(schemes=["https"])


@transaction.atomic
def mark_sent(
    *, parcel: Parcel, member: Member, actor: Actor, at: datetime, carrier: str = "", tracking: str = ""
) -> int:
    """The parcel is on its way with everything in it that may travel. If it is already, only the number is corrected.

    Returns how many tickets left now. Raises Refusal beside `carrier`, `tracking`; `nothing` if nothing can travel.
    """
    _check_lengths(carrier, tracking)
    Member.objects.locked().get(pk=member.pk)
    tickets = list(Ticket.objects.of(member).filter(parcel=parcel).order_by("pk"))
    leaving = [ticket for ticket in tickets if ticket.state in (TicketState.REQUESTED, TicketState.ACCEPTED)]
    if not leaving and all(ticket.state != TicketState.IN_TRANSIT for ticket in tickets):
        raise Refusal("nothing", _("There is nothing to send in this parcel now."))
    locked = Parcel.objects.select_for_update(no_key=True).get(pk=parcel.pk)
    locked.carrier, locked.tracking = carrier.strip(), tracking.strip()
    locked.save(update_fields=["carrier", "tracking"])
    for ticket in leaving:
        record_event(ticket=ticket, kind=EventKind.SENT, actor=actor, at=at)
    return len(leaving)


@locks_ticket
def ship(
    *,
    ticket: Ticket,
    carrier: str = "",
    tracking: str = "",
    tracking_url: str = "",
    **details: Unpack[EventDetails],
) -> TicketEvent:
    """The product is on its way back.

    Raises Refusal beside `carrier`, `tracking`, `tracking_url`, and as `record_event`.
    """
    if not find_by_external_id(ticket, details.get("external_id", "")):
        _check_lengths(carrier, tracking)
        _check_url(tracking_url)
        ticket.carrier, ticket.tracking, ticket.tracking_url = carrier.strip(), tracking.strip(), tracking_url
    return record_event(
        ticket=ticket, kind=EventKind.SHIPPED, changed=["carrier", "tracking", "tracking_url"], **details
    )


def _check_lengths(carrier: str, tracking: str) -> None:
    for field, value in (("carrier", carrier), ("tracking", tracking)):
        if len(value.strip()) > MAX_TRACKING_LENGTH:
            message = _("This is too long. Use at most %(n)d characters.") % {"n": MAX_TRACKING_LENGTH}
            raise Refusal("long", message, field)


def _check_url(url: str) -> None:
    if not url:
        return
    try:
        validate_url(url)
        is_valid = len(url) <= MAX_URL_LENGTH
    except ValidationError:
        is_valid = False
    if not is_valid:
        raise Refusal("url", _("Enter the whole address of the page, beginning with https://."), "tracking_url")
