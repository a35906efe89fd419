"""The Welcome Pack on a phone: requested, checked, confirmed, followed; with and without JavaScript. R36, R37."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from members.enums import Programme, ServiceLevel
from members.models import CountryProgramme
from members.offers.actions.reference_data import load_offers
from members.offers.models import WelcomePack
from tests.world import SINCE, World

PHONE = {"width": 390, "height": 844}


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
def test_a_pack_is_requested_on_a_phone(committed_world: World, visit: Callable[..., Page], scripts: bool) -> None:
    load_offers()
    CountryProgramme.objects.create(
        country="AE", region="EMEA", kind=Programme.FREE, service_level=ServiceLevel.FULL, valid_from=SINCE
    )
    page = visit(committed_world.ana.user, viewport=PHONE, java_script_enabled=scripts)
    page.goto("/offers/welcome-pack/")
    page.get_by_label("Street address").fill("12 Corniche")
    page.get_by_label("Town or city").fill("Johannesburg")
    page.get_by_label("Country").select_option("AE")
    if not scripts:
        page.get_by_role("button", name="Show the form for this country").click()
    expect(page.get_by_label("Emirate")).to_be_visible()
    expect(page.get_by_label("Street address")).to_have_value("12 Corniche")
    page.get_by_label("Country").select_option("ZA")
    if not scripts:
        page.get_by_role("button", name="Show the form for this country").click()
    expect(page.get_by_label("Town or city")).to_have_value("Johannesburg")
    page.get_by_label("Postal code").fill("2092")
    page.get_by_label("Mobile number").fill("082 123 4567")
    page.get_by_label("Mobile number").press("Enter")
    expect(page.locator(".parcel-label")).to_contain_text("12 Corniche")
    page.get_by_role("button", name="Go back").click()
    expect(page.get_by_label("Town or city")).to_have_value("Johannesburg")
    page.get_by_role("button", name="Check the address").click()
    expect(page.get_by_role("button", name="Send my Welcome Pack")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.get_by_role("button", name="Send my Welcome Pack").click()
    expect(page.get_by_text("You requested it")).to_be_visible()
    assert WelcomePack.objects.get().phone == "+27821234567"
