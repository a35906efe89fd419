"""Tickets, loan units and centre staff of the demo world, created through the actions of servicing and backdated.

Everything is dated in working days of the centre, so that the picture is the same on every day of the week.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from cps_portal.dev.demo.days import WorkingDays
from kitbag.models import Product, Registration
from members.addresses import Address
from members.models import Member, User
from servicing.actions import loans, targets
from servicing.actions.estimates import Line, approve_estimate, record_no_charge, send_estimate
from servicing.actions.events import Actor, record_event
from servicing.actions.follow_ups import open_follow_up
from servicing.actions.messages import write_message
from servicing.actions.packing import pack
from servicing.actions.parts import order_part
from servicing.actions.reports import write_report
from servicing.actions.service_requests import RequestedItem, open_parcel
from servicing.actions.shipping import ReturnTo, Tracking, mark_sent, record_delivery, ship
from servicing.actions.technicians import assign_technician
from servicing.actions.tickets import book_in, close
from servicing.actions.visitors import Visitor, open_for_visitor
from servicing.enums import CardRegion, EventKind, LineKind, PlaceWish, ServiceKind, TicketState, WhyNoCharge
from servicing.models import CentreStaff, LoanUnit, ReadySet, ReadySetLine, ServiceCentre, Ticket
from servicing.queries.entitlement import Item

HOME = "johannesburg-professional-service-centre"
CHLOES = "istanbul-customer-experience-centre"
POOL = [
    ("eos-r5-mark-ii", "990000000011"),
    ("eos-r5-mark-ii", "990000000012"),
    ("eos-r3", "990000000013"),
    ("rf-70-200mm-f2-8l-is-usm", "9900000014"),
]
TAX = Decimal(15)
READY_SETS: list[tuple[str, list[tuple[LineKind, str, str, str]]]] = [  # kind, text, quantity and price of each line
    ("Maintenance, super tele", [(LineKind.MAINTENANCE, "Maintenance, super telephoto", "1", "3200.00")]),
    (
        "Shutter unit R5",
        [
            (LineKind.PART, "Shutter unit R5", "1", "4350.00"),
            (LineKind.WORK, "Labour, shutter unit", "1.5", "900.00"),
        ],
    ),
    (
        "AF unit",
        [(LineKind.PART, "AF drive unit", "1", "5480.00"), (LineKind.WORK, "Labour, AF drive", "2", "900.00")],
    ),
    (
        "Stabiliser",
        [(LineKind.PART, "Image stabiliser unit", "1", "6120.00"), (LineKind.WORK, "Labour, stabiliser", "2.5", "900")],
    ),
    ("Sensor cleaning", [(LineKind.MAINTENANCE, "Sensor cleaning and check", "1", "650.00")]),
]
MEMBERS = ("ana", "chloe", "emil")
EMIL_JOBS = 16  # of his lenses
# The repairs that are over: who, how many working days ago it was booked in, and how many it took.
FINISHED = [
    ("emil", 230, 2),
    ("emil", 205, 1),
    ("chloe", 190, 4),
    ("emil", 172, 2),
    ("emil", 150, 3),
    ("chloe", 131, 9),
    ("emil", 118, 1),
    ("emil", 95, 2),
    ("emil", 74, 5),
    ("emil", 56, 2),
    ("chloe", 47, 5),
    ("emil", 33, 1),
    ("emil", 21, 2),
]
BENCH_STATES = (TicketState.ESTIMATE_SENT, TicketState.WAITING_PARTS)  # the clerk works on these jobs
FAULTS = ("The focus ring is stiff", "Autofocus hunts", "The aperture sticks", "Dust behind the front element")


@dataclass
class Desk:
    """A centre, its worker and its working days."""

    centre: ServiceCentre
    actor: Actor
    days: WorkingDays

    @classmethod
    def at(cls, slug: str, user: User) -> "Desk":
        centre = ServiceCentre.objects.get(slug=slug)
        CentreStaff.objects.get_or_create(centre=centre, user=user)
        return cls(centre, Actor(user=user), WorkingDays(centre.calendar, timezone.now()))


@transaction.atomic
def make_jobs() -> None:
    """All that servicing shows: repairs that are over, on their way, on time, late, waiting, and back again."""
    if Ticket.objects.exists():
        return
    user = User.objects.get(email="centre@example.org")
    home, istanbul = Desk.at(HOME, user), Desk.at(CHLOES, user)
    _fill_pool(home.centre)
    _make_ready_sets(home.centre)
    ana, chloe, emil = (
        Member.objects.select_related("user").get(user__email=f"{name}@example.org") for name in MEMBERS
    )
    lenses = _lenses(emil)
    _finished_jobs(home, istanbul, chloe, emil, lenses)
    _ana(home, ana)
    _emil(home, emil, lenses)
    _chloe(istanbul, chloe)
    _visitor(home)
    for ticket in Ticket.objects.filter(centre=home.centre, state__in=BENCH_STATES):
        assign_technician(ticket=ticket, technician=user, by=user)
    targets.flag_overdue(at=timezone.now())


def _fill_pool(centre: ServiceCentre) -> None:
    for slug, serial in POOL:
        product = Product.objects.filter(slug=slug).first()
        if product:
            defaults = {"centre": centre, "condition": "Lightly used", "sample": True}
            LoanUnit.objects.get_or_create(product=product, serial=serial, defaults=defaults)


def _make_ready_sets(centre: ServiceCentre) -> None:
    for position, (name, lines) in enumerate(READY_SETS, start=1):
        ready = ReadySet.objects.create(centre=centre, name=name, position=position)
        ReadySetLine.objects.bulk_create(
            ReadySetLine(ready_set=ready, position=n, kind=kind, text=text, quantity=quantity, price=price)
            for n, (kind, text, quantity, price) in enumerate(lines, start=1)
        )


# --- Whose jobs --------------------------------------------------------------------------------------


def _finished_jobs(home: Desk, istanbul: Desk, chloe: Member, emil: Member, lenses: Sequence[Registration]) -> None:
    """Repairs over about a year, at several levels, some of them late: for the charts."""
    macro = _registration(chloe, "rf-100mm-f2-8l-macro-is-usm")
    for number, (name, ago, took) in enumerate(FINISHED):
        desk = istanbul if name == "chloe" else home
        registration = macro if name == "chloe" else lenses[number % len(lenses)]
        if registration:
            job = _request(desk, registration, FAULTS[number % len(FAULTS)], desk.days.ago(ago + 2))
            _repair(desk, job, ago, took)


def _ana(desk: Desk, ana: Member) -> None:
    """A repair that is over and its fault that came back; one late with its loan out; one on time; one in the post."""
    if registration := _registration(ana, "rf-70-200mm-f2-8l-is-usm"):
        first = _request(desk, registration, "Zoom ring turns hard", desk.days.ago(30))
        _repair(desk, first, 28, 2)
        again = open_follow_up(ticket=_fresh(first), actor=Actor(user=ana.user), at=desk.days.ago(3))
        _book_in(desk, again, desk.days.ago(1))
    if registration := _registration(ana, "eos-r5-mark-ii"):
        _late_with_loan(desk, registration)
    if registration := _registration(ana, "eos-c70"):
        _book_in(desk, _request(desk, registration, "The fan is loud", desk.days.ago(2)), desk.days.ago(1, 2))
    if registration := _registration(ana, "rf-24-70mm-f2-8l-is-usm"):
        lens = _request(desk, registration, "Autofocus hunts at 70 mm", desk.days.ago(2))
        tracking = Tracking(carrier="dhl", number="1234567890", expected_on=desk.days.ahead(1))
        mark_sent(parcel=lens.parcel, member=ana, tracking=tracking, actor=Actor(user=ana.user), at=desk.days.ago(1))


def _emil(desk: Desk, emil: Member, lenses: Sequence[Registration]) -> None:
    """An estimate with a discount that waits for him; a question; two requests that nobody has looked at; two jobs that
    are ready, one of them packed."""
    estimated, asked, *requested = lenses[-4:]
    job = _request(desk, estimated, "Please clean and check it", desk.days.ago(4), service=ServiceKind.MAINTENANCE)
    _assess(desk, job, 2)
    _estimate(desk, job, desk.days.ago(1), _lines("Bayonet", "850.00"), "It is dusty inside, and the bayonet is worn.")
    job = _request(desk, asked, "Sometimes it does not focus", desk.days.ago(4))
    _assess(desk, job, 2)
    question = "It focuses well here. With which camera does it happen, and in which mode?"
    write_message(ticket=job, text=question, asks=True, actor=desk.actor, at=desk.days.ago(1))
    for registration in requested:
        _request(desk, registration, "The switch for the stabiliser is loose", desk.days.ago(5), PlaceWish.STANDARD)
    ready = [_ready(desk, registration) for registration in lenses[:2]]
    if ready and desk.actor.user:  # the other one can be put into the same box
        tracking = Tracking("dhl", "JD0146 0000 2201")
        pack(ticket=ready[0], tracking=tracking, by=desk.actor.user, at=desk.days.ago(1, 2))


def _chloe(desk: Desk, chloe: Member) -> None:
    """An estimate that waits for her."""
    if registration := _registration(chloe, "eos-r3"):
        job = _request(desk, registration, "Dropped; the rear screen stays dark", desk.days.ago(4))
        _assess(desk, job, 2)
        lines = _lines("Rear screen", "14200.00")
        _estimate(desk, job, desk.days.ago(1), lines, "The screen and its cable are broken.")


def _visitor(desk: Desk) -> None:
    """A member from another world region, at the counter with a camera."""
    if (
        product := Product.objects.filter(slug="eos-r6-mark-ii").first()
        or Product.objects.filter(slug="eos-r3").first()
    ):
        at = desk.days.ago(1)
        visitor = Visitor(
            region=CardRegion.JAPAN,
            card_number="JP 7001 2345",
            expires_on=desk.days.ahead(200),
            name="Haruka Sample",
            email="haruka@example.org",
            phone="+81300000000",
        )
        item = RequestedItem(Item(product, "081021007755"), ServiceKind.REPAIR, fault="The mode dial is stuck")
        job = open_for_visitor(visitor=visitor, centre=desk.centre, item=item, actor=desk.actor, at=at)
        _book_in(desk, job, at + timedelta(minutes=10))


def _ready(desk: Desk, registration: Registration) -> Ticket:
    """Nothing was broken: it goes back."""
    job = _request(desk, registration, "It feels stiff", desk.days.ago(5), PlaceWish.STANDARD)
    _assess(desk, job, 3)
    record_no_charge(ticket=job, why=WhyNoCharge.NOTHING_DONE, actor=desk.actor, at=desk.days.ago(2))
    return record_event(ticket=job, kind=EventKind.READY, actor=desk.actor, at=desk.days.ago(1)).ticket


def _late_with_loan(desk: Desk, registration: Registration) -> None:
    days, owner = desk.days, Actor(user=registration.member.user)
    late = _request(desk, registration, "The shutter sticks in the cold", days.ago(12), loan_wanted=True)
    _assess(desk, late, 10)
    _estimate(desk, late, days.ago(9), _lines("Shutter unit", "6450.00"), "The shutter unit has to be replaced.")
    approve_estimate(estimate=late.estimates.get(), actor=owner, at=days.ago(9, 3))
    part_on = days.ahead(3)
    order_part(ticket=late, name="Shutter unit", expected_on=part_on, actor=desk.actor, at=days.ago(8))
    targets.flag_missed_target(ticket=late, at=days.ago(5))
    if unit := loans.free_units(late).first():
        loan = loans.reserve(ticket=late, unit=unit, by=registration.member.user, at=days.ago(5, 1))
        loan = loans.accept_agreement(loan=loan, version=loans.AGREEMENT, at=days.ago(5, 2))
        loans.hand_out(loan=loan, condition="Lightly used, with two batteries", actor=desk.actor, at=days.ago(4))


# --- Steps -------------------------------------------------------------------------------------------


def _registration(member: Member, slug: str) -> Registration | None:
    """The product in the Kitbag; None if the catalogue or the Kitbag does not have it."""
    rows = Registration.objects.of(member).filter(state="validated", product__slug=slug)
    return rows.select_related("product", "member__user").order_by("pk").first()


def _lenses(member: Member) -> list[Registration]:
    rows = Registration.objects.of(member).filter(state="validated").exclude(product__stage="unserviceable")
    return list(rows.select_related("product", "member__user").order_by("pk")[:EMIL_JOBS])


def _fresh(ticket: Ticket) -> Ticket:
    return Ticket.objects.get(pk=ticket.pk)


def _request(
    desk: Desk,
    registration: Registration,
    fault: str,
    at: datetime,
    wish: PlaceWish = PlaceWish.WAIT,
    *,
    service: ServiceKind = ServiceKind.REPAIR,
    loan_wanted: bool = False,
) -> Ticket:
    member = registration.member
    item = RequestedItem(
        Item(registration.product, registration=registration), service, fault=fault, wish=wish, loan_wanted=loan_wanted
    )
    address = Address(
        name=member.full_name,
        country=member.country.code,
        street="1 Sample Street",
        city="Sample Town",
        postal_code="2000" if member.country.code == "ZA" else "",
    )
    returns = ReturnTo(address=address, phone="+27100000000")
    opened = open_parcel(member=member, centre=desk.centre, items=[item], returns=returns, by=member.user, at=at)
    return opened.tickets[0]


def _book_in(desk: Desk, ticket: Ticket, at: datetime) -> None:
    book_in(ticket=ticket, actor=desk.actor, at=at, condition="Some wear, no cracks", accessories="Body cap")


def _assess(desk: Desk, ticket: Ticket, ago: int) -> None:
    _book_in(desk, ticket, desk.days.ago(ago))
    record_event(ticket=ticket, kind=EventKind.ASSESSED, actor=desk.actor, at=desk.days.ago(ago, 1))


def _repair(desk: Desk, ticket: Ticket, ago: int, took: int) -> None:
    """From booking in, that many working days ago, to the customer who has it back."""
    actor, ready_at = desk.actor, desk.days.ago(ago - took)
    _assess(desk, ticket, ago)
    record_no_charge(ticket=ticket, why=WhyNoCharge.GOODWILL, actor=actor, at=desk.days.ago(ago, 2))
    record_event(ticket=ticket, kind=EventKind.REPAIR_STARTED, actor=actor, at=desk.days.ago(ago, 3))
    targets.flag_missed_target(ticket=ticket, at=ready_at)
    record_event(ticket=ticket, kind=EventKind.READY, actor=actor, at=ready_at)
    write_report(ticket=_fresh(ticket), done="Cleaned, adjusted and tested.", technician="M.", actor=actor, at=ready_at)
    tracking = Tracking(carrier="dhl", number=f"99000{ticket.pk:05}")
    ship(ticket=ticket, tracking=tracking, actor=actor, at=ready_at + timedelta(hours=1))
    back_at = desk.days.ago(ago - took - 2)
    record_delivery(ticket=ticket, actor=actor, at=back_at)
    close(ticket=ticket, loan_stays_out=False, actor=actor, at=back_at + timedelta(hours=1))


def _lines(part: str, price: str) -> list[Line]:
    return [
        Line(part, Decimal(1), Decimal(price), TAX, kind=LineKind.PART),
        Line("Cleaning and adjustment", Decimal("1.5"), Decimal("900.00"), TAX, kind=LineKind.MAINTENANCE),
    ]


def _estimate(desk: Desk, ticket: Ticket, at: datetime, lines: Sequence[Line], note: str) -> None:
    until = desk.days.ahead(8)
    currency = desk.centre.currency
    send_estimate(ticket=ticket, lines=lines, currency=currency, valid_until=until, note=note, actor=desk.actor, at=at)
