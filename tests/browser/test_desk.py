"""The desk by keyboard alone, and without JavaScript (R19, R54)."""

from collections.abc import Callable

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from kitbag.actions import registrations
from kitbag.models import Registration
from members.models import User
from tests.factories import UserFactory, submitted
from tests.world import World

QUEUE = "/admin/kitbag/registrationinreview/"


@pytest.fixture
def agent(transactional_db: None) -> User:
    return UserFactory(is_staff=True, is_superuser=True)


@pytest.fixture
def rows(committed_world: World) -> list[Registration]:
    made = [submitted(committed_world.ben, committed_world.body, f"5821{n}", insisted=True) for n in range(4)]
    return [registrations.check_registration(registration=row, at=timezone.now()) for row in made]


def test_four_decisions_without_a_mouse(rows: list[Registration], agent: User, visit: Callable[..., Page]) -> None:
    page = visit(agent, viewport={"width": 1440, "height": 900})
    page.goto(QUEUE)
    page.keyboard.press("n")
    for row, keys in [(rows[0], ["a"]), (rows[1], ["r", "2"]), (rows[2], ["s"])]:
        expect(page.locator(".desk__serial").first).to_have_text(row.serial)
        page.wait_for_load_state()  # keys do nothing before the script is loaded
        for key in keys:
            page.keyboard.press(key)
    expect(page.locator(".desk__serial").first).to_have_text(rows[3].serial)
    page.wait_for_load_state()
    page.keyboard.press("m")
    page.keyboard.type("A photo of the serial number, please.")  # letters are shortcuts outside the field
    page.keyboard.press("Control+Enter")
    expect(page.locator(".desk__serial").first).to_have_text(rows[2].serial)
    for row in rows:
        row.refresh_from_db()
    assert [row.state for row in rows] == ["validated", "rejected", "submitted", "rejected"]
    assert rows[1].refusal_reason == "serial_unreadable"
    assert rows[3].asked_for == "A photo of the serial number, please."


def test_the_same_by_buttons_without_javascript(
    rows: list[Registration], agent: User, visit: Callable[..., Page]
) -> None:
    page = visit(agent, java_script_enabled=False, viewport={"width": 390, "height": 844})
    page.goto(QUEUE)
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Approve").click()
    expect(page.locator(".desk__serial").first).to_have_text(rows[1].serial)
    page.get_by_role("radio", name="could not be confirmed").check()
    page.get_by_role("button", name="Refuse").click()
    expect(page.locator(".desk__serial").first).to_have_text(rows[2].serial)
    for row in rows:
        row.refresh_from_db()
    assert [row.state for row in rows[:2]] == ["validated", "rejected"]
