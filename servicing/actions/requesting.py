"""Asking for a service: one parcel, one or several products (R43, R49, R60)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files import actions as stored
from cps_portal.core.files.models import StoredFile
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.reference import new_reference
from kitbag.actions.holding import hold_registration
from kitbag.enums import HoldReason
from kitbag.models import Registration
from members.models import Member, User
from servicing.actions import telling
from servicing.actions.recording import EVENTS, PORTAL, Who, follow, hold_key, places_taken, record_on
from servicing.enums import (
    EventKind,
    PlaceWish,
    ServiceKind,
    TicketFileKind,
    TicketState,
    Track,
    Warranty,
    WhyRefused,
)
from servicing.models import Parcel, ServiceCentre, Ticket, TicketEvent, TicketFile, VisitingMember
from servicing.queries import entitlement as entitled
from servicing.queries.entitlement import Item
from servicing.rules.entitlement import NO_CLAIM, Entitlement
from servicing.rules.places import free_places, lapses_at

MAX_PRODUCTS_PER_PARCEL = 10
GRANTED = [
    "level",
    "track",
    "target_days",
    "why_standard",
    "discount",
    "free_return",
    "loan_possible",
    "place",
    "place_since",
    "condition",
    "accessories",
]
MAX_FAULT_LENGTH = 2000
NOBODY_SAYS = _("Please contact us about this product.")


@dataclass(frozen=True)
class Wanted:
    """One product of a request. `wish` is what shall happen if all places are taken; None: not asked yet."""

    item: Item
    service: ServiceKind
    fault: str = ""
    warranty: bool = False
    wish: PlaceWish | None = None
    photos: Sequence[StoredFile] = ()
    proofs: Sequence[StoredFile] = ()
    accessories: str = ""
    condition: str = ""


@dataclass(frozen=True)
class Requested:
    parcel: Parcel
    tickets: list[Ticket] = field(default_factory=list)


@transaction.atomic
def open_parcel(
    *, member: Member, centre: ServiceCentre, wanted: Sequence[Wanted], by: User, at: datetime
) -> Requested:
    """Ask a centre to serve products of the Kitbag, all of them or none. Three places, counted under the member's lock.

    Raises Refusal with field `items.N.…` for the N-th: `empty`, `many`, `yours`, `in_service`, `fault`, `refused`
    and why, `places` if all are taken and the member has not said what then.
    """
    if not wanted:
        raise Refusal("empty", _("Choose at least one product."), "items")
    if len(wanted) > MAX_PRODUCTS_PER_PARCEL:
        raise Refusal("many", _("Send at most %(n)d products in one parcel.") % {"n": MAX_PRODUCTS_PER_PARCEL}, "items")
    locked = Member.objects.locked().select_related("user").get(pk=member.pk)
    if locked.closed_at:
        raise Refusal("closed", _("This account is closed."))
    parcel = _new_parcel(centre, at)
    tickets = [
        _open(locked, None, parcel, one, who=Who(user=by), at=at, field=f"items.{number}")
        for number, one in enumerate(wanted)
    ]
    return Requested(parcel, tickets)


@transaction.atomic
def open_at_counter(
    *,
    centre: ServiceCentre,
    wanted: Wanted,
    who: Who,
    at: datetime,
    member: Member | None = None,
    visitor: VisitingMember | None = None,
) -> Ticket:
    """A product that somebody brings: of a member, registered or not, or of a visiting member (R5).

    Raises Refusal as `open_parcel`, without numbers.
    """
    if (member is None) == (visitor is None):
        raise ValueError("a ticket is a member's or a visiting member's")
    locked = Member.objects.locked().select_related("user").get(pk=member.pk) if member else None
    return _open(locked, visitor, _new_parcel(centre, at), wanted, who=who, at=at, field="item")


@transaction.atomic
def book_in(
    *,
    ticket: Ticket,
    who: Who,
    at: datetime,
    occurred_at: datetime | None = None,
    external_id: str = "",
    condition: str = "",
    accessories: str = "",
) -> Ticket:
    """The product is at the centre and its clock starts (R47), with the level of now (R50).

    A place that lapsed on the way is taken again if one is free; otherwise it goes at standard speed (R49).
    Raises Refusal as `record_event`.
    """
    done, _event = book_in_on(
        ticket=Ticket.objects.locked(ticket.pk),
        who=who,
        at=at,
        occurred_at=occurred_at,
        external_id=external_id,
        condition=condition,
        accessories=accessories,
    )
    return done


def book_in_on(
    *,
    ticket: Ticket,
    who: Who,
    at: datetime,
    occurred_at: datetime | None = None,
    external_id: str = "",
    condition: str = "",
    accessories: str = "",
    is_clean: bool = False,
) -> tuple[Ticket, TicketEvent]:
    """As `book_in`, for a ticket that the caller has locked. `is_clean`: just now it was not reported stolen (R34)."""
    events = EVENTS.all(ticket=ticket.pk)
    repeated = external_id and any(row.external_id == external_id for row in events)
    granted = not repeated and ticket.booked_in_at is None
    if granted:
        _grant(ticket, at, is_clean=is_clean)
        ticket.condition, ticket.accessories = condition or ticket.condition, accessories or ticket.accessories
    return record_on(
        ticket=ticket,
        kind=EventKind.BOOKED_IN,
        who=who,
        at=at,
        occurred_at=occurred_at,
        external_id=external_id,
        data={"target_days": ticket.target_days, "level": ticket.level, "track": ticket.track},
        events=events,
        changed=GRANTED if granted else (),
    )


@transaction.atomic
def choose_standard(*, ticket: Ticket, by: User, at: datetime) -> Ticket:
    """The member does not want to wait for a place any longer (R49). Raises Refusal as `record_event`."""
    locked = Ticket.objects.locked(ticket.pk)
    done, _event = record_on(ticket=locked, kind=EventKind.CHOSE_STANDARD, who=Who(user=by), at=at)
    done.wish = PlaceWish.STANDARD
    _apply(done, _entitled(done, PlaceWish.STANDARD, full=True))
    done.save()
    return done


@transaction.atomic
def lapse_place(*, ticket: Ticket, at: datetime) -> bool:
    """Give up the place of a product that was not booked in in time; who waits longest gets it (R49).

    Returns whether it lapsed now.
    """
    locked = Ticket.objects.locked(ticket.pk)
    if locked.place is None or locked.place_since is None or locked.booked_in_at or at < lapses_at(locked.place_since):
        return False
    locked.place = locked.place_since = None
    locked.save(update_fields=["place", "place_since"])
    record_on(ticket=locked, kind=EventKind.PLACE_LAPSED, who=PORTAL, at=at)
    return True


@transaction.atomic
def become_fast_track(*, ticket: Ticket, at: datetime) -> bool:
    """A job whose registration counts by now becomes Fast Track from here, if a place is free (R50).

    Returns whether it did.
    """
    locked = Ticket.objects.locked(ticket.pk)
    if locked.is_fast or locked.member is None or locked.ended_at or locked.ready_at:
        return False
    free = free_places(places_taken(locked.member))
    answer = _entitled(locked, locked.wish, full=not free)
    if not answer.is_fast_track or not free or answer.target_days is None:
        return False
    _apply(locked, answer)
    locked.place, locked.place_since = free[0], at
    locked.save()
    record_on(
        ticket=locked, kind=EventKind.BECAME_FAST_TRACK, who=PORTAL, at=at, data={"target_days": answer.target_days}
    )
    return True


# --- Steps -----------------------------------------------------------------------------------------


def _open(
    member: Member | None,
    visitor: VisitingMember | None,
    parcel: Parcel,
    wanted: Wanted,
    *,
    who: Who,
    at: datetime,
    field: str,
) -> Ticket:
    item = wanted.item
    if len(wanted.fault) > MAX_FAULT_LENGTH:
        raise Refusal(
            "fault", _("This is too long. Use at most %(n)d characters.") % {"n": MAX_FAULT_LENGTH}, f"{field}.fault"
        )
    if wanted.service == ServiceKind.REPAIR and not wanted.fault.strip():
        raise Refusal("fault", _("Say what is wrong with it."), f"{field}.fault")
    running = list(Ticket.objects.filter(member=member, ended_at=None)) if member else []
    row = item.registration
    if row:
        row = _own(row, member, running, field)
    taken = [one.place for one in running if one.place]
    claim = NO_CLAIM
    if wanted.warranty:
        claim = entitled.claim_for(item, wanted=True, proof=bool(wanted.proofs), at=at)
    answer = entitled.may_i(
        member=member,
        item=item,
        centre=parcel.centre,
        service=wanted.service,
        wish=wanted.wish,
        claim=claim,
        places_taken=len(taken),
    )
    _require(answer, field)
    ticket = Ticket(
        reference=new_reference(lambda drawn: Ticket.objects.filter(reference=drawn).exists()),
        parcel=parcel,
        member=member,
        visitor=visitor,
        registration=row,
        product=item.product,
        serial=row.serial if row else item.serial,
        serial_key=item.serial_key,
        centre=parcel.centre,
        service=wanted.service,
        fault=wanted.fault.strip(),
        condition=wanted.condition,
        accessories=wanted.accessories,
        warranty_asked=wanted.warranty,
        level=member.level if member else "",
        wish=wanted.wish or PlaceWish.WAIT,
        opened_at=at,
        changed_at=at,
    )
    _apply(ticket, answer)
    if answer.waits:
        ticket.state, ticket.waiting_since = TicketState.WAITING, at
    elif answer.is_fast_track:
        ticket.place, ticket.place_since = free_places(taken)[0], at
    ticket.save()
    if row:
        hold_registration(registration=row, key=hold_key(ticket), why=HoldReason.SERVICE, at=at)
    _attach(ticket, wanted, at)
    kind = EventKind.PLACE_AWAITED if answer.waits else EventKind.REQUESTED
    event = TicketEvent.objects.create(
        ticket=ticket,
        kind=kind,
        occurred_at=at,
        received_at=at,
        by=who.user,
        partner=who.partner,
        data={"target_days": ticket.target_days, "track": ticket.track, "level": ticket.level},
    )
    follow(ticket, [event], at)
    telling.tell_requested(ticket=ticket, event=event)
    return ticket


def _own(row: Registration, member: Member | None, running: Sequence[Ticket], field: str) -> Registration:
    """The registration as it is now, if it is this member's and in no running job. The member is locked."""
    found = Registration.objects.select_related("product").get(pk=row.pk)
    if member is None or found.member_id != member.pk or not found.is_live:
        raise Refusal("yours", _("This product is not in your Kitbag any more. Choose another one."), field)
    if any(one.registration_id == found.pk for one in running):
        raise Refusal("in_service", _("This product is in service already."), field)
    return found


