"""On a phone: one job from door to door, and the same fault again (R48, R53, R61 to R63)."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from django.utils import timezone
from playwright.sync_api import Page, expect

from members.enums import Level
from members.models import Member
from servicing.actions import loans, shipping
from servicing.actions.estimates import Line, send_estimate
from servicing.actions.events import Actor, record_event
from servicing.actions.parts import order_part, receive_part
from servicing.actions.tickets import book_in, close
from servicing.enums import EventKind, LineKind, TicketState
from servicing.models import Loan, LoanUnit, Part, Ticket
from tests.browser.looks import faults
from tests.factories import validated
from tests.servicing.jobs import a_centre
from tests.world import World

PHONE = {"width": 390, "height": 844}
LINES = [
    Line("Shutter unit", Decimal(1), Decimal("4200.00"), Decimal(15), kind=LineKind.PART),
    Line("Cleaning", Decimal(1), Decimal("1000.00"), Decimal(15), kind=LineKind.MAINTENANCE),
]


def _request_with_collection_and_loan(page: Page, product: int) -> None:
    page.goto(f"/kitbag/{product}/")
    page.get_by_role("link", name="Book a service").click()
    page.get_by_label("What happens?").fill("Shutter sticks")
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Centre joburg").check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("A courier picks it up").check()
    page.get_by_label("Day of collection").fill(str(timezone.localdate() + timedelta(days=2)))
    page.get_by_label("Street address").fill("14 Sixth Street")
    page.get_by_label("Town or city").fill("Johannesburg")
    page.get_by_label("Postal code", exact=True).fill("2092")
    page.get_by_label("Phone").fill("082 000 0146")
    page.get_by_label("Yes, keep one ready").check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Send the request").click()
    page.wait_for_url(lambda address: "/new/" not in address)  # the last step shows the address, too
    expect(page.get_by_text("14 Sixth Street").first).to_be_visible()
    assert faults(page) == []


def _approve_the_estimate_with_its_discount(page: Page, ticket: Ticket, desk: Actor) -> None:
    at = timezone.now()
    book_in(ticket=ticket, actor=desk, at=at)
    record_event(ticket=ticket, kind=EventKind.ASSESSED, actor=desk, at=at)
    day = (at + timedelta(days=7)).date()
    send_estimate(ticket=ticket, lines=LINES, currency="ZAR", valid_until=day, actor=desk, at=at)
    page.goto(ticket.get_absolute_url())
    expect(page.get_by_text("Who has it")).to_be_visible()
    expect(page.get_by_text("150.00").first).to_be_visible()  # 15 percent of the cleaning, as a line of its own
    assert faults(page) == []
    page.get_by_role("button", name="Approve ZAR 5,807.50").click()
    expect(page.get_by_text("Approved. The clock is running again.")).to_be_visible()


def _borrow_because_a_part_is_late(page: Page, ticket: Ticket, desk: Actor) -> None:
    day = (timezone.now() + timedelta(days=30)).date()
    order_part(ticket=ticket, name="Shutter unit", expected_on=day, actor=desk, at=timezone.now())
    page.goto(ticket.get_absolute_url())
    expect(page.get_by_text("We’re waiting for: Shutter unit")).to_be_visible()
    assert faults(page) == []
    page.get_by_role("button", name="Borrow it").click()
    page.get_by_label("I’ve read this and accept it.").check()
    page.get_by_role("button", name="Accept the agreement").click()
    expect(page.get_by_text("Pick it up at the centre")).to_be_visible()
    loans.hand_out(loan=Loan.objects.get(ticket=ticket), condition="Like new", actor=desk, at=timezone.now())
    page.goto(ticket.get_absolute_url())
    expect(page.get_by_text("working days after yours is back.")).to_be_visible()
    assert faults(page) == []


def _have_it_back(page: Page, ticket: Ticket, desk: Actor) -> None:
    at = timezone.now()
    receive_part(part=Part.objects.get(ticket=ticket), actor=desk, at=at)
    for kind in (EventKind.REPAIR_STARTED, EventKind.READY):
        record_event(ticket=ticket, kind=kind, actor=desk, at=at)
    shipping.ship(ticket=ticket, actor=desk, at=at, tracking=shipping.Tracking("Post", "AB1", "https://post.example/1"))
    page.goto(ticket.get_absolute_url())
    expect(page.get_by_role("heading", name="Service centre")).to_be_visible()
    page.get_by_role("button", name="I have it back").click()
    expect(page.get_by_role("button", name="I have it back")).to_have_count(0)
    assert faults(page) == []
    loan = Loan.objects.get(ticket=ticket)
    assert loan.due_back, "two working days after the delivery"
    loans.take_back(loan=loan, condition="As it went out", actor=desk, at=timezone.now())
    close(ticket=ticket, actor=desk, at=timezone.now())
    page.goto(ticket.get_absolute_url())
    expect(page.get_by_text("Who has it")).to_have_count(0)
    expect(page.get_by_text("The repair is covered until")).to_be_visible()
    assert faults(page) == []


def _same_fault_again(page: Page, ticket: Ticket, desk: Actor) -> None:
    page.get_by_role("button", name="It’s the same fault").click()
    expect(page.get_by_text("It’s covered, and first in the queue")).to_be_visible()
    again = Ticket.objects.get(follows=ticket)
    at = timezone.now()
    book_in(ticket=again, actor=desk, at=at)
    for kind in (EventKind.ASSESSED, EventKind.REPAIR_STARTED):
        record_event(ticket=again, kind=kind, actor=desk, at=at)
    page.goto(again.get_absolute_url())
    expect(page.get_by_text("Nobody: there’s no charge.")).to_be_visible()
    assert faults(page) == []
    again.refresh_from_db()
    assert (again.state, again.place, again.estimates.count()) == (TicketState.IN_REPAIR, None, 0)


def test_a_job_from_door_to_door_and_the_same_fault_again(committed_world: World, visit: Callable[..., Page]) -> None:
    """Collection and loan asked for, discount, late part, loan out and back, delivered; then covered."""
    world = committed_world
    Member.objects.filter(pk=world.ana.pk).update(level=Level.GOLD)
    centre = a_centre(street="1 Sample Street", postal_code="1685", collects=True)
    LoanUnit.objects.create(centre=centre, product=world.pro_body, serial="L1", condition="Like new")
    registration = validated(world.ana, world.pro_body, "012345678701")
    desk, page = Actor(user=world.staff), visit(world.ana.user, viewport=PHONE)
    _request_with_collection_and_loan(page, registration.pk)
    ticket = Ticket.objects.get()
    assert (ticket.parcel.travel, ticket.loan_wanted) == ("collection", True)
    _approve_the_estimate_with_its_discount(page, ticket, desk)
    _borrow_because_a_part_is_late(page, ticket, desk)
    _have_it_back(page, ticket, desk)
    _same_fault_again(page, ticket, desk)
