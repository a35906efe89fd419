"""The test clock: what a partner has becomes older, and the periodic tasks find it (R38, R47 to R49, R53).

Nothing in the portal knows of it. Instead of asking for another "now", which every line of the product would have to
do, the stored moments of the partner's jobs, loans and packs are moved into the past.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import pgtrigger
from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django.db.models import DateField, F, Model

from cps_portal.core.partners.models import Partner
from cps_portal.sandbox.actions.guard import lock_samples, require_sandbox
from kitbag.models import Hold
from members.offers import tasks as offers
from members.offers.models import CardRequest, PackEvent, WelcomePack
from servicing import tasks as servicing
from servicing.actions.event_batches import lock_members_of
from servicing.actions.events import apply_events, hold_key, lock_ticket
from servicing.actions.loans import loan_hold_key
from servicing.models import (
    Estimate,
    EstimateDraft,
    Loan,
    PackedTicket,
    Parcel,
    Part,
    ServiceReport,
    Shipment,
    Ticket,
    TicketEvent,
    TicketFile,
    TicketMessage,
    TicketNote,
    VisitingMember,
)

# Each table that has moments of a job, a loan or a pack, and how it leads to the partner.
AGED: Mapping[type[Model], str] = {
    Ticket: "centre__partner",
    TicketEvent: "ticket__centre__partner",
    TicketMessage: "ticket__centre__partner",
    TicketFile: "ticket__centre__partner",
    TicketNote: "ticket__centre__partner",
    PackedTicket: "ticket__centre__partner",
    Estimate: "ticket__centre__partner",
    EstimateDraft: "ticket__centre__partner",
    Part: "ticket__centre__partner",
    ServiceReport: "ticket__centre__partner",
    Loan: "ticket__centre__partner",
    Parcel: "centre__partner",
    VisitingMember: "partner",
    WelcomePack: "partner",
    PackEvent: "pack__partner",
    CardRequest: "partner",
}
MAX_DAYS = 400
SWEEP_ATTEMPTS = 5
# Facts about the world and not about the job: a card or a guarantee does not end earlier because the job is older.
STAYS = {(VisitingMember, "expires_on"), (Ticket, "warranty_until"), (VisitingMember, "erased_at")}
LOGS = ("servicing.TicketEvent:append_only", "offers.PackEvent:append_only")
SWEEPS: Mapping[str, Callable[[], None]] = {  # as celery.py runs them by the clock
    "servicing.flag_overdue": servicing.flag_overdue,
    "servicing.expire_estimates": servicing.expire_estimates,
    "servicing.lapse_places": servicing.lapse_places,
    "servicing.lapse_reservations": servicing.lapse_reservations,
    "servicing.remind_of_loans": servicing.remind_of_loans,
    "servicing.mail_unanswered": servicing.mail_unanswered,
    "servicing.delete_old_addresses": servicing.delete_old_addresses,
    "servicing.forget_visitors": servicing.forget_visitors,
    "offers.send_pending_requests": offers.send_pending_requests,
    "offers.open_late_cases": offers.open_late_cases,
    "offers.delete_old_addresses": offers.delete_old_addresses,
}


@dataclass
class Aged:
    """How many of the partner's tickets, loans, packs and card requests are older now, and what runs afterwards."""

    days: int
    tickets: int = 0
    loans: int = 0
    packs: int = 0
    cards: int = 0
    sweeps: list[str] = field(default_factory=lambda: list(SWEEPS))


