"""The papers of a job on the bench: its sheet, and the label for the way back (R61)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cps_portal.core.lib.clock import add_working_days
from servicing.models import Parcel, Ticket
from servicing.presenters.bar_codes import BarCode, bar_code
from servicing.queries.history import PastJob, histories_of, serial_of

MAX_PRINTED = 20  # jobs on one page
ONLY_LABELS = "labels"  # of the query string: without sheets


@dataclass(frozen=True)
class JobSheet:
    """`due_at`: by the target if it is not booked in yet."""

    ticket: Ticket
    bars: BarCode
    due_at: datetime
    past_jobs: Sequence[PastJob]


@dataclass(frozen=True)
class ReturnLabel:
    """One for each address: jobs of one parcel share a box."""

    parcel: Parcel
    tickets: list[Ticket]
    bars: BarCode

    @property
    def lines(self) -> list[str]:
        return self.parcel.address.label_lines

    @property
    def is_free(self) -> bool:
        return all(ticket.free_return for ticket in self.tickets)


def job_sheets(tickets: Sequence[Ticket], at: datetime) -> list[JobSheet]:
    registrations = [ticket.registration for ticket in tickets if ticket.registration]
    serials = {ticket.pk: serial_of(ticket.registration) for ticket in tickets if ticket.registration}
    histories = histories_of({serial for row in registrations if (serial := serial_of(row))})
    return [
        JobSheet(
            ticket=ticket,
            bars=bar_code(ticket.reference),
            due_at=ticket.due_at or add_working_days(at, ticket.target_days, ticket.centre.calendar),
            past_jobs=[
                job for job in histories.get(serials.get(ticket.pk) or (0, ""), []) if job.ticket.pk != ticket.pk
            ],
        )
        for ticket in tickets
    ]


def return_labels(tickets: Sequence[Ticket]) -> list[ReturnLabel]:
    """None for what is collected, or has no address yet."""
    in_parcel: dict[int, list[Ticket]] = {}
    for ticket in tickets:
        if ticket.parcel.returns and ticket.parcel.has_address:
            in_parcel.setdefault(ticket.parcel_id, []).append(ticket)
    return [ReturnLabel(rows[0].parcel, rows, bar_code(rows[0].reference)) for rows in in_parcel.values()]
