"""Fast Track places: lapsed, given up, lost and taken later (R49, R50, R65)."""

from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone

from kitbag.enums import RegistrationState
from members.enums import Programme
from members.models import CountryProgramme, Member
from servicing.actions.events import SYSTEM, Actor, give_places, locks_ticket, places_taken, record_event
from servicing.actions.tickets import INTAKE_FIELDS, apply_entitlement, entitlement_of
from servicing.enums import BEFORE_INTAKE, EventKind, PlaceWish, Track, WhyStandard
from servicing.models import Ticket, TicketEvent
from servicing.rules.places import HELD_FOR, free_places, lapses_at


def lapse_places(*, at: datetime, limit: int = 200) -> int:
    """Take back the places of products that were not booked in in time (R49). Returns how many."""
    tickets = Ticket.objects.to_lapse(at - HELD_FOR).order_by("place_since")[:limit]
    return sum(lapse_place(ticket=ticket, at=at) for ticket in tickets)


@locks_ticket
def lapse_place(*, ticket: Ticket, at: datetime) -> bool:
    """Take back the place of a product that was not booked in in time; the next that waits gets it (R49).

    Returns whether it lapsed now.
    """
    if ticket.place is None or ticket.place_since is None or ticket.booked_in_at or at < lapses_at(ticket.place_since):
        return False
    ticket.place = ticket.place_since = None
    record_event(ticket=ticket, kind=EventKind.PLACE_LAPSED, actor=SYSTEM, at=at)
    if ticket.member:
        give_places(member=ticket.member, at=at)
    return True


@locks_ticket
def choose_standard(*, ticket: Ticket, actor: Actor, at: datetime) -> TicketEvent:
    """The member no longer wants to wait for a place (R49). Raises Refusal as `record_event`."""
    event = record_event(ticket=ticket, kind=EventKind.CHOSE_STANDARD, actor=actor, at=at)
    ticket.wish = PlaceWish.STANDARD
    apply_entitlement(ticket, entitlement_of(ticket, PlaceWish.STANDARD, is_full=True))
    ticket.save()
    return event


def sweep_homes(*, at: datetime, limit: int = 200) -> int:
    """Take Fast Track from jobs before intake whose members live outside the free programme today (R6, R65).

    They moved, or their country has left the programme. Returns how many.
    """
    free = CountryProgramme.objects.in_force(timezone.localdate(at)).filter(kind=Programme.FREE).values("country")
    before_intake = Ticket.objects.filter(state__in=BEFORE_INTAKE, track=Track.FAST, member__isnull=False)
    tickets = before_intake.exclude(member__country__in=free).order_by("pk")[:limit]
    return sum(become_standard(ticket=ticket, at=at) for ticket in tickets)


def on_member_moved(*, member: int, at: datetime) -> int:
    """The same for the jobs of one member. Returns how many."""
    of_person = Ticket.objects.of(Member.objects.get(pk=member))
    tickets = of_person.filter(state__in=BEFORE_INTAKE, track=Track.FAST).order_by("pk")
    return sum(become_standard(ticket=ticket, at=at) for ticket in tickets)


@locks_ticket
def become_standard(*, ticket: Ticket, at: datetime) -> bool:
    """Make a job before intake a standard one, if its member no longer gets Fast Track. Returns whether it did."""
    if not ticket.is_fast or ticket.member is None or ticket.state not in BEFORE_INTAKE:
        return False
    entitlement = entitlement_of(ticket, PlaceWish.STANDARD, is_full=False)
    if entitlement.is_fast_track or not entitlement.possible:
        return False
    apply_entitlement(ticket, entitlement)
    held_a_place = ticket.place is not None
    ticket.place = ticket.place_since = None
    record_event(ticket=ticket, kind=EventKind.BECAME_STANDARD, actor=SYSTEM, at=at, changed=INTAKE_FIELDS)
    if held_a_place:
        give_places(member=ticket.member, at=at)
    return True


def on_registration_validated(*, registration: int, at: datetime) -> bool:
    """Make the job of a validated registration Fast Track, if a place is free (R50). Returns whether it did."""
    ticket = Ticket.objects.open().filter(registration=registration, track=Track.STANDARD).first()
    return ticket is not None and become_fast_track(ticket=ticket, at=at)


def sweep_validations(*, at: datetime) -> int:
    """The same for every validated registration, in case a task was lost. Returns how many became Fast Track."""
    tickets = not_validated().filter(registration__state=RegistrationState.VALIDATED)
    return sum(become_fast_track(ticket=ticket, at=at) for ticket in tickets)


def not_validated() -> QuerySet[Ticket]:
    """Open jobs at standard speed because their registration was not validated. Those of the index of this name."""
    return Ticket.objects.open().filter(track=Track.STANDARD, why_standard__contains=[WhyStandard.NOT_VALIDATED])


@locks_ticket
def become_fast_track(*, ticket: Ticket, at: datetime) -> bool:
    """Make a standard job Fast Track from now on, if it qualifies and a place is free (R50). Returns whether it did."""
    if ticket.is_fast or ticket.member is None or ticket.ended_at or ticket.ready_at:
        return False
    needs_place = not ticket.same_fault  # the same fault again takes none (R63)
    free = free_places(places_taken(ticket.member))
    is_full = needs_place and not free
    entitlement = entitlement_of(ticket, ticket.wish, is_full=is_full)
    if not entitlement.is_fast_track or is_full or entitlement.target_days is None:
        return False
    apply_entitlement(ticket, entitlement)
    if needs_place:
        ticket.place, ticket.place_since = free[0], at
    ticket.save()
    data = {"target_days": entitlement.target_days}
    record_event(ticket=ticket, kind=EventKind.BECAME_FAST_TRACK, actor=SYSTEM, at=at, data=data)
    return True
