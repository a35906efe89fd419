"""What the page of a job shows and decides by, read once (R52, R54)."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from members.models import User
from servicing.enums import EstimateState, LineKind
from servicing.models import Estimate, EstimateLine, Part, Shipment, Ticket, TicketEvent
from servicing.queries.clock import get_clock
from servicing.queries.technicians import open_jobs_by_technician, technicians_of
from servicing.rules.clock import Clock
from servicing.rules.next_step import JobFacts, Step, next_step


@dataclass(frozen=True)
class JobReading:
    """A job at one moment. Estimates are the newest first; technicians come with how many open jobs they have."""

    ticket: Ticket
    now: datetime
    events: list[TicketEvent]
    clock: Clock
    parts: list[Part]
    estimates: list[Estimate]
    technicians: list[tuple[User, int]]

    @cached_property
    def missing(self) -> list[Part]:
        return [part for part in self.parts if part.arrived_at is None]

    @cached_property
    def agreed_parts(self) -> list[EstimateLine]:
        """The parts that the customer agreed to pay for."""
        approved = next((row for row in self.estimates if row.state == EstimateState.APPROVED), None)
        return [line for line in approved.lines.all() if line.kind == LineKind.PART] if approved else []

    @cached_property
    def proposed(self) -> Step | None:
        ticket = self.ticket
        return next_step(
            JobFacts(
                state=ticket.state,
                charge=ticket.charge,
                warranty=ticket.warranty,
                asks=self.clock.has_open_question,
                parts_missing=len(self.missing),
                needs_part=bool(self.agreed_parts) and not self.parts,
                returns=ticket.parcel.returns,
            )
        )


def read_job(ticket: Ticket, now: datetime) -> JobReading:
    events = list(ticket.events.select_related("by", "partner"))
    jobs = open_jobs_by_technician(ticket.centre_id)
    return JobReading(
        ticket=ticket,
        now=now,
        events=events,
        clock=get_clock(ticket, now, events),
        parts=list(ticket.parts.all()),
        estimates=list(ticket.estimates.prefetch_related("lines").order_by("-number")),
        technicians=[(user, jobs.get(user.pk, 0)) for user in technicians_of(ticket.centre_id)],
    )


def last_carrier(ticket: Ticket) -> str:
    """The carrier that the centre shipped with last."""
    sent = Shipment.objects.to_customer().filter(tickets__centre=ticket.centre_id).select_related("carrier")
    last = sent.order_by("-sent_at", "-pk").first()
    return last.carrier_text if last else ""
