"""Resale on a phone: released with a code, redeemed by another member; a removal undone. R26, R35."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from kitbag.enums import RegistrationState
from kitbag.models import Registration
from tests.world import World

PHONE = {"width": 390, "height": 844}


def test_a_product_changes_hands_and_another_comes_back(committed_world: World, visit: Callable[..., Page]) -> None:
    world = committed_world
    row = Registration.objects.get(member=world.ana, product=world.pro_body)
    seller = visit(world.ana.user, viewport=PHONE)
    seller.goto(row.get_absolute_url())
    seller.get_by_role("link", name="Hand it over").click()
    expect(seller.get_by_text("Your level will go from Gold to Silver.")).to_be_visible()
    seller.get_by_role("button", name="Make a code").click()
    code = seller.locator(".handover-code").inner_text()

    buyer = visit(world.ben.user, viewport=PHONE, java_script_enabled=False)
    buyer.goto("/kitbag/add/")
    buyer.get_by_role("link", name="Redeem it").click()
    buyer.get_by_label("Code").fill(code.lower().replace("-", " "))
    buyer.get_by_role("button", name="Continue").click()
    expect(buyer.get_by_text(row.serial)).to_be_visible()
    buyer.get_by_role("button", name="it’s mine now").click()
    expect(buyer.get_by_text("Fully registered")).to_be_visible()
    row.refresh_from_db()
    assert row.state == RegistrationState.TRANSFERRED

    lens = Registration.objects.get(member=world.ana, product=world.lens)
    seller.goto(f"/kitbag/{lens.pk}/remove/")
    seller.get_by_text("Added by mistake").click()
    seller.get_by_role("button", name="Remove", exact=True).click()
    seller.get_by_role("link", name="Put it back").click()
    seller.get_by_role("button", name="Put it back").click()
    expect(seller.get_by_text("is back, and it counts")).to_be_visible()
    lens.refresh_from_db()
    assert lens.state == RegistrationState.VALIDATED
