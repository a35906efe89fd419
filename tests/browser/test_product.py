"""The page of a product loads rarely opened forms when they are opened; without scripts they are pages (R25, R26)."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect

from kitbag.enums import Stage
from kitbag.models import OwnerDetails, Product, Registration
from tests.browser.looks import faults
from tests.factories import validated
from tests.world import World


@pytest.fixture
def row(committed_world: World) -> Registration:
    return validated(committed_world.ana, committed_world.body, "012345678901")


@pytest.mark.parametrize("scripts", [True, False])
def test_the_price_is_typed_where_it_is_opened_or_on_a_page(
    row: Registration, visit: Callable[..., Page], scripts: bool
) -> None:
    page = visit(row.member.user, viewport={"width": 390, "height": 844}, java_script_enabled=scripts)
    page.goto(row.get_absolute_url())
    page.get_by_text("Add what you paid").click()
    if not scripts:
        page.get_by_role("link", name="What you paid for it").click()
        expect(page.get_by_role("heading", level=1, name="What you paid for it")).to_be_visible()
    page.get_by_label("Price paid").fill("84,995.50")
    if scripts:
        assert faults(page) == []
    page.get_by_role("button", name="Save the price").click()
    expect(page.get_by_text("The price is saved. Only you can see it.")).to_be_visible()
    assert OwnerDetails.objects.get().price == Decimal("84995.50")


@pytest.mark.parametrize("scripts", [True, False])
def test_older_kit_is_loaded_when_it_is_opened(row: Registration, visit: Callable[..., Page], scripts: bool) -> None:
    Product.objects.filter(pk=row.product_id).update(stage=Stage.SUPERSEDED)
    page = visit(row.member.user, viewport={"width": 390, "height": 844}, java_script_enabled=scripts)
    page.goto("/kitbag/")
    expect(page.get_by_role("link", name="EOS R Test")).to_have_count(0)
    page.locator("details.fold > summary").click()
    if not scripts:
        page.get_by_role("link", name="Show older kit").click()
    expect(page.get_by_role("link", name="EOS R Test").first).to_be_visible()
    expect(page.get_by_role("link", name="Show older kit")).to_have_count(0)
    if scripts:
        assert faults(page) == []


def test_a_photo_is_chosen_where_it_is_opened(row: Registration, visit: Callable[..., Page]) -> None:
    page = visit(row.member.user, viewport={"width": 1440, "height": 900})
    page.goto(row.get_absolute_url())
    page.get_by_text("Show a photo of your own").click()
    expect(page.get_by_label("A photo of it")).to_be_visible()
    assert faults(page) == []


@pytest.mark.parametrize("scripts", [True, False])
def test_removing_asks_in_a_dialog_with_its_cost_or_on_a_page(
    row: Registration, visit: Callable[..., Page], scripts: bool
) -> None:
    page = visit(row.member.user, viewport={"width": 390, "height": 844}, java_script_enabled=scripts)
    page.goto(row.get_absolute_url())
    heading = page.get_by_role("heading", name="Remove EOS R Test?")
    if scripts:
        page.get_by_role("link", name="Remove from Kitbag").click()
        expect(page.get_by_role("dialog")).to_contain_text("Your total will go from 1,300 to 1,000 points.")
        page.get_by_role("button", name="Keep it").click()
        expect(heading).to_be_hidden()
    page.get_by_role("link", name="Remove from Kitbag").click()
    expect(heading).to_be_visible()
    if scripts:
        assert faults(page) == []
    page.get_by_text("Sold or given away").click()
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_text("is removed from your Kitbag")).to_be_visible()
    row.refresh_from_db()
    assert not row.is_live
