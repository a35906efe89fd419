"""What happens to tickets by the clock: targets missed, places lapsed, registrations that count by now."""

from datetime import datetime

from django.db import transaction

from servicing.actions.recording import EVENTS, PORTAL, clock_of, follow, record_on
from servicing.actions.requesting import become_fast_track, lapse_place
from servicing.enums import EventKind, Track, WhyStandard
from servicing.models import Ticket, TicketEvent
from servicing.rules.places import HELD_FOR


def flag_overdue(*, at: datetime, limit: int = 200) -> int:
    """Note every target that was missed, once, and offer a loan where the level gives one (R48).

    By a partial index over what is due: what is open and not due costs nothing. Returns how many were found.
    """
    due = list(Ticket.objects.to_flag(at).order_by("due_at").values_list("pk", flat=True)[:limit])
    for key in due:
        flag(key=key, at=at)
    return len(due)


@transaction.atomic
def flag(*, key: int, at: datetime) -> bool:
    """Note that a target was missed. Not if the clock says otherwise by now. Returns whether it was noted."""
    ticket = Ticket.objects.locked(key)
    clock = clock_of(ticket, at)
    if ticket.missed_at or not clock.missed or clock.stopped_at:
        follow(ticket, list(ticket.events.all()), at)
        return False
    if Ticket.objects.filter(pk=key, missed_at=None).update(missed_at=at) != 1:
        return False
    record_on(ticket=ticket, kind=EventKind.TARGET_MISSED, who=PORTAL, at=at)
    offer_loan(ticket=ticket, at=at)
    return True


@transaction.atomic
def offer_loan(*, ticket: Ticket, at: datetime) -> bool:
    """Offer a courtesy loan, once a ticket, while it still helps (R48). Returns whether it was offered now."""
    locked = Ticket.objects.locked(ticket.pk)
    return offer_loan_on(ticket=locked, events=EVENTS.all(ticket=locked.pk), at=at)


def offer_loan_on(*, ticket: Ticket, events: list[TicketEvent], at: datetime) -> bool:
    """As `offer_loan`, for a ticket that the caller has locked, and its events."""
    offered = any(row.kind == EventKind.LOAN_OFFERED for row in events)
    if offered or not ticket.loan_possible or not clock_of(ticket, at, events).offers_loan:
        return False
    record_on(ticket=ticket, kind=EventKind.LOAN_OFFERED, who=PORTAL, at=at, events=events)
    return True


def lapse_places(*, at: datetime, limit: int = 200) -> int:
    """Give up the places of what was not booked in in time (R49). Returns how many."""
    late = list(Ticket.objects.to_lapse(at - HELD_FOR).order_by("place_since").values_list("pk", flat=True)[:limit])
    return sum(lapse_place(ticket=ticket, at=at) for ticket in Ticket.objects.filter(pk__in=late))


def hear_of_validation(*, registration: int, at: datetime) -> bool:
    """A registration counts now: its job becomes Fast Track if a place is free (R50). Returns whether it did."""
    ticket = Ticket.objects.open().filter(registration=registration, track=Track.STANDARD).first()
    return ticket is not None and become_fast_track(ticket=ticket, at=at)


def sweep_validations(*, at: datetime) -> int:
    """The jobs whose registration came to count and nobody heard of it. Returns how many became Fast Track."""
    waiting = Ticket.objects.open().filter(
        track=Track.STANDARD, why_standard__contains=[WhyStandard.NOT_VALIDATED], registration__state="validated"
    )
    return sum(become_fast_track(ticket=ticket, at=at) for ticket in waiting)
