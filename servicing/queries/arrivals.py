"""What a centre expects, and who holds a number that was scanned on a product (R31, R49)."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db.models import Max, QuerySet

from kitbag.models import Registration
from kitbag.queries.serial_changes import presented_as
from members.models import User
from servicing.enums import TicketState
from servicing.models import Shipment, Ticket

MAX_EXPECTED = 50
EXPECTED = (TicketState.REQUESTED, TicketState.ACCEPTED, TicketState.IN_TRANSIT)


def expected_tickets(user: User) -> QuerySet[Ticket]:
    """The jobs of this person’s centres that have not arrived, what is on its way first."""
    tickets = Ticket.objects.seen_by(user).filter(state__in=EXPECTED).exclude(member__user=user)
    related = ("product", "member", "visitor", "centre", "parcel")
    return tickets.select_related(*related).order_by("-state", "opened_at", "pk")


def expected_days(tickets: Any) -> Mapping[int, date]:
    """The day on which the shipment of each ticket is expected, by the key of the ticket."""
    boxes = Shipment.objects.to_centre().filter(tickets__in=tickets, delivered_at=None, expected_on__isnull=False)
    return dict(boxes.values_list("tickets").annotate(Max("expected_on")))


def parcel_tickets(user: User, parcel: int) -> list[Ticket]:
    """All jobs of a parcel that this person sees, in the order of the request."""
    tickets = Ticket.objects.seen_by(user).filter(parcel=parcel).exclude(member__user=user)
    related = ("product", "member__user", "visitor", "centre", "parcel", "registration__product", "follows")
    return list(tickets.select_related(*related).order_by("pk"))


def holder_of(ticket: Ticket, scanned: str) -> Registration | None:
    """The Kitbag that has this number for this product, if it is another one than that of the ticket."""
    rows = Registration.objects.live().filter(presented_as(scanned), product=ticket.product)
    others = rows.exclude(pk=ticket.registration_id) if ticket.registration_id else rows
    return others.select_related("member").first()
