"""Sample jobs at a partner's centre: requested, on the bench, waiting for an answer, and late with a loan."""

from datetime import datetime, timedelta
from decimal import Decimal

from cps_portal.core.partners.models import Partner
from cps_portal.sandbox.actions.people import address_of, sample_product
from kitbag.enums import Shelf
from kitbag.models import Registration
from members.enums import Programme
from servicing.actions import loans, targets
from servicing.actions.estimates import Line, record_no_charge, send_estimate
from servicing.actions.events import Actor, record_event
from servicing.actions.service_requests import RequestedItem, open_parcel
from servicing.actions.shipping import ReturnTo, travel_ways
from servicing.actions.tickets import book_in
from servicing.enums import EventKind, LineKind, PlaceWish, ServiceKind, Travel, WhyNoCharge
from servicing.models import LoanUnit, ServiceCentre, Ticket
from servicing.queries.entitlement import Item

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
UNITS = 3
VALID_DAYS = 14  # of a sample estimate
FAULT = "The shutter sticks"


def sample_centre(*, partner: Partner) -> ServiceCentre:
    """The partner's first centre; one is made if staff have given it none."""
    centre = partner.centres.order_by("pk").first()
    if centre is None:
        centre = ServiceCentre.objects.create(
            slug=f"sandbox-{partner.slug}",
            name=f"Sample centre of {partner.name}"[:80],
            kind="PSC",
            country="ZA",
            city="Johannesburg",
            latitude="-26.2",
            longitude="28.0",
            zone="Africa/Johannesburg",
            services=ServiceKind.values,
            shelves=Shelf.values,
            programme=Programme.FREE,
            currency="ZAR",
            partner=partner,
        )
    product = sample_product()
    for number in range(1, UNITS + 1):
        serial = f"99{partner.pk:06}{number:04}"
        facts = {"centre": centre, "condition": "Lightly used", "sample": True}
        LoanUnit.objects.get_or_create(product=product, serial=serial, defaults=facts)
    return centre


def open_job(
    *, registration: Registration, centre: ServiceCentre, at: datetime, fault: str = FAULT, loan_wanted: bool = False
) -> Ticket:
    """The member asks for a repair, on the website."""
    member = registration.member
    item = RequestedItem(
        Item(registration.product, registration=registration),
        ServiceKind.REPAIR,
        fault=fault,
        wish=PlaceWish.STANDARD,
        loan_wanted=loan_wanted,
    )
    address = address_of(member)
    # A centre without a postal address takes only what is brought.
    returns = ReturnTo(address=address, phone=address.phone) if Travel.COURIER in travel_ways(centre) else None
    opened = open_parcel(member=member, centre=centre, items=[item], returns=returns, by=member.user, at=at)
    return opened.tickets[0]


def make_jobs(
    *, ana: list[Registration], ben: list[Registration], centre: ServiceCentre, partner: Partner, at: datetime
) -> None:
    """Three jobs of the first member, two of the second one, for whom a loan is reserved."""
    actor = Actor(partner=partner)
    _late(ana[0], centre, actor, at, lent=True)
    on_bench = open_job(registration=ana[1], centre=centre, at=at - 2 * DAY, loan_wanted=True)
    book_in(ticket=on_bench, actor=actor, at=at - HOUR, condition="Some wear", accessories="Body cap")
    open_job(registration=ana[2], centre=centre, at=at - DAY, fault="The mode dial is loose")
    _late(ben[0], centre, actor, at, lent=False)
    asked = open_job(registration=ben[1], centre=centre, at=at - 3 * DAY, fault="Dropped; the screen stays dark")
    book_in(ticket=asked, actor=actor, at=at - 2 * DAY)
    record_event(ticket=asked, kind=EventKind.ASSESSED, actor=actor, at=at - 2 * DAY + HOUR)
    send_estimate(
        ticket=asked,
        lines=[Line("Rear screen", Decimal(1), Decimal("4200.00"), kind=LineKind.PART)],
        currency=centre.currency,
        valid_until=centre.today(at) + timedelta(days=VALID_DAYS),
        actor=actor,
        at=at - DAY,
    )


def _late(registration: Registration, centre: ServiceCentre, actor: Actor, at: datetime, *, lent: bool) -> None:
    """In repair, with its target missed a week ago and a loan, which is out or still waits to be collected."""
    ticket = open_job(registration=registration, centre=centre, at=at - 30 * DAY, loan_wanted=True)
    book_in(ticket=ticket, actor=actor, at=at - 28 * DAY)
    record_event(ticket=ticket, kind=EventKind.ASSESSED, actor=actor, at=at - 28 * DAY + HOUR)
    record_no_charge(ticket=ticket, why=WhyNoCharge.GOODWILL, actor=actor, at=at - 28 * DAY + 2 * HOUR)
    record_event(ticket=ticket, kind=EventKind.REPAIR_STARTED, actor=actor, at=at - 27 * DAY)
    targets.flag_missed_target(ticket=ticket, at=at - 7 * DAY)
    ticket.refresh_from_db()
    unit = loans.free_units(ticket).first()
    if unit is None or not loans.is_offered(ticket):  # the level gives none, or a long holiday moved the target
        return
    loan = loans.reserve(ticket=ticket, unit=unit, by=registration.member.user, at=at - 3 * DAY)
    if lent:
        loan = loans.accept_agreement(loan=loan, version=loans.AGREEMENT, at=at - 3 * DAY + HOUR)
        loans.hand_out(loan=loan, condition="Lightly used, with two batteries", actor=actor, at=at - 2 * DAY)
