"""A whole job at a centre in at most twelve clicks, from the scan of its parcel to its end (R52, R54)."""

from collections.abc import Callable

from django.contrib.auth.models import Group
from django.utils import timezone
from playwright.sync_api import Page, expect

from members.addresses import Address
from servicing.actions.estimates import approve_estimate
from servicing.actions.events import Actor
from servicing.actions.shipping import ReturnTo
from servicing.enums import TicketState
from servicing.models import Ticket
from tests.browser.looks import faults
from tests.servicing.jobs import a_centre, a_request
from tests.servicing.test_desk import works_at
from tests.world import World

MAX_CLICKS = 12
BENCH = {"width": 1024, "height": 768}
HOME = Address(
    name="Ana", country="ZA", street="1 Long Street", city="Cape Town", postal_code="8001", phone="+27210000000"
)
# Every press of a button, a link or a field with the mouse or a finger, on whatever page of the tab.
COUNT_CLICKS = """
addEventListener("pointerdown", () => {
  sessionStorage.clicks = Number(sessionStorage.clicks || 0) + 1;
}, true);
"""


def scan(page: Page, code: str) -> None:
    """As a scanner does: all signs at once, and Enter."""
    page.wait_for_load_state()
    page.keyboard.type(code)
    page.keyboard.press("Enter")


def type_fields(page: Page, *texts: str) -> None:
    """Type into one field after the other by keyboard; "" leaves a field as it is filled in."""
    for text in texts:
        page.keyboard.type(text)
        page.keyboard.press("Tab")


def do(page: Page, button: str) -> None:
    """Press the proposed step."""
    page.locator(".btn--go", has_text=button).click()


def test_a_whole_job_takes_at_most_twelve_clicks(
    committed_world: World, groups: dict[str, Group], visit: Callable[..., Page]
) -> None:
    world = committed_world
    centre = a_centre(tax_percent=15, street="12 Long Street")
    clerk = works_at(centre, groups)
    ticket = a_request(world, centre, at=timezone.now(), returns=ReturnTo(address=HOME))
    page = visit(clerk, viewport=BENCH)
    page.add_init_script(COUNT_CLICKS)
    page.goto("/admin/servicing/ticket/board/")
    scan(page, ticket.reference)
    expect(page.get_by_role("heading", name="Next: book it in")).to_be_visible()
    do(page, "Book it in")
    do(page, "Assessed")

    do(page, "Write the estimate")
    expect(page.get_by_label("What 1", exact=True)).to_be_focused()
    type_fields(page, "Labour", "", "", "900", "", "", "Shutter unit", "Part", "", "6450")
    expect(page.get_by_label("What the customer reads").get_by_text("ZAR 8,452.50").first).to_be_visible()
    assert faults(page) == []
    do(page, "Send, pause the clock")
    expect(page.get_by_role("heading", name="The customer is looking at the estimate")).to_be_visible()
    assert faults(page) == []
    approve_estimate(estimate=ticket.estimates.get(), actor=Actor(user=world.ana.user), at=timezone.now())

    scan(page, ticket.reference)
    expect(page.get_by_label("Part", exact=True)).to_have_value("Shutter unit")
    do(page, "Order a part")
    do(page, "Part arrived, start the work")
    do(page, "Ready to ship")
    page.get_by_label("Tracking number").click()
    scan(page, "ZA123456789")
    do(page, "Shipped")
    do(page, "Close: the customer has it")
    expect(page.locator(".btn--go")).to_have_count(0)

    ticket = Ticket.objects.get(pk=ticket.pk)
    assert ticket.state == TicketState.CLOSED
    assert (ticket.technician, ticket.shipments.get().number) == (clerk, "ZA123456789")
    assert ticket.estimates.get().net == 7350
    clicks = int(page.evaluate("sessionStorage.clicks"))
    assert 8 <= clicks <= MAX_CLICKS
    page.goto("/admin/servicing/ticket/numbers/")
    assert faults(page) == []