def _require(answer: Entitlement, field: str) -> None:
    if answer.refused:
        why = answer.refused[0]
        raise Refusal("refused", NOBODY_SAYS if why == WhyRefused.STOLEN else WhyRefused(why).label, field)
    if answer.needs_choice:
        raise Refusal(
            "places",
            _("All your three places are taken. Choose: wait for a place, or send it at standard speed."),
            f"{field}.wish",
        )


def _apply(ticket: Ticket, answer: Entitlement) -> None:
    """What the answer to "May I?" writes on the ticket."""
    ticket.track = answer.track or Track.STANDARD
    ticket.target_days = (answer.fast_track_days if answer.waits else answer.target_days) or ticket.target_days
    ticket.why_standard = [reason.value for reason in answer.why_standard]
    ticket.discount = answer.discount
    ticket.free_return = answer.free_return
    ticket.loan_possible = answer.courtesy_loan
    if ticket._state.adding:
        ticket.warranty = answer.warranty or Warranty.CHARGEABLE
        reasons = answer.why_no_warranty if ticket.warranty_asked else ()
        ticket.why_no_warranty = reasons[0] if reasons else ""


def _grant(ticket: Ticket, at: datetime, *, is_clean: bool) -> None:
    """Work out at intake what the job gets, with the level of now (R50)."""
    if ticket.member is None:
        return
    free = free_places(places_taken(ticket.member)) if ticket.place is None else []
    ticket.level = ticket.member.level
    answer = _entitled(ticket, PlaceWish.STANDARD, full=ticket.place is None and not free, is_clean=is_clean)
    if not answer.possible:  # the centre was suspended since: what was promised holds
        return
    _apply(ticket, answer)
    if ticket.is_fast and ticket.place is None:
        ticket.place, ticket.place_since = free[0], at
    elif not ticket.is_fast:
        ticket.place = ticket.place_since = None


