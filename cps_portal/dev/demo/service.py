"""Tickets, loan units and centre staff of the demo world, created through the actions of servicing and backdated."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from kitbag.models import Product, Registration
from members.models import Member, User
from servicing.actions import targets
from servicing.actions.estimates import Line, approve_estimate, send_estimate
from servicing.actions.events import Actor, record_event
from servicing.actions.parts import order_part
from servicing.actions.service_requests import RequestedItem, open_parcel
from servicing.actions.tickets import book_in
from servicing.enums import EventKind, ServiceKind, WhyNoCharge
from servicing.models import CentreStaff, LoanUnit, ServiceCentre, Ticket
from servicing.queries.entitlement import Item
from servicing.rules import next_moves

HOME = "johannesburg-professional-service-centre"
CHLOES = "istanbul-customer-experience-centre"
POOL = [
    ("eos-r5-mark-ii", "990000000011"),
    ("eos-r5-mark-ii", "990000000012"),
    ("eos-r3", "990000000013"),
    ("rf-70-200mm-f2-8l-is-usm", "9900000014"),
]


@transaction.atomic
def make_jobs() -> None:
    """A late repair with a loan on offer, a lens in the post, a finished repair, and an estimate to approve."""
    if Ticket.objects.exists():
        return
    johannesburg = ServiceCentre.objects.get(slug=HOME)
    centre_user = User.objects.get(email="centre@example.org")
    CentreStaff.objects.get_or_create(centre=johannesburg, user=centre_user)
    for slug, serial in POOL:
        product = Product.objects.filter(slug=slug).first()
        if product:
            LoanUnit.objects.get_or_create(
                product=product,
                serial=serial,
                defaults={"centre": johannesburg, "condition": "Lightly used", "sample": True},
            )
    ana = Member.objects.select_related("user").get(user__email="ana@example.org")
    chloe = Member.objects.select_related("user").get(user__email="chloe@example.org")
    actor = Actor(user=centre_user)
    finished = _job(ana, johannesburg, "rf-70-200mm-f2-8l-is-usm", "Zoom ring turns hard", _ago(60))
    if finished:
        _through(
            finished,
            actor,
            _ago(58),
            EventKind.ASSESSED,
            EventKind.NO_CHARGE,
            EventKind.REPAIR_STARTED,
            EventKind.READY,
            EventKind.SHIPPED,
            EventKind.CLOSED,
        )
    late = _job(ana, johannesburg, "eos-r5-mark-ii", "The shutter sticks in the cold", _ago(12))
    if late:
        _through(late, actor, _ago(10), EventKind.ASSESSED)
        _estimate(
            late,
            actor,
            _ago(9),
            currency="ZAR",
            note="The shutter unit has to be replaced.",
            part="Shutter unit",
            price="6450.00",
        )
        approve_estimate(estimate=late.estimates.get(), actor=Actor(user=ana.user), at=_ago(8))
        expected = timezone.localdate() + timedelta(days=3)
        order_part(ticket=late, name="Shutter unit", expected_on=expected, actor=actor, at=_ago(7))
    lens = _job(ana, johannesburg, "rf-24-70mm-f2-8l-is-usm", "Autofocus hunts at 70 mm", _ago(2))
    if lens:
        record_event(ticket=lens, kind=EventKind.SENT, actor=Actor(user=ana.user), at=_ago(1))
    istanbul = ServiceCentre.objects.get(slug=CHLOES)
    pending = _job(chloe, istanbul, "eos-r3", "Dropped; the rear screen stays dark", _ago(4))
    if pending:
        _through(pending, Actor(), _ago(2), EventKind.ASSESSED)
        _estimate(
            pending,
            Actor(),
            _ago(1),
            currency="TRY",
            note="The screen and its cable are broken.",
            part="Rear screen",
            price="14200.00",
        )
    targets.flag_overdue(at=timezone.now())


def _job(member: Member, centre: ServiceCentre, slug: str, fault: str, at: datetime) -> Ticket | None:
    """Request a repair. None if the catalogue or the Kitbag does not have the product."""
    registrations = Registration.objects.of(member).filter(state="validated", product__slug=slug)
    registration = registrations.select_related("product").order_by("pk").first()
    if registration is None:
        return None
    item = RequestedItem(Item(registration.product, registration=registration), ServiceKind.REPAIR, fault=fault)
    return open_parcel(member=member, centre=centre, items=[item], by=member.user, at=at).tickets[0]


def _through(ticket: Ticket, actor: Actor, at: datetime, *kinds: EventKind) -> None:
    """Book the ticket in, then record one event an hour; skip those that its state does not allow."""
    book_in(ticket=ticket, actor=actor, at=at, condition="Some wear, no cracks", accessories="Body cap")
    for hours, kind in enumerate(kinds, start=1):
        ticket.refresh_from_db()
        if kind in next_moves(ticket.state, ticket.charge):
            data = {"why": WhyNoCharge.GOODWILL} if kind == EventKind.NO_CHARGE else None
            record_event(ticket=ticket, kind=kind, data=data, actor=actor, at=at + timedelta(hours=hours))


def _estimate(ticket: Ticket, actor: Actor, at: datetime, *, currency: str, note: str, part: str, price: str) -> None:
    tax = Decimal(15)
    lines = [Line(part, Decimal(1), Decimal(price), tax), Line("Labour", Decimal("1.5"), Decimal("900.00"), tax)]
    until = timezone.localdate(at) + timedelta(days=14)
    send_estimate(ticket=ticket, lines=lines, currency=currency, valid_until=until, note=note, actor=actor, at=at)


def _ago(days: int) -> datetime:
    return timezone.now() - timedelta(days=days)
