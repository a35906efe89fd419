"""What a centre has stands in the Kitbag under "At the centre", with whether it is late (R18, R47)."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from kitbag.queries.in_service import kit_in_service
from servicing.actions.events import SYSTEM, Actor, record_event
from servicing.actions.tickets import book_in
from servicing.enums import EventKind
from servicing.models import Ticket
from tests.servicing.jobs import a_centre, a_request, at_the_centre
from tests.world import World

pytestmark = pytest.mark.django_db
NOW = timezone.now().replace(microsecond=0)
DAY = timedelta(days=1)


def where(ticket: Ticket) -> tuple[str, bool]:
    assert ticket.member and ticket.registration_id
    entry = kit_in_service(ticket.member, NOW)[ticket.registration_id]
    return str(entry.where), entry.is_late


def kitbag(client: Client, **query: str) -> str:
    return " ".join(client.get("/kitbag/", query).content.decode().split())


def test_what_is_still_with_the_member_is_not_at_the_centre(world: World) -> None:
    a_request(world, a_centre(), at=NOW)
    assert kit_in_service(world.ana, NOW) == {}


def test_a_product_is_at_the_centre_late_or_on_its_way(world: World) -> None:
    ticket = a_request(world, a_centre(), at=NOW - 60 * DAY)
    record_event(ticket=ticket, kind=EventKind.SENT, actor=SYSTEM, at=NOW - 60 * DAY)
    assert where(ticket) == ("On its way", False)
    book_in(ticket=ticket, actor=Actor(user=world.staff), at=NOW - timedelta(hours=1))
    assert where(ticket) == ("At the centre", False)


def test_a_product_past_its_target_is_late_on_card_and_row(world: World, as_ana: Client) -> None:
    ticket = at_the_centre(world, a_centre(), at=NOW - 90 * DAY)
    assert where(ticket) == ("At the centre, late", True)
    for view in ("", "table"):
        html = kitbag(as_ana, view=view)
        assert 'data-tone="error"' in html and "At the centre, late" in html
    cards = kitbag(as_ana)
    section = cards[cards.index('id="group-centre"') :].split("</section>")[0]
    assert section.count("<article") == 1 and ticket.get_absolute_url() in section
    only = kitbag(as_ana, show="centre")
    assert only.count("<article") == 1


def test_the_kitbag_costs_the_same_queries_with_one_job_and_with_three(world: World, as_ana: Client) -> None:
    centre, counts = a_centre(), []
    for number in range(3):
        at_the_centre(world, centre, f"01234567890{number}", at=NOW - DAY)
        if number in (0, 2):
            as_ana.get("/kitbag/")
            with CaptureQueriesContext(connection) as queries:
                as_ana.get("/kitbag/")
            counts.append(len(queries))
    assert counts[0] == counts[1]