@transaction.atomic
def age_partner(*, partner: Partner, days: int, at: datetime) -> Aged:
    """Move every moment of the partner's jobs, loans and packs `days` into the past.

    Call `run_sweeps` once it is committed. 0 days moves nothing. The history of rows is not moved: it goes on saying
    when something was written here, and this change is in it. The columns of an open ticket are computed anew from its
    events, because a working day may have become a Sunday. Raises Refusal `real_people`.
    """
    require_sandbox()
    aged = Aged(days)
    if days:
        lock_samples(partner)
        tickets = Ticket.objects.visible_to_partner(partner)
        lock_members_of(tickets)  # before their tickets and packs, as everywhere
        WelcomePack.objects.visible_to_partner(partner).lock_members()
        list(tickets.order_by("pk").select_for_update(of=("self",), no_key=True).values_list("pk"))
        shift = timedelta(days=days)
        with pgtrigger.ignore(*LOGS):
            counts = {model: _shift(model, path, partner, shift) for model, path in AGED.items()}
            _shift_shared(partner, shift)
            _shift_details(partner, shift)
        aged.tickets, aged.loans = counts[Ticket], counts[Loan]
        aged.packs, aged.cards = counts[WelcomePack], counts[CardRequest]
        for ticket in tickets.open().order_by("member", "pk"):
            with lock_ticket(ticket) as locked:
                apply_events(locked, at)
    return aged


def run_sweeps() -> None:
    """Run the periodic tasks, for everybody's jobs, loans and packs, as the clock does.

    Outside of a transaction, so that each step of theirs has its own: in one, the sweep of a partner would keep what it
    has locked of another partner's until the last one ends, and two at once would wait for each other for ever.
    """
    for sweep in SWEEPS.values():
        _run_sweep(sweep)


def _run_sweep(sweep: Callable[[], None]) -> None:
    """Once more if a row is gone that it has found: only a sandbox deletes jobs, while a partner makes data anew."""
    for _attempt in range(SWEEP_ATTEMPTS - 1):
        with suppress(ObjectDoesNotExist):
            return sweep()
    return sweep()


def moments_of(model: type[Model]) -> list[str]:
    """The columns of a table that are moved: all with a day or a moment, but for STAYS."""
    fields = [field.name for field in model._meta.local_concrete_fields if isinstance(field, DateField)]
    return [name for name in fields if (model, name) not in STAYS]


def _shift(model: type[Model], path: str, partner: Partner, shift: timedelta) -> int:
    rows = model._base_manager.filter(**{path: partner}).values("pk")
    return _move(model, model._base_manager.filter(pk__in=rows), shift)


def _move(model: type[Model], rows: Any, shift: timedelta) -> int:
    return int(rows.update(**{name: F(name) - shift for name in moments_of(model)}))


def _shift_shared(partner: Partner, shift: timedelta) -> None:
    """What hangs on several tickets, or on a product while it is in service."""
    tickets = Ticket.objects.visible_to_partner(partner)
    _move(Shipment, Shipment.objects.filter(pk__in=Shipment.objects.filter(tickets__in=tickets).values("pk")), shift)
    keys = [hold_key(ticket) for ticket in tickets.only("pk")]
    keys += [loan_hold_key(loan) for loan in Loan.objects.filter(ticket__in=tickets)]
    _move(Hold, Hold.objects.filter(key__in=keys), shift)


def _shift_details(partner: Partner, shift: timedelta) -> None:
    """The days and moments that events carry in their details, such as when a part is expected."""
    moved = []
    for event in TicketEvent.objects.filter(ticket__centre__partner=partner).exclude(data={}):
        data = {key: _moved(value, shift) for key, value in event.data.items()}
        if data != event.data:
            event.data = data
            moved.append(event)
    TicketEvent.objects.bulk_update(moved, ["data"], batch_size=500)


def _moved(value: Any, shift: timedelta) -> Any:
    """A day or a moment in ISO 8601 earlier by `shift`; a list of them; anything else as it is."""
    if isinstance(value, list):
        return [_moved(each, shift) for each in value]
    return next(_readings(value, shift), value)


def _readings(value: Any, shift: timedelta) -> Iterator[str]:
    if isinstance(value, str) and len(value) >= len("2026-01-01") and value[4:5] == "-":
        with suppress(ValueError):
            yield (date.fromisoformat(value) - shift).isoformat()
        with suppress(ValueError):
            yield (datetime.fromisoformat(value) - shift).isoformat()
