"""A Gold member's late repair on a phone: estimate approved, delay explained, loan offered (R47, R48, R52)."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from django.utils import timezone
from playwright.sync_api import Page, expect

from servicing.actions import loans, shipping, targets
from servicing.actions.estimates import Line, send_estimate
from servicing.actions.events import Actor, record_event
from servicing.actions.messages import write_message
from servicing.actions.parts import order_part
from servicing.enums import EventKind, TicketState
from servicing.models import Loan, LoanUnit
from tests.browser.looks import faults
from tests.servicing.jobs import a_centre, at_the_centre
from tests.world import World

PHONE = {"width": 390, "height": 844}
LOOK_AGAIN = "document.dispatchEvent(new Event('visibilitychange'))"
SETTLED = "new Promise(settled => document.addEventListener('htmx:afterSettle', settled, {once: true}))"


def look_again(page: Page) -> None:
    """Return to the page, so that it refreshes, and wait until htmx has settled: a new part polls only then."""
    page.evaluate(f"(() => {{ const settled = {SETTLED}; {LOOK_AGAIN}; return settled.then(() => true); }})()")


def test_a_gold_member_approves_an_estimate_and_is_notified_of_the_delay(
    committed_world: World, visit: Callable[..., Page]
) -> None:
    world, now = committed_world, timezone.now()
    desk = Actor(user=world.staff)
    centre = a_centre(country="KE")
    LoanUnit.objects.create(centre=centre, product=world.pro_body, serial="L1", condition="Like new")
    ticket = at_the_centre(world, centre, at=now - timedelta(days=12))
    line = Line("Shutter unit", Decimal(1), Decimal("3200.00"), Decimal(15))
    day = (now + timedelta(days=7)).date()
    sent_at = now - timedelta(days=5)
    send_estimate(ticket=ticket, lines=[line], currency="ZAR", valid_until=day, actor=desk, at=sent_at)

    page = visit(world.ana.user, viewport=PHONE)
    page.goto("/dashboard/")
    page.get_by_role("link", name=ticket.product.name, exact=True).click()
    expect(page.get_by_text("Past its target")).to_be_visible()
    assert faults(page) == []
    page.get_by_role("link", name="Your estimate is ready").click()
    expect(page.get_by_text("If you decline, we send it back to you unrepaired")).to_be_visible()
    page.get_by_role("button", name="Approve ZAR 3,680.00").click()
    expect(page.get_by_text("Approved. The clock is running again.")).to_be_visible()

    page.get_by_label("Write to the centre").fill("Half a thought")
    assert targets.flag_overdue(at=timezone.now()) == 1
    order_part(ticket=ticket, name="Shutter unit", expected_on=day, actor=desk, at=timezone.now())
    write_message(ticket=ticket, text="It comes from Japan.", actor=desk, at=timezone.now())
    look_again(page)
    expect(page.get_by_text("We’re waiting for: Shutter unit")).to_be_visible()
    expect(page.get_by_text("New date")).to_be_visible()
    expect(page.get_by_text("It comes from Japan.")).to_be_visible()
    expect(page.get_by_role("heading", name="Borrow one until it’s back")).to_be_visible()
    expect(page.get_by_label("Write to the centre")).to_have_value("Half a thought")
    assert faults(page) == []

    page.goto("/service/")
    expect(page.get_by_text("1 of 3 places")).to_be_visible()
    assert faults(page) == []

    page.goto(ticket.get_absolute_url())
    page.get_by_role("button", name="Borrow it").click()
    expect(page.get_by_role("heading", name="Loan agreement")).to_be_visible()
    assert faults(page) == []
    page.get_by_label("I’ve read this and accept it.").check()
    page.get_by_role("button", name="Accept the agreement").click()
    expect(page.get_by_text("Pick it up at the centre")).to_be_visible()
    loans.hand_out(loan=Loan.objects.get(ticket=ticket), condition="Like new", actor=desk, at=timezone.now())
    page.goto(ticket.get_absolute_url())
    expect(page.get_by_text("working days after yours is back.")).to_be_visible()
    page.get_by_label("Write to the centre").fill("Thank you")
    page.get_by_role("button", name="Send to the centre").click()
    expect(page.get_by_text("Sent to the centre.")).to_be_visible()
    later = timezone.now()
    record_event(ticket=ticket, kind=EventKind.REPAIR_STARTED, actor=desk, at=later)
    record_event(ticket=ticket, kind=EventKind.READY, actor=desk, at=later)
    address = "https://post.example/t/AB1"
    shipping.ship(ticket=ticket, actor=desk, at=later, tracking=shipping.Tracking("Post", "AB1", address))
    look_again(page)
    expect(page.get_by_role("region", name="Parcels").get_by_role("link", name="Track the parcel")).to_have_attribute(
        "href", address
    )

    page.context.clear_cookies()
    page.evaluate(LOOK_AGAIN)
    expect(page.get_by_label("Password")).to_be_visible()  # the whole page leads to signing in, and back (R71)
    assert page.url.endswith(f"?next={ticket.get_absolute_url()}")


def test_without_javascript_an_estimate_is_declined_and_a_message_sent(
    committed_world: World, visit: Callable[..., Page]
) -> None:
    world, now = committed_world, timezone.now()
    desk = Actor(user=world.staff)
    ticket = at_the_centre(world, a_centre(country="KE"), at=now - timedelta(days=1))
    line = Line("Shutter unit", Decimal(1), Decimal("3200.00"))
    day = (now + timedelta(days=7)).date()
    send_estimate(ticket=ticket, lines=[line], currency="ZAR", valid_until=day, actor=desk, at=now)
    page = visit(world.ana.user, viewport=PHONE, java_script_enabled=False)
    page.goto(ticket.get_absolute_url())
    page.get_by_role("button", name="Decline, send it back unrepaired").click()
    expect(page.get_by_text("The centre will send it back to you unrepaired.")).to_be_visible()
    page.get_by_label("Write to the centre").fill("Please pack it well")
    page.get_by_role("button", name="Send to the centre").click()
    expect(page.get_by_text("Please pack it well")).to_be_visible()
    ticket.refresh_from_db()
    assert ticket.state == TicketState.DECLINED
