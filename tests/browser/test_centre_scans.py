"""A clerk with a scanner, and no mouse: take in a parcel, ship two jobs in one box (R49, R54, R61)."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone
from playwright.sync_api import Page, expect

from servicing.actions.centres import load_carriers
from servicing.actions.events import Actor, record_event
from servicing.enums import EventKind, TicketState
from servicing.models import Loan, LoanUnit, Shipment, Ticket
from tests.browser.looks import WCAG, faults
from tests.servicing.jobs import a_centre
from tests.servicing.test_arrivals import request_of
from tests.servicing.test_desk import works_at
from tests.world import World

WIDTHS = (1440, 1024, 390)


def scan(page: Page, text: str) -> None:
    """As a scanner does it: the signs in a burst, then Enter."""
    page.keyboard.type(text)
    page.keyboard.press("Enter")


@pytest.mark.parametrize("has_script", [True, False])
def test_a_parcel_is_taken_in_and_sent_back_by_scans_and_keys(
    transactional_db: None,
    committed_world: World,
    groups: dict[str, Group],
    visit: Callable[..., Page],
    has_script: bool,
) -> None:
    world = committed_world
    load_carriers()
    centre = a_centre(street="1 Sample Street", postal_code="1685")
    clerk = works_at(centre, groups)
    first, second = request_of(world, centre, "012345678901", "012345678902")
    page = visit(clerk, java_script_enabled=has_script)

    page.goto("/admin/servicing/ticket/intake/")
    scan(page, first.parcel.reference)
    expect(page.locator("h1")).to_contain_text("2 products")
    scan(page, first.serial)
    expect(page.get_by_text("Serial matches")).to_have_count(1)
    scan(page, "012345678907")
    expect(page.get_by_text("1 character differs")).to_be_visible()
    page.locator(f"#id_t{second.pk}-scanned").fill(second.serial)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Serial matches")).to_have_count(2)
    page.get_by_role("button", name="Book in all 2").press("Enter")
    expect(page.locator("h1")).to_contain_text("Job sheet")
    assert {ticket.state for ticket in Ticket.objects.all()} == {TicketState.BOOKED_IN}

    actor = Actor(user=world.staff)
    for ticket in Ticket.objects.all():
        for kind in (EventKind.ASSESSED, EventKind.READY):
            record_event(ticket=ticket, kind=kind, actor=actor, at=timezone.now())
    page.goto("/admin/servicing/ticket/ship/")
    for ticket in (first, second):
        scan(page, ticket.reference)
        expect(page.locator("label[for=id_scan]")).to_contain_text(ticket.reference_in_groups)
        expect(page.locator("#id_scan")).to_be_focused()
        scan(page, "JD0146 0000 2201")
        expect(page.locator("label[for=id_scan]")).to_contain_text("a job sheet")
    expect(page.get_by_text("Same box", exact=True)).to_be_visible()
    page.get_by_role("button", name="Ship 2 packed jobs").press("Enter")
    expect(page.get_by_text("2 jobs left in 1 box.")).to_be_visible()
    assert Shipment.objects.to_customer().count() == 1


def test_no_page_of_the_centre_is_too_wide_or_has_a_violation(
    transactional_db: None, committed_world: World, groups: dict[str, Group], visit: Callable[..., Page]
) -> None:
    world = committed_world
    centre = a_centre(street="1 Sample Street", postal_code="1685")
    clerk = works_at(centre, groups)
    first, second = request_of(world, centre, "012345678901", "012345678902")
    for kind in (EventKind.BOOKED_IN, EventKind.ASSESSED, EventKind.READY):
        record_event(ticket=second, kind=kind, actor=Actor(user=world.staff), at=timezone.now())
    unit = LoanUnit.objects.create(centre=centre, product=world.pro_body, serial="LN-0001")
    now = timezone.now()
    loan = Loan.objects.create(
        unit=unit, ticket=second, member=world.ana, state="reserved", reserved_at=now, agreed_at=now
    )
    addresses = [
        "intake/",
        f"intake/{first.parcel_id}/?scanned={first.pk}",
        "intake/open/",
        f"print/?t={first.pk}&t={second.pk}",
        f"ship/?now={second.pk}",
        f"{second.pk}/return/",
        f"../loan/desk/?loan={loan.pk}",
    ]
    page = visit(clerk)
    found = {}
    for address in addresses:
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(f"/admin/servicing/ticket/{address}")
            found[address, width] = faults(page, WCAG)
    assert {where: what for where, what in found.items() if what} == {}