def _entitled(ticket: Ticket, wish: str | None, *, full: bool, is_clean: bool = False) -> Entitlement:
    """The answer for a ticket that is there; its own place does not count against it."""
    item = Item(ticket.product, ticket.serial, ticket.registration)
    claim = NO_CLAIM
    if ticket.warranty_asked:
        claim = entitled.claim_for(item, wanted=True, proof=_has_proof(ticket), at=ticket.opened_at)
    return entitled.may_i(
        member=ticket.member,
        item=item,
        centre=ticket.centre,
        service=ticket.service,
        wish=wish,
        claim=claim,
        places_taken=3 if full else 0,
        is_clean=is_clean,
    )


def _has_proof(ticket: Ticket) -> bool:
    return ticket.files.filter(kind=TicketFileKind.PROOF).exists()


def _attach(ticket: Ticket, wanted: Wanted, at: datetime) -> None:
    files = [*((TicketFileKind.FAULT, file) for file in wanted.photos)]
    files += [(TicketFileKind.PROOF, file) for file in wanted.proofs]
    if not files:
        return
    stored.attach(files=[file for _kind, file in files], at=at)
    TicketFile.objects.bulk_create([TicketFile(ticket=ticket, kind=kind, file=file, at=at) for kind, file in files])


def _new_parcel(centre: ServiceCentre, at: datetime) -> Parcel:
    reference = new_reference(lambda drawn: Parcel.objects.filter(reference=drawn).exists())
    return Parcel.objects.create(reference=reference, centre=centre, made_at=at)
