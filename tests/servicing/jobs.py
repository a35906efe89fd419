"""A job at a centre, for tests."""

from datetime import UTC, datetime, timedelta
from typing import Any

from kitbag.enums import Shelf
from members.enums import Level
from members.models import Member
from servicing.actions.estimates import record_no_charge
from servicing.actions.events import SYSTEM, Actor, record_event
from servicing.actions.service_requests import RequestedItem, open_parcel
from servicing.actions.shipping import ReturnTo
from servicing.actions.tickets import book_in
from servicing.enums import EventKind, ServiceKind, WhyNoCharge
from servicing.models import ServiceCentre, Ticket
from servicing.queries.entitlement import Item
from tests.factories import counting
from tests.world import World

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def a_centre(slug: str = "joburg", **changes: object) -> ServiceCentre:
    facts: dict[str, object] = {
        "slug": slug,
        "name": f"Centre {slug}",
        "kind": "PSC",
        "country": "ZA",
        "city": "Johannesburg",
        "latitude": "-26",
        "longitude": "28",
        "zone": "Africa/Johannesburg",
        "services": ServiceKind.values,
        "shelves": Shelf.values,
        "programme": "free",
        "currency": "ZAR",
    }
    return ServiceCentre.objects.create(**{**facts, **changes})


def a_request(
    world: World,
    centre: ServiceCentre,
    serial: str = "012345678901",
    at: datetime = MONDAY,
    *,
    member: Member | None = None,
    returns: ReturnTo | None = None,
    **wanted: Any,
) -> Ticket:
    member = member or world.ana
    row = counting(member, world.pro_body, serial)
    one = RequestedItem(
        Item(row.product, registration=row), **{"service": ServiceKind.REPAIR, "fault": "The shutter sticks", **wanted}
    )
    return open_parcel(member=member, centre=centre, items=[one], returns=returns, by=member.user, at=at).tickets[0]


def at_the_centre(
    world: World, centre: ServiceCentre, serial: str = "012345678901", at: datetime = MONDAY, **wanted: Any
) -> Ticket:
    """Booked in and assessed within the hour."""
    actor = Actor(user=world.staff)
    ticket = a_request(world, centre, serial, at, **wanted)
    book_in(ticket=ticket, actor=actor, at=at)
    return record_event(ticket=ticket, kind=EventKind.ASSESSED, actor=actor, at=at + HOUR).ticket


def platinum(member: Member) -> Member:
    Member.objects.filter(pk=member.pk).update(level=Level.PLATINUM)
    member.refresh_from_db()
    return member


def without_charge(ticket: Ticket, at: datetime = MONDAY + HOUR) -> Ticket:
    """Recorded as free of charge, so that the work can start (R62)."""
    return record_no_charge(ticket=ticket, why=WhyNoCharge.GOODWILL, actor=SYSTEM, at=at).ticket
