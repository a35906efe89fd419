"""The Kitbag filters while somebody types, and says how many it found (R18)."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.factories import draft
from tests.world import build_world


def test_typing_filters_and_the_address_keeps_it(transactional_db: None, visit: Callable[..., Page]) -> None:
    world = build_world()
    draft(world.ana, world.body)
    draft(world.ana, world.pro_body)
    page = visit(world.ana.user)
    page.goto("/kitbag/")
    lens = page.get_by_role("link", name=world.lens.name)
    expect(lens.first).to_be_visible()
    box = page.get_by_label("Search your kit")
    box.press_sequentially(world.pro_body.name)
    expect(lens).to_have_count(0)
    expect(page.locator("#kit-number")).to_contain_text("found")
    expect(box).to_be_focused()
    expect(page).to_have_url(re.compile(r"q="))
    box.fill("")
    expect(lens.first).to_be_visible()
    page.get_by_label(f"Pick {world.body.name}").check()
    expect(page.locator("[data-picked]")).to_have_text(re.compile("1 picked"))


def test_the_order_and_the_view_keep_what_was_typed(transactional_db: None, visit: Callable[..., Page]) -> None:
    world = build_world()
    page = visit(world.ana.user)
    page.goto("/kitbag/")
    page.get_by_label("Search your kit").fill(world.lens.name)
    expect(page.get_by_role("link", name=world.pro_body.name)).to_have_count(0)
    expect(page.get_by_role("link", name="Table")).to_have_attribute("href", re.compile("q="))


def test_without_a_script_it_is_a_form(transactional_db: None, visit: Callable[..., Page]) -> None:
    world = build_world()
    page = visit(world.ana.user, java_script_enabled=False)
    page.goto("/kitbag/")
    page.get_by_label("Search your kit").fill(world.lens.name)
    page.get_by_label("Search your kit").press("Enter")
    expect(page.get_by_role("link", name=world.lens.name).first).to_be_visible()
    expect(page.get_by_role("link", name=world.pro_body.name)).to_have_count(0)
