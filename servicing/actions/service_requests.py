"""Opening tickets: a parcel that a member requests, or a product brought to the counter (R43, R49, R60)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files import actions as stored_files
from cps_portal.core.files.models import StoredFile
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.reference import new_reference
from kitbag.actions.transitions import hold_registration
from kitbag.enums import HoldReason
from kitbag.models import Registration
from members.models import Member, User
from servicing.actions import notifications
from servicing.actions.events import Actor, apply_events, hold_key, keep_locked
from servicing.actions.shipping import ReturnTo, check_return, write_return
from servicing.actions.tickets import apply_entitlement
from servicing.enums import EventKind, PlaceWish, ServiceKind, TicketFileKind, TicketState, Travel, WhyRefused
from servicing.models import Parcel, ServiceCentre, Ticket, TicketEvent, TicketFile, VisitingMember
from servicing.presenters.turnaround import CONTACT_US
from servicing.queries.entitlement import Item, check_entitlement, claim_for
from servicing.queries.warranty import warranty_months
from servicing.rules.entitlement import NO_CLAIM, Entitlement
from servicing.rules.places import free_places
from servicing.rules.warranty import warranty_until

MAX_PRODUCTS_PER_PARCEL = 10
MAX_FAULT_LENGTH = 2000


@dataclass(frozen=True)
class RequestedItem:
    """One product of a request. `wish` is what to do if all places are taken; None if the member was not asked yet.

    `follows` is the job after which the same fault came back: it takes no place (R63).
    """

    item: Item
    service: ServiceKind
    fault: str = ""
    warranty: bool = False
    wish: PlaceWish | None = None
    photos: Sequence[StoredFile] = ()
    proofs: Sequence[StoredFile] = ()
    accessories: str = ""
    condition: str = ""
    loan_wanted: bool = False
    follows: Ticket | None = None


@dataclass(frozen=True)
class OpenedParcel:
    parcel: Parcel
    tickets: list[Ticket] = field(default_factory=list)


@transaction.atomic
def open_parcel(
    *,
    member: Member,
    centre: ServiceCentre,
    items: Sequence[RequestedItem],
    returns: ReturnTo | None = None,
    by: User,
    at: datetime,
) -> OpenedParcel:
    """Request a service for products of the Kitbag: all of them or none. `returns`: how they travel (R61).

    The member is locked, so that two requests at once cannot take more than three places.
    Raises Refusal with the field `items.N.…` of the N-th product: `empty`, `many`, `yours`, `in_service`, `fault`,
    `refused` with the reason, `places` if all are taken and the member has not chosen what to do then; `no_address`
    beside `travel` if nothing can be sent to the centre, and as `check_return`.
    """
    if not items:
        raise Refusal("empty", _("Choose at least one product."), "items")
    if len(items) > MAX_PRODUCTS_PER_PARCEL:
        raise Refusal("many", _("Send at most %(n)d products in one parcel.") % {"n": MAX_PRODUCTS_PER_PARCEL}, "items")
    locked = Member.objects.locked().select_related("user").get(pk=member.pk)
    if locked.closed_at:
        raise Refusal("closed", _("This account is closed."))
    parcel = new_parcel(centre, at, returns)
    tickets = [
        open_ticket(locked, None, parcel, item, actor=Actor(user=by), at=at, field=f"items.{number}")
        for number, item in enumerate(items)
    ]
    return OpenedParcel(parcel, tickets)


@transaction.atomic
def open_at_counter(
    *,
    centre: ServiceCentre,
    item: RequestedItem,
    actor: Actor,
    at: datetime,
    member: Member | None = None,
    visitor: VisitingMember | None = None,
) -> Ticket:
    """Open a ticket for a product brought to the counter by a member, registered or not, or by a visiting member (R5).

    Raises Refusal as `open_parcel`, with the fields `item.…`.
    """
    if (member is None) == (visitor is None):
        raise ValueError("a ticket belongs to a member or to a visiting member")
    locked = Member.objects.locked().select_related("user").get(pk=member.pk) if member else None
    return open_ticket(locked, visitor, new_parcel(centre, at), item, actor=actor, at=at, field="item")


# --- Steps -----------------------------------------------------------------------------------------


def open_ticket(
    member: Member | None,
    visitor: VisitingMember | None,
    parcel: Parcel,
    requested: RequestedItem,
    *,
    actor: Actor,
    at: datetime,
    field: str,
) -> Ticket:
    """Open one ticket. The member is locked. Raises Refusal as `open_parcel`."""
    item = requested.item
    _require_fault(requested, field)
    open_tickets = list(Ticket.objects.of(member).open()) if member else []
    registration = item.registration and _own_registration(item.registration, member, open_tickets, field)
    taken = [ticket.place for ticket in open_tickets if ticket.place]
    claim = claim_for(item, wanted=True, proof=bool(requested.proofs), at=at) if requested.warranty else NO_CLAIM
    entitlement = check_entitlement(
        member=member,
        item=item,
        centre=parcel.centre,
        service=requested.service,
        wish=requested.wish,
        claim=claim,
        places_taken=0 if requested.follows else len(taken),
    )
    _require_possible(entitlement, field)
    ticket = Ticket(
        reference=new_reference(lambda drawn: Ticket.objects.filter(reference=drawn).exists()),
        parcel=parcel,
        member=member,
        visitor=visitor,
        registration=registration,
        product=item.product,
        serial=registration.serial if registration else item.serial,
        serial_key=item.serial_key,
        centre=parcel.centre,
        follows=requested.follows,
        service=requested.service,
        fault=requested.fault.strip(),
        condition=requested.condition,
        accessories=requested.accessories,
        loan_wanted=requested.loan_wanted,
        warranty_asked=requested.warranty,
        level=member.level if member else "",
        wish=requested.wish or PlaceWish.WAIT,
        opened_at=at,
        changed_at=at,
    )
    apply_entitlement(ticket, entitlement)
    _keep_age(ticket)
    if entitlement.waits:
        ticket.state, ticket.waiting_since = TicketState.WAITING, at
    elif entitlement.is_fast_track and not requested.follows:
        ticket.place, ticket.place_since = free_places(taken)[0], at
    ticket.save()
    if registration:
        hold_registration(registration=registration, key=hold_key(ticket), why=HoldReason.SERVICE, at=at)
    _attach_files(ticket, requested, at)
    event = TicketEvent.objects.create(
        ticket=ticket,
        kind=EventKind.PLACE_AWAITED if entitlement.waits else EventKind.REQUESTED,
        occurred_at=at,
        received_at=at,
        by=actor.user,
        partner=actor.partner,
        data={"target_days": ticket.target_days, "track": ticket.track, "level": ticket.level},
    )
    with keep_locked(ticket):  # nobody else can see a ticket that has just been created
        ticket.locked_events = [event]
        apply_events(ticket, at)
    notifications.notify_of_request(ticket=ticket, event=event)
    return ticket


def _keep_age(ticket: Ticket) -> None:
    """Keep how long the warranty lasts, for the centre that decides (R60)."""
    if not ticket.warranty_asked or ticket.registration is None:
        return
    ticket.warranty_months = warranty_months(ticket.registration)
    if ticket.warranty_months and ticket.registration.purchased_on:
        ticket.warranty_until = warranty_until(ticket.registration.purchased_on, ticket.warranty_months)


def _require_fault(requested: RequestedItem, field: str) -> None:
    if len(requested.fault) > MAX_FAULT_LENGTH:
        message = _("This is too long. Use at most %(n)d characters.") % {"n": MAX_FAULT_LENGTH}
        raise Refusal("fault", message, f"{field}.fault")
    if requested.service == ServiceKind.REPAIR and not requested.fault.strip():
        raise Refusal("fault", _("Tell us what’s wrong with it."), f"{field}.fault")


def _own_registration(
    registration: Registration, member: Member | None, open_tickets: Sequence[Ticket], field: str
) -> Registration:
    """The registration as it is now, if it belongs to this member and is not in service. The member is locked."""
    current = Registration.objects.select_related("product").get(pk=registration.pk)
    if member is None or current.member_id != member.pk or not current.is_live:
        raise Refusal("yours", _("This product isn’t in your Kitbag any more. Choose another one."), field)
    if any(ticket.registration_id == current.pk for ticket in open_tickets):
        raise Refusal("in_service", _("This product is in service already."), field)
    return current


def _require_possible(entitlement: Entitlement, field: str) -> None:
    if entitlement.refused:
        reason = entitlement.refused[0]
        raise Refusal("refused", CONTACT_US if reason == WhyRefused.STOLEN else WhyRefused(reason).label, field)
    if entitlement.needs_choice:
        raise Refusal(
            "places",
            _("All your places are taken. Wait for a place, or send it at standard speed."),
            f"{field}.wish",
        )


def _attach_files(ticket: Ticket, requested: RequestedItem, at: datetime) -> None:
    files = [*((TicketFileKind.FAULT, file) for file in requested.photos)]
    files += [(TicketFileKind.PROOF, file) for file in requested.proofs]
    if not files:
        return
    stored_files.attach(files=[file for _kind, file in files], at=at)
    TicketFile.objects.bulk_create([TicketFile(ticket=ticket, kind=kind, file=file, at=at) for kind, file in files])


def new_parcel(centre: ServiceCentre, at: datetime, returns: ReturnTo | None = None) -> Parcel:
    """Without `returns` it was brought to the counter, and is collected there unless somebody enters an address."""
    reference = new_reference(lambda drawn: Parcel.objects.filter(reference=drawn).exists())
    parcel = Parcel(reference=reference, centre=centre, made_at=at)
    if returns:
        check_return(returns=returns, centre=centre, at=at)
    write_return(parcel, returns or ReturnTo(Travel.DROP_OFF))
    parcel.save()
    return parcel
