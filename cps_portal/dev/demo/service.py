"""Jobs, loans and a centre's people of the demonstration world, made by the actions of servicing, in the past."""

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
from servicing.enums import EventKind, ServiceKind
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
    """A late repair with a loan offered, a lens on its way, one that came back, and one whose estimate waits."""
    if Ticket.objects.exists():
        return
    home = ServiceCentre.objects.get(slug=HOME)
    desk = User.objects.get(email="centre@example.org")
    CentreStaff.objects.get_or_create(centre=home, user=desk)
    for slug, serial in POOL:
        product = Product.objects.filter(slug=slug).first()
        if product:
            LoanUnit.objects.get_or_create(
                product=product, serial=serial, defaults={"centre": home, "condition": "Lightly used", "sample": True}
            )
    ana = Member.objects.select_related("user").get(user__email="ana@example.org")
    chloe = Member.objects.select_related("user").get(user__email="chloe@example.org")
    actor = Actor(user=desk)
    back = _job(ana, home, "rf-70-200mm-f2-8l-is-usm", "Zoom ring turns hard", _ago(60))
    if back:
        _through(
            back,
            actor,
            _ago(58),
            EventKind.ASSESSED,
            EventKind.REPAIR_STARTED,
            EventKind.READY,
            EventKind.SHIPPED,
            EventKind.CLOSED,
        )
    late = _job(ana, home, "eos-r5-mark-ii", "The shutter sticks in the cold", _ago(12))
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
        approve = late.estimates.get()
        approve_estimate(estimate=approve, actor=Actor(user=ana.user), at=_ago(8))
        expected = timezone.localdate() + timedelta(days=3)
        order_part(ticket=late, name="Shutter unit", expected_on=expected, actor=actor, at=_ago(7))
    lens = _job(ana, home, "rf-24-70mm-f2-8l-is-usm", "Autofocus hunts at 70 mm", _ago(2))
    if lens:
        record_event(ticket=lens, kind=EventKind.SENT, actor=Actor(user=ana.user), at=_ago(1))
    there = ServiceCentre.objects.get(slug=CHLOES)
    waits = _job(chloe, there, "eos-r3", "Dropped; the rear screen stays dark", _ago(4))
    if waits:
        _through(waits, Actor(), _ago(2), EventKind.ASSESSED)
        _estimate(
            waits,
            Actor(),
            _ago(1),
            currency="TRY",
            note="The screen and its cable are broken.",
            part="Rear screen",
            price="14200.00",
        )
    targets.flag_overdue(at=timezone.now())


def _job(member: Member, centre: ServiceCentre, slug: str, fault: str, at: datetime) -> Ticket | None:
    """A repair asked for; None in a catalogue or Kitbag without the product."""
    rows = Registration.objects.of(member).filter(state="validated", product__slug=slug)
    row = rows.select_related("product").order_by("pk").first()
    if row is None:
        return None
    wanted = RequestedItem(Item(row.product, registration=row), ServiceKind.REPAIR, fault=fault)
    return open_parcel(member=member, centre=centre, items=[wanted], by=member.user, at=at).tickets[0]


def _through(ticket: Ticket, actor: Actor, at: datetime, *kinds: EventKind) -> None:
    """Booked in, then one step an hour, as far as each is possible."""
    book_in(ticket=ticket, actor=actor, at=at, condition="Some wear, no cracks", accessories="Body cap")
    for hours, kind in enumerate(kinds, start=1):
        ticket.refresh_from_db()
        if kind in next_moves(ticket.state):
            record_event(ticket=ticket, kind=kind, actor=actor, at=at + timedelta(hours=hours))


def _estimate(ticket: Ticket, actor: Actor, at: datetime, *, currency: str, note: str, part: str, price: str) -> None:
    tax = Decimal(15)
    lines = [Line(part, Decimal(1), Decimal(price), tax), Line("Labour", Decimal("1.5"), Decimal("900.00"), tax)]
    until = timezone.localdate(at) + timedelta(days=14)
    send_estimate(ticket=ticket, lines=lines, currency=currency, valid_until=until, note=note, actor=actor, at=at)


def _ago(days: int) -> datetime:
    return timezone.now() - timedelta(days=days)
