"""Picking drafts in the Kitbag and finishing them on one sheet, by keyboard and mouse (R17, R29)."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from kitbag.enums import RegistrationState
from kitbag.models import Registration
from tests.factories import draft
from tests.world import build_world


def test_two_drafts_are_finished_on_one_sheet(transactional_db: None, visit: Callable[..., Page]) -> None:
    world = build_world()
    rows = [draft(world.ana, world.body), draft(world.ana, world.pro_body)]
    page = visit(world.ana.user)
    page.goto("/kitbag/")
    expect(page.locator(".pick-bar")).to_be_hidden()
    page.get_by_label(f"Pick {world.body.name}").check()
    page.get_by_label(f"Pick {world.pro_body.name}").press("Space")
    expect(page.locator("[data-picked]")).to_have_text("2 picked, 800 points waiting")
    page.get_by_role("button", name="Finish together").click()
    page.get_by_label("Store", exact=True).fill("Rosebank Camera Co.")
    page.get_by_label("Country of purchase").select_option("ZA")
    for part, value in (("Day", "12"), ("Month", "9"), ("Year", "2023")):
        page.get_by_label(part, exact=True).fill(value)
    first = page.locator(f"#id_r{rows[0].pk}-serial")
    first.press_sequentially("4549292208931")
    expect(page.locator(f"#note-{rows[0].pk}")).to_contain_text("That’s the bar code of the box.")
    first.fill("052031000077")
    expect(page.locator(f"#note-{rows[0].pk}")).to_contain_text("Looks right for this product.")
    page.locator(f"#id_r{rows[1].pk}-serial").press_sequentially("063041000088")
    page.locator(f"#id_r{rows[1].pk}-serial").press("Enter")
    expect(page.get_by_text("2 products are being checked.")).to_be_visible()
    states = set(Registration.objects.filter(pk__in=[row.pk for row in rows]).values_list("state", flat=True))
    assert states == {RegistrationState.SUBMITTED}
