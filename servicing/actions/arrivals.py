"""A parcel arrives: its products are booked in together, with what was found on them (R34, R49, R73)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files.models import StoredFile
from cps_portal.core.lib.errors import Refusal
from kitbag.rules import look_up_problem, serial_key
from servicing.actions.events import Actor, EventDetails
from servicing.actions.intake import require_not_stolen
from servicing.actions.intake_photos import book_in_with_photos
from servicing.actions.messages import write_message
from servicing.actions.notes import write_note
from servicing.enums import TicketState
from servicing.models import Ticket

MAY_ARRIVE = (TicketState.REQUESTED, TicketState.ACCEPTED, TicketState.IN_TRANSIT)


@dataclass(frozen=True)
class Arrival:
    """One product as it came. `scanned`: the number on it, "" if it was not read; `is_other`: it really differs."""

    ticket: Ticket
    scanned: str = ""
    is_other: bool = False
    condition: str = ""
    accessories: str = ""
    photos: Sequence[StoredFile] = ()


@dataclass
class BookedParcel:
    """Which jobs were booked in, and why others were not, by the key of the job."""

    tickets: list[Ticket] = field(default_factory=list)
    refusals: dict[int, Refusal] = field(default_factory=dict)


def differs(ticket: Ticket, scanned: str) -> bool:
    """Whether another number is on the product than was announced; not if one of them is not known."""
    return bool(scanned and ticket.serial and serial_key(scanned) != serial_key(ticket.serial))


def require_clean(arrivals: Sequence[Arrival], *, at: datetime) -> None:
    """Raises Refusal `stolen` if one of the products, or the number on it, is reported stolen (R34).

    Call it outside a transaction: the sighting is kept.
    """
    for arrival in arrivals:
        ticket = arrival.ticket
        keys = {ticket.serial_key, serial_key(arrival.scanned)} - {None, ""}
        for key in sorted(str(key) for key in keys):
            require_not_stolen(product=ticket.product, serial_key=key, registration=ticket.registration, at=at)


def book_in_parcel(*, arrivals: Sequence[Arrival], actor: Actor, at: datetime) -> BookedParcel:
    """Book in the products of a parcel. One that is refused keeps no other back, because all are here.

    If the number on a product differs from the announced one, that has to be confirmed; then the centre has a note,
    and the customer is asked to correct their kit.
    Raises Refusal `stolen` as `require_clean`: then nothing is booked in.
    """
    require_clean(arrivals, at=at)
    booked = BookedParcel()
    for arrival in arrivals:
        try:
            _book_in(arrival, {"actor": actor, "at": at})
        except Refusal as refusal:
            booked.refusals[arrival.ticket.pk] = refusal
        else:
            booked.tickets.append(arrival.ticket)
    return booked


def _book_in(arrival: Arrival, details: EventDetails) -> None:
    """Raises Refusal: beside `scanned` `serial` and `differs`; and as `book_in`."""
    ticket = arrival.ticket
    if arrival.scanned and (problem := look_up_problem(arrival.scanned)):
        raise Refusal(problem, _("This can’t be a serial number. Scan it again, or type what is printed."), "scanned")
    is_different = differs(ticket, arrival.scanned)
    if is_different and not arrival.is_other:
        raise Refusal("differs", _("Another number than announced. Scan it again, or say that it’s right."), "scanned")
    payload: dict[str, Any] = {"condition": arrival.condition, "accessories": arrival.accessories}
    with transaction.atomic():
        book_in_with_photos(ticket=ticket, payload=payload, photos=arrival.photos, details=details)
        if is_different:
            _tell_difference(arrival, details)


def _tell_difference(arrival: Arrival, details: EventDetails) -> None:
    ticket, actor, at = arrival.ticket, details["actor"], details["at"]
    numbers = {"scanned": arrival.scanned, "announced": ticket.serial}
    if actor.user:
        note = _t("Serial number on arrival: %(scanned)s. Announced was %(announced)s.") % numbers
        write_note(ticket=ticket, text=note, by=actor.user, at=at)
    customer = ticket.member or ticket.visitor
    with translation.override(customer.language if customer else None):
        text = _t(
            "Your %(product)s is here. The serial number on it is %(scanned)s, not %(announced)s as in your request. "
            "Please check the number in your Kitbag and correct it. If this isn’t yours, write to us here."
        ) % {"product": ticket.product.name, **numbers}
        write_message(ticket=ticket, text=text, actor=actor, at=at)
