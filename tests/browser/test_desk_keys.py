"""Keys of the desk in Chromium, and what a scanner types: it finds, and presses nothing (R54, WCAG 2.1.4)."""

from collections.abc import Callable

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from kitbag.actions import registrations
from kitbag.models import Registration
from members.models import User
from tests.factories import UserFactory, submitted
from tests.world import World

# What a scanner types, all within a millisecond or so: tests on a busy machine would be slower than a hand.
TYPE = """(code) => {
  for (const key of code) {
    const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
    const field = document.activeElement;
    if (field.dispatchEvent(event) && field.matches("textarea, input[type=search]")) field.value += key;
  }
}"""
CODES = ["052021004419", "AAAA-AAAA", "ARMU-1234", "R4R5R6", "MQF2-KG6X", "U2 U2 U2", "NNNN", "G?/J", "aaaa4444"]


@pytest.fixture
def agent(transactional_db: None) -> User:
    return UserFactory(is_staff=True, is_superuser=True)


@pytest.fixture
def waiting(committed_world: World) -> Registration:
    row = submitted(committed_world.ben, committed_world.body, "58210", insisted=True)
    return registrations.check_registration(registration=row, at=timezone.now())


def scan(page: Page, code: str, focus: str = "") -> None:
    """Type as fast as a scanner, then its Enter, which presses a button in focus unless the desk keeps it from that."""
    if focus:
        page.locator(focus).first.focus()
    page.evaluate(TYPE, code)
    page.keyboard.press("Enter")


def test_keys_go_to_the_box_through_rows_and_parts(
    waiting: Registration, agent: User, visit: Callable[..., Page]
) -> None:
    page = visit(agent, viewport={"width": 1440, "height": 900})
    page.goto("/admin/")
    page.keyboard.press("/")
    expect(page.locator("#desk-box")).to_be_focused()
    page.keyboard.type("jk?gn/")
    expect(page.locator("#desk-box")).to_have_value("jk?gn/")
    page.keyboard.press("Escape")
    expect(page.locator("#desk-box")).not_to_be_focused()
    page.keyboard.press("j")
    expect(page.locator("[data-row]").first).to_be_focused()
    page.keyboard.press("k")
    expect(page.locator("[data-row]").first).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/registrationinreview/**")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()
    page.keyboard.press("g")
    page.wait_for_timeout(100)
    page.keyboard.press("c")
    page.wait_for_url("**/admin/cases/case/")


def test_a_scan_decides_nothing_and_finds_wherever_the_focus_is(
    waiting: Registration, agent: User, visit: Callable[..., Page]
) -> None:
    page = visit(agent, viewport={"width": 1440, "height": 900})
    desk = f"/admin/kitbag/registrationinreview/{waiting.pk}/desk/"
    focuses = ["", "button[data-key=a]", "input[type=radio]", ".d-rail a"]
    for place, code in enumerate(CODES):
        page.goto(desk)
        scan(page, code, focuses[place % len(focuses)])
        page.wait_for_url("**/admin/search/**")
        expect(page.locator("#desk-box")).to_have_value(code)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.decided_by) == ("submitted", None)


def test_a_scan_into_a_field_stays_there_and_sends_nothing(
    waiting: Registration, agent: User, visit: Callable[..., Page]
) -> None:
    page = visit(agent, viewport={"width": 1440, "height": 900})
    page.goto(f"/admin/kitbag/registrationinreview/{waiting.pk}/desk/")
    page.locator(".d-own summary").click()
    scan(page, "052021004419", "textarea")
    assert "052021004419" in page.locator("textarea").first.input_value()
    waiting.refresh_from_db()
    assert waiting.state == "submitted"


def test_single_keys_can_be_switched_off_without_javascript_and_scans_still_find(
    waiting: Registration, agent: User, visit: Callable[..., Page]
) -> None:
    plain = visit(agent, java_script_enabled=False, viewport={"width": 1440, "height": 900})
    plain.goto("/admin/#keys")
    plain.get_by_role("button", name="Switch single keys off").click()
    expect(plain.get_by_role("button", name="Switch them on")).to_be_visible()
    page = visit(agent, viewport={"width": 1440, "height": 900})
    page.goto(f"/admin/kitbag/registrationinreview/{waiting.pk}/desk/")
    for key in "a?/n":
        page.keyboard.press(key)
        page.wait_for_timeout(300)
    expect(page.locator("#keys")).to_be_hidden()
    expect(page.locator("#desk-box")).not_to_be_focused()
    waiting.refresh_from_db()
    assert waiting.state == "submitted"
    scan(page, "052021004419")
    page.wait_for_url("**/admin/search/**")
