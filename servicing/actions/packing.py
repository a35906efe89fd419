"""Ship in batches: a job and its tracking number are scanned in turn, then all boxes leave at once (R61)."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from members.models import User
from servicing.actions.events import Actor, lock_ticket, locks_ticket
from servicing.actions.shipping import Tracking, check_tracking, find_carrier, ship_together
from servicing.enums import TicketState
from servicing.models import PackedTicket, Shipment, Ticket
from servicing.models.parcels import tracking_key

NUMBER_USED_FOR = timedelta(days=180)  # after that, carriers give the same number to another parcel
GONE = _("Somebody else has shipped this by now.")


@dataclass
class Batch:
    """What became of a batch: how many jobs left in how many boxes, and why others stayed, by the key of the job."""

    jobs: int = 0
    boxes: int = 0
    refusals: dict[int, Refusal] = field(default_factory=dict)


@locks_ticket
def pack(*, ticket: Ticket, tracking: Tracking, by: User, at: datetime) -> PackedTicket:
    """The product is in a box with this number. Packed again, its number is corrected.

    Raises Refusal as `require_can_leave` and `check_tracking`; beside `tracking` `number` without one, `customers` if
    another customer’s box has it, `addresses` if the box goes elsewhere, `used` if that box has left.
    """
    require_can_leave(ticket)
    check_tracking(tracking, at)
    key = tracking_key(tracking.number)
    if not key:
        raise Refusal("number", _("Scan or type the tracking number."), "tracking")
    _require_own_box(ticket, key, at)
    carrier = find_carrier(tracking.carrier)
    facts = {
        "carrier": carrier,
        "carrier_name": "" if carrier else tracking.carrier.strip(),
        "number": tracking.number.strip(),
        "number_key": key,
        "expected_on": tracking.expected_on,
        "by": by,
        "at": at,
    }
    packed, _is_new = PackedTicket.objects.update_or_create(ticket=ticket, defaults=facts)
    return packed


def require_can_leave(ticket: Ticket) -> None:
    """Raises Refusal: `state` if it is not ready, `collected` by the customer, `no_address` to send it to."""
    if ticket.state != TicketState.READY:
        raise Refusal("state", GONE)
    if not ticket.parcel.returns:
        raise Refusal("collected", _("The customer collects it here. Close the job when they have it."))
    if not ticket.parcel.has_address:
        raise Refusal("no_address", _("Nobody has told us where it goes. Enter the address first."))


@locks_ticket
def unpack(*, ticket: Ticket) -> None:
    """It is out of its box again. If it is in none, nothing happens."""
    PackedTicket.objects.filter(ticket=ticket).delete()


def ship_packed(*, tickets: Sequence[Ticket], actor: Actor, at: datetime) -> Batch:
    """Everything of these jobs that is packed leaves: one shipment for each number.

    Each box in a transaction of its own, so that one that is refused keeps no other back. A box that somebody else has
    shipped meanwhile is not shipped again.
    """
    batch = Batch()
    for keys in _boxes_of(tickets):
        try:
            batch.jobs += _ship_box(keys, actor, at)
            batch.boxes += 1
        except Refusal as refusal:
            batch.refusals |= dict.fromkeys(keys, refusal)
    return batch


def _boxes_of(tickets: Sequence[Ticket]) -> list[list[int]]:
    """The keys of the jobs in each box, by number and customer."""
    boxes: dict[tuple[object, ...], list[int]] = {}
    for packed in PackedTicket.objects.filter(ticket__in=tickets).select_related("ticket").order_by("at", "pk"):
        box = (packed.number_key, packed.ticket.member_id, packed.ticket.visitor_id)
        boxes.setdefault(box, []).append(packed.ticket_id)
    return list(boxes.values())


@transaction.atomic
def _ship_box(keys: list[int], actor: Actor, at: datetime) -> int:
    """Ship what is still packed of a box. Returns how many jobs. Raises Refusal `gone`, and as `ship_together`."""
    with ExitStack() as locks:
        tickets = Ticket.objects.filter(pk__in=keys).order_by("pk")
        locked = [locks.enter_context(lock_ticket(ticket)) for ticket in tickets]
        rows = PackedTicket.objects.filter(ticket__in=locked, ticket__state=TicketState.READY)
        packed = list(rows.select_related("carrier").order_by("at", "pk"))
        if not packed:
            raise Refusal("gone", GONE)
        leaving = {row.ticket_id for row in packed}
        last = packed[-1]
        ship_together(
            tickets=[ticket for ticket in locked if ticket.pk in leaving],
            tracking=Tracking(last.carrier_text, last.number, expected_on=last.expected_on),
            actor=actor,
            at=at,
        )
        PackedTicket.objects.filter(pk__in=[row.pk for row in packed]).delete()
    return len(packed)


def _require_own_box(ticket: Ticket, key: str, at: datetime) -> None:
    """Whether the box with this number can take this job."""
    others = PackedTicket.objects.filter(number_key=key).exclude(ticket=ticket).select_related("ticket__parcel")
    for other in others:
        job = {"job": other.ticket.reference_in_groups}
        if _customer(other.ticket) != _customer(ticket):
            raise Refusal("customers", _("This number is on the box of %(job)s, another customer’s.") % job, "tracking")
        if other.ticket.parcel.address != ticket.parcel.address:
            raise Refusal("addresses", _("The box of %(job)s goes to another address.") % job, "tracking")
    left = Shipment.objects.to_customer().filter(number_key=key, sent_at__gt=at - NUMBER_USED_FOR)
    if left.exclude(tickets=ticket).exists():
        raise Refusal("used", _("A box with this number has left already. Scan the label on this one."), "tracking")


def _customer(ticket: Ticket) -> tuple[int | None, int | None]:
    return ticket.member_id, ticket.visitor_id
