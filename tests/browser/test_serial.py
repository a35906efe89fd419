"""A wrong serial number on a phone: it is named, the suggestion is one tap, insisting continues (R29, R30)."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from kitbag.models import Registration
from tests.factories import draft
from tests.world import build_world

PHONE = {"width": 390, "height": 844}


def fill_rest(page: Page) -> None:
    page.locator("[name=store]").fill("Nairobi Cameras")
    page.locator("select[name=country]").select_option("KE")
    for part, value in [("day", "12"), ("month", "9"), ("year", "2025")]:
        page.locator(f"[name=purchased_on_{part}]").fill(value)


def submit(page: Page) -> None:
    page.get_by_role("button", name="Save and count").click()


def is_insisted(row: Registration) -> bool:
    row.refresh_from_db()
    return (row.state, row.serial_insisted, row.serial) == ("submitted", True, "84716")


@pytest.mark.django_db(transaction=True)
def test_a_wrong_number_is_corrected_with_a_tap_or_insisted_on(visit: Callable[..., Page]) -> None:
    world = build_world()
    row = draft(world.ben, world.body)
    page = visit(world.ben.user, viewport=PHONE)
    page.goto(f"/kitbag/{row.pk}/finish/")
    serial, note = page.locator("[name=serial]"), page.locator("#serial-note")
    serial.press_sequentially("UR0902", delay=10)
    expect(note).to_contain_text("date code")
    serial.fill("")
    serial.press_sequentially("O52O31000077", delay=10)
    expect(note).to_contain_text("Did you mean 052031000077?")
    note.get_by_role("button", name="Use").click()
    expect(serial).to_have_value("052031000077")
    expect(note).to_contain_text("Check it against the number on the product")
    serial.fill("")
    serial.press_sequentially("84716", delay=10)
    expect(note).to_contain_text("doesn’t look like")
    fill_rest(page)
    page.get_by_label("I’ve checked it, it’s right").check()
    submit(page)
    page.wait_for_url(f"**/kitbag/{row.pk}/")
    assert is_insisted(row)

    row = draft(world.chloe, world.body)
    page = visit(world.chloe.user, viewport=PHONE, java_script_enabled=False)
    page.goto(f"/kitbag/{row.pk}/finish/")
    fill_rest(page)
    page.locator("[name=serial]").fill("O52O31000077")
    submit(page)
    page.get_by_role("button", name="Use").click()
    expect(page.locator("[name=serial]")).to_have_value("052031000077")
    expect(page.locator("[name=store]")).to_have_value("Nairobi Cameras")
    page.locator("[name=serial]").fill("84716")
    submit(page)
    page.get_by_label("I’ve checked it, it’s right").check()
    submit(page)
    page.wait_for_url(f"**/kitbag/{row.pk}/")
    assert is_insisted(row)
