"""A date before the release is insisted on with a tap; help is searched while typing (R57, R66)."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looks import faults
from tests.factories import draft
from tests.world import build_world

PHONE = {"width": 390, "height": 844}


@pytest.mark.django_db(transaction=True)
def test_a_date_before_the_release_is_named_and_insisted_on(visit: Callable[..., Page]) -> None:
    world = build_world()
    row = draft(world.ben, world.body)
    page = visit(world.ben.user, viewport=PHONE)
    page.goto(f"/kitbag/{row.pk}/finish/")
    page.locator("[name=serial]").fill("052031000077")
    page.locator("[name=store]").fill("Nairobi Cameras")
    page.locator("select[name=country]").select_option("KE")
    for part, value in [("day", "1"), ("month", "3"), ("year", "2019")]:
        page.locator(f"[name=purchased_on_{part}]").fill(value)
    page.get_by_role("button", name="Save and count").click()
    expect(page.locator("#finish")).to_contain_text("came out in 2022. Check the year.")
    assert faults(page) == []
    page.get_by_label("I’ve checked the date, it’s right").check()
    page.get_by_role("button", name="Save and count").click()
    expect(page.locator("main")).to_contain_text("is being checked")
    row.refresh_from_db()
    assert (row.state, row.date_insisted) == ("submitted", True)


@pytest.mark.django_db(transaction=True)
def test_help_is_searched_while_typing(visit: Callable[..., Page]) -> None:
    world = build_world()
    page = visit(world.ben.user, viewport=PHONE)
    page.goto("/help/")
    page.get_by_label("Search help").press_sequentially("blue dot", delay=10)
    answers = page.locator("#answers")
    expect(answers).to_contain_text("for “blue dot”")
    expect(answers.locator("details").first).to_have_attribute("open", "")
    assert faults(page) == []
    page.get_by_role("link", name="All questions").click()
    expect(page.locator("#fast-title")).to_be_visible()
    assert faults(page) == []
