"""A job at a centre, for tests."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

from kitbag.enums import Shelf
from members.enums import Level
from members.models import Member
from servicing.actions.recording import Who, record_event
from servicing.actions.requesting import Wanted, book_in, open_parcel
from servicing.enums import EventKind, ServiceKind
from servicing.models import ServiceCentre, Ticket
from servicing.queries.entitlement import Item
from tests.factories import validated
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
        "opens": time(9),
        "closes": time(17),
        "services": ServiceKind.values,
        "shelves": Shelf.values,
        "programme": "free",
    }
    return ServiceCentre.objects.create(**{**facts, **changes})


def a_request(
    world: World,
    centre: ServiceCentre,
    serial: str = "012345678901",
    at: datetime = MONDAY,
    member: Member | None = None,
    **wanted: Any,
) -> Ticket:
    member = member or world.ana
    row = validated(member, world.pro_body, serial)
    one = Wanted(Item(row.product, registration=row), ServiceKind.REPAIR, **{"fault": "The shutter sticks", **wanted})
    return open_parcel(member=member, centre=centre, wanted=[one], by=member.user, at=at).tickets[0]


def at_the_centre(
    world: World, centre: ServiceCentre, serial: str = "012345678901", at: datetime = MONDAY, **wanted: Any
) -> Ticket:
    """Booked in and assessed within the hour."""
    who = Who(user=world.staff)
    ticket = book_in(ticket=a_request(world, centre, serial, at, **wanted), who=who, at=at)
    done, _event = record_event(ticket=ticket, kind=EventKind.ASSESSED, who=who, at=at + HOUR)
    return done


def platinum(member: Member) -> Member:
    Member.objects.filter(pk=member.pk).update(level=Level.PLATINUM)
    member.refresh_from_db()
    return member
