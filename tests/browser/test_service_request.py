"""A service requested on a phone: Gold with Fast Track; Red at standard speed, without JavaScript (R43, R49)."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from django.utils import timezone
from PIL import Image
from playwright.sync_api import Page, expect

from servicing.models import Ticket, TicketFile
from tests.browser.looks import faults
from tests.factories import validated
from tests.servicing.jobs import a_centre
from tests.world import World

PHONE = {"width": 390, "height": 844}


def test_a_gold_member_requests_a_repair_with_a_photo_and_marks_it_as_sent(
    committed_world: World, visit: Callable[..., Page], tmp_path: Path
) -> None:
    world = committed_world
    a_centre(street="1 Sample Street", postal_code="1685", collects=True)
    registration = validated(world.ana, world.pro_body, "012345678701")
    photo = tmp_path / "fault.jpg"
    Image.new("RGB", (40, 30), "navy").save(photo)
    page = visit(world.ana.user, viewport=PHONE)
    page.goto(f"/kitbag/{registration.pk}/")
    expect(page.get_by_text("Free return shipping for a chargeable repair")).to_be_visible()
    assert faults(page) == []
    page.get_by_role("link", name="Book a service").click()
    assert faults(page) == []
    page.get_by_label("What happens?").fill("Shutter sticks")
    page.locator(f"[name=p{registration.pk}_photos]").set_input_files(photo)
    expect(page.locator(f"[name=p{registration.pk}_photos_keys]")).to_have_count(1)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("3 working days")).to_be_visible()
    assert faults(page) == []
    page.get_by_label("Centre joburg").check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("A courier picks it up").check()
    page.get_by_label("Day of collection").fill(str(timezone.localdate() + timedelta(days=2)))
    page.get_by_label("Country").select_option("TR")
    expect(page.get_by_label("Province")).to_be_visible()
    page.get_by_label("Country").select_option("ZA")
    expect(page.get_by_label("Province")).to_have_count(0)
    page.get_by_label("Street address").fill("14 Sixth Street")
    page.get_by_label("Town or city").fill("Johannesburg")
    page.get_by_label("Postal code", exact=True).fill("2092")
    page.get_by_label("Phone").fill("082 000 0146")
    page.get_by_label("Yes, keep one ready").check()
    assert faults(page) == []
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("Shutter sticks")).to_be_visible()
    expect(page.get_by_text("14 Sixth Street")).to_be_visible()
    expect(page.get_by_text("1 photo")).to_be_visible()
    assert faults(page) == []
    page.get_by_role("button", name="Send the request").click()
    expect(page.get_by_role("heading", name="Booked. Now pack it.")).to_be_visible()
    assert faults(page) == []
    ticket = Ticket.objects.get()
    expect(page.get_by_text(ticket.reference_in_groups)).to_be_visible()
    assert (ticket.place, TicketFile.objects.count()) == (1, 1)
    page.get_by_label("Tracking number").fill("AB1")
    page.get_by_role("button", name="It’s on its way").click()
    expect(page.get_by_text("On its way. We’ll tell you when it’s booked in.")).to_be_visible()
    page.goto(f"/kitbag/{registration.pk}/remove/")
    expect(page.get_by_text("It’s in for service. You can do this when it’s back.")).to_be_visible()


def test_a_red_member_without_javascript_reads_why_it_is_standard_and_how_to_change_it(
    committed_world: World, visit: Callable[..., Page]
) -> None:
    world = committed_world
    a_centre(country="KE")
    registration = validated(world.ben, world.body, "012345678701")
    page = visit(world.ben.user, viewport=PHONE, java_script_enabled=False)
    page.goto(f"/kitbag/{registration.pk}/")
    page.get_by_role("link", name="What you get at which centre").click()
    expect(page.get_by_text("A higher level gives you Fast Track there.")).to_be_visible()
    page.get_by_role("link", name="All centres").click()
    expect(page.get_by_text("standard speed").first).to_be_visible()
    page.get_by_role("link", name="Send it here").click()
    page.get_by_label("What happens?").fill("Shutter sticks")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Back").click()
    expect(page.get_by_label("What happens?")).to_have_value("Shutter sticks")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_label("Centre joburg")).to_be_checked()
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("I’ll collect it").check()
    page.get_by_label("Phone").fill("+254 712 123456")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Send the request").click()
    expect(page.get_by_role("heading", name="Booked. Now bring it.")).to_be_visible()
    ticket = Ticket.objects.get()
    assert (ticket.track, ticket.place, ticket.why_standard[0]) == ("standard", None, "level")
