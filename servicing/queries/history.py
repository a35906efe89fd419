"""What was done to a product before, whoever owned it and whatever its serial number was (R35, R64)."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import Max, Q
from django.utils import timezone

from kitbag.enums import RegistrationState
from kitbag.models import Registration
from kitbag.queries.last_service import answer_last_service
from kitbag.queries.serial_changes import SerialOf, known_serials
from members.models import Member
from servicing.models import Ticket, TicketQuerySet
from servicing.queries.cover import covered_until

MAX_SHOWN = 20  # of one product


@dataclass(frozen=True)
class PastJob:
    """A job that reached the customer, without anything of the person whose job it was."""

    ticket: Ticket
    centre: str
    service: str
    booked_in_on: date | None
    ready_on: date
    done: str
    covered_until: date | None


def history_of(registration: Registration) -> list[PastJob]:
    """The jobs of a product in a Kitbag, the latest first: also those of earlier owners, once it counts.

    Before that, anybody could read the history of a number that they only typed.
    """
    if registration.serial_key is None or registration.state != RegistrationState.VALIDATED:
        return _past_jobs(Ticket.objects.filter(registration=registration))
    serial = (registration.product_id, registration.serial_key)
    return histories_of([serial])[serial]


def histories_of(serials: Collection[SerialOf]) -> dict[SerialOf, list[PastJob]]:
    """The same for many serial numbers, in two queries, or some more if numbers were replaced."""
    histories: dict[SerialOf, list[PastJob]] = {serial: [] for serial in serials}
    if not histories:
        return histories
    families = known_serials(serials)
    known = {serial for family in families.values() for serial in family}
    products, keys = {product for product, _key in known}, {key for _product, key in known}
    rows = Ticket.objects.filter(
        Q(serial_key__in=keys) | Q(report__product__in=products, report__serial_key__in=keys), product__in=products
    )
    for job in _past_jobs(rows):
        for serial, family in families.items():
            if _serial_of(job.ticket) in family:
                histories[serial].append(job)
    return {serial: jobs[:MAX_SHOWN] for serial, jobs in histories.items()}


def last_services(member: Member) -> dict[int, date]:
    """The day on which each product of a member was ready after its last service, by the key of its registration."""
    rows = Ticket.objects.filter(registration__member=member, ready_at__isnull=False).order_by()
    latest = rows.values_list("registration").annotate(Max("ready_at"))
    return {registration: timezone.localdate(ready_at) for registration, ready_at in latest}


answer_last_service(last_services)


def serial_of(registration: Registration) -> SerialOf | None:
    """The product and serial number of a registration; None without a serial number."""
    return (registration.product_id, registration.serial_key) if registration.serial_key else None


def _serial_of(ticket: Ticket) -> SerialOf:
    """After the customer was erased, only the report has the number."""
    report = getattr(ticket, "report", None)
    return ticket.product_id, ticket.serial_key or (report.serial_key if report else None) or ""


def _past_jobs(tickets: TicketQuerySet) -> list[PastJob]:
    rows = tickets.filter(ready_at__isnull=False).select_related("centre", "report")
    return [job for ticket in rows.order_by("-ready_at", "-pk") for job in _as_past_job(ticket)]


def _as_past_job(ticket: Ticket) -> Iterable[PastJob]:
    if ticket.ready_at is None:
        return
    report = getattr(ticket, "report", None)
    yield PastJob(
        ticket=ticket,
        centre=ticket.centre.name,
        service=str(ticket.get_service_display()),
        booked_in_on=ticket.centre.today(ticket.booked_in_at) if ticket.booked_in_at else None,
        ready_on=ticket.centre.today(ticket.ready_at),
        done=report.done if report else "",
        covered_until=covered_until(ticket),
    )
