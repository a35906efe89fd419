"""A parcel that has arrived: what was announced, what was scanned, and what the customer gets (R43, R49, R60)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cps_portal.core.lib.clock import add_working_days
from kitbag.models import Registration
from kitbag.rules import serial_key
from kitbag.rules.serials import normalise_serial
from members.models import Member
from servicing.models import Ticket
from servicing.queries.history import PastJob, histories_of, serial_of
from servicing.rules.matching import Comparison, compare_serials


@dataclass(frozen=True)
class ArrivingProduct:
    """One panel. `match` is None while nothing was scanned or announced. `holder` has the scanned number, too."""

    ticket: Ticket
    form: Any
    due_at: datetime
    match: Comparison | None
    holder: Registration | None = None
    past_jobs: Sequence[PastJob] = ()

    @property
    def is_same(self) -> bool:
        return self.match is not None and self.match.is_same


def arriving_products(forms: Sequence[Any], holders: dict[int, Registration], at: datetime) -> list[ArrivingProduct]:
    """One for each form. `holders` has who holds the scanned number, by the key of the ticket."""
    registrations = {form.ticket.pk: form.ticket.registration for form in forms if form.ticket.registration}
    histories = histories_of({serial for row in registrations.values() if (serial := serial_of(row))})
    products = []
    for form in forms:
        ticket, registration = form.ticket, registrations.get(form.ticket.pk)
        products.append(
            ArrivingProduct(
                ticket=ticket,
                form=form,
                due_at=add_working_days(at, ticket.target_days, ticket.centre.calendar),
                match=match_of(ticket, str(form["scanned"].value() or "")),
                holder=holders.get(ticket.pk),
                past_jobs=histories.get(serial_of(registration) or (0, ""), []) if registration else [],
            )
        )
    return products


def match_of(ticket: Ticket, scanned: str) -> Comparison | None:
    if not scanned.strip() or not ticket.serial:
        return None
    announced, read = normalise_serial(ticket.serial), normalise_serial(scanned)
    is_same = serial_key(ticket.serial) == serial_key(scanned)
    return compare_serials(announced, announced) if is_same else compare_serials(announced, read)


def places_used(member: Member | None) -> int | None:
    """How many Fast Track places of the member are taken; None for a visiting member."""
    return Ticket.objects.of(member).filter(place__isnull=False).count() if member else None
