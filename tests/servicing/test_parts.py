"""Parts do not pause the clock, and a date after the target has consequences at once (R47, R48)."""

from datetime import date, timedelta

import pytest

from cps_portal.core.lib.errors import Refusal
from members.models import Notice
from servicing.actions.events import Actor
from servicing.actions.parts import expect_part, order_part, receive_part
from servicing.enums import EventKind, TicketState
from servicing.models import ServiceCentre, Ticket, TicketEvent
from servicing.queries.clock import get_clock
from servicing.rules.clock import SummaryKind, expected_ready_on, summarize_clock
from tests.rows import each_row
from tests.servicing.jobs import HOUR, MONDAY, a_centre, at_the_centre, without_charge
from tests.world import World

pytestmark = pytest.mark.django_db
AT = MONDAY + 2 * HOUR
IN_TIME, FRIDAY, NEXT_FRIDAY = date(2026, 3, 4), date(2026, 3, 6), date(2026, 3, 13)  # due on Thursday 5 March


@pytest.fixture
def centre(world: World) -> ServiceCentre:
    return a_centre()


@pytest.fixture
def desk(world: World) -> Actor:
    return Actor(user=world.staff)


@pytest.fixture
def ticket(world: World, centre: ServiceCentre) -> Ticket:
    return without_charge(at_the_centre(world, centre))


def offers(ticket: Ticket) -> int:
    return TicketEvent.objects.filter(ticket=ticket, kind=EventKind.LOAN_OFFERED).count()


def notices(world: World) -> list[str]:
    return [row.params["kind"] for row in Notice.objects.filter(member=world.ana, code="ticket").order_by("pk")]


def test_waiting_for_a_part_does_not_pause_the_clock(ticket: Ticket, desk: Actor) -> None:
    before = ticket.due_at
    order_part(ticket=ticket, name="Shutter unit", expected_on=IN_TIME, actor=desk, at=AT)
    ticket.refresh_from_db()
    assert (ticket.state, ticket.due_at, ticket.paused) == (TicketState.WAITING_PARTS, before, False)
    assert (ticket.expected_on, offers(ticket)) == (IN_TIME, 0)


def test_a_late_part_brings_a_notice_a_new_date_and_a_loan_offer_at_once(
    world: World, centre: ServiceCentre, ticket: Ticket, desk: Actor
) -> None:
    part = order_part(ticket=ticket, name="Shutter unit", expected_on=IN_TIME, actor=desk, at=AT)
    expect_part(part=part, expected_on=FRIDAY, actor=desk, at=AT + HOUR)
    clock = get_clock(ticket, AT + HOUR)
    assert clock.will_be_missed and not clock.missed
    assert expected_ready_on(clock, centre.calendar, FRIDAY) == date(2026, 3, 9)  # the Monday after the Friday
    assert expected_ready_on(clock, centre.calendar, date(2026, 3, 7)) is None  # it should have come
    assert notices(world)[-2:] == ["part_late", "loan_offered"]
    assert offers(ticket) == 1
    expect_part(part=part, expected_on=NEXT_FRIDAY, actor=desk, at=AT + 2 * HOUR)
    assert offers(ticket) == 1


def test_an_order_with_a_late_date_does_too_until_the_part_arrives(world: World, ticket: Ticket, desk: Actor) -> None:
    part = order_part(ticket=ticket, name="Shutter unit", expected_on=FRIDAY, actor=desk, at=AT)
    assert notices(world)[-2:] == ["part_late", "loan_offered"]
    receive_part(part=part, actor=desk, at=AT + HOUR)
    ticket.refresh_from_db()
    assert ticket.expected_on is None and not get_clock(ticket, AT + HOUR).will_be_missed
    with pytest.raises(Refusal, match="there already"):
        receive_part(part=part, actor=desk, at=AT + 2 * HOUR)
    with pytest.raises(Refusal, match="there already"):
        expect_part(part=part, expected_on=FRIDAY, actor=desk, at=AT + 2 * HOUR)


def test_without_the_benefit_a_late_part_brings_no_loan_offer(world: World, centre: ServiceCentre, desk: Actor) -> None:
    ticket = without_charge(at_the_centre(world, centre, "012345678909"))
    Ticket.objects.filter(pk=ticket.pk).update(loan_possible=False)
    order_part(ticket=ticket, name="Shutter unit", expected_on=NEXT_FRIDAY, actor=desk, at=AT)
    assert (notices(world)[-1], offers(ticket)) == ("part_late", 0)


@each_row(
    ("name", "day", "field"),
    [
        ("", None, "name"),
        ("x" * 121, None, "name"),
        ("Part", date(2026, 3, 1), "expected_on"),
        ("Part", date(2029, 1, 1), "expected_on"),
    ],
)
def test_invalid_parts_are_refused_beside_their_field(
    ticket: Ticket, desk: Actor, name: str, day: date | None, field: str
) -> None:
    with pytest.raises(Refusal) as refusal:
        order_part(ticket=ticket, name=name, expected_on=day, actor=desk, at=AT)
    assert refusal.value.field == field


def test_the_summary_counts_down_and_then_shows_how_late(ticket: Ticket) -> None:
    summaries = [
        summarize_clock(get_clock(ticket, MONDAY + timedelta(days=days, hours=hours)), 3)
        for days, hours in ((0, 0), (1, 4), (3, -2), (3, 1), (7, 0))
    ]
    assert [(summary.tone, summary.kind, summary.number) for summary in summaries] == [
        ("on", SummaryKind.DAYS_LEFT, 3),
        ("on", SummaryKind.DAYS_LEFT, 2),
        ("due", SummaryKind.HOURS_LEFT, 2),
        ("late", SummaryKind.LATE_TODAY, 0),
        ("late", SummaryKind.DAYS_LATE, 2),
    ]
    assert summaries[1].elapsed == "97 3 50 300"
    assert summaries[1].hand == (60.0, 106.0)
    assert summaries[4].elapsed == "97 3 97 3 97 300"
