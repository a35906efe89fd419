"""On a phone: a finished job with its report, the same fault again, and the history of the product (R63, R64)."""

from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import Page, expect

from servicing.actions.events import Actor, record_event
from servicing.actions.reports import write_report
from servicing.enums import EventKind
from servicing.models import Ticket
from tests.browser.looks import faults
from tests.servicing.jobs import HOUR, a_centre, at_the_centre, without_charge
from tests.world import World

PHONE = {"width": 390, "height": 844}


def test_the_same_fault_is_one_press_on_the_page_of_the_finished_job(
    committed_world: World, visit: Callable[..., Page]
) -> None:
    world, at = committed_world, timezone.now() - timedelta(days=9)
    desk = Actor(user=world.staff)
    ticket = without_charge(at_the_centre(world, a_centre(street="12 Long Street"), at=at), at + HOUR)
    write_report(
        ticket=ticket,
        done="Shutter unit replaced",
        notes="Firmware: 1.1.0, was 1.0.8",
        parts="Shutter unit",
        technician="Sipho",
        actor=desk,
        at=at + HOUR,
    )
    for hours, kind in enumerate([EventKind.REPAIR_STARTED, EventKind.READY, EventKind.SHIPPED, EventKind.CLOSED], 2):
        record_event(ticket=ticket, kind=kind, actor=desk, at=at + hours * HOUR)

    page = visit(world.ana.user, viewport=PHONE)
    page.goto(ticket.get_absolute_url())
    expect(page.get_by_role("heading", name="Service report")).to_be_visible()
    expect(page.get_by_text("Shutter unit replaced").first).to_be_visible()
    expect(page.get_by_text("The repair is covered until")).to_be_visible()
    assert faults(page) == []
    page.get_by_role("button", name="It’s the same fault").click()
    expect(page.get_by_text("It’s covered, and first in the queue")).to_be_visible()
    again = Ticket.objects.get(follows=ticket)
    page.goto(again.get_absolute_url())
    expect(page.get_by_text("Nobody: there’s no charge.")).to_be_visible()
    page.get_by_role("link", name=ticket.reference_in_groups).click()
    expect(page.get_by_text("You told us. It’s covered")).to_be_visible()

    assert ticket.registration
    page.goto(ticket.registration.get_absolute_url())
    expect(page.get_by_text("Shutter unit replaced")).to_be_visible()
    assert faults(page) == []
