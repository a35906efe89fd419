"""The contact sheet by keyboard alone, by finger, and without JavaScript (R19, R54)."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from kitbag.actions import registrations
from kitbag.models import HeldDecision, Registration
from members.models import User
from tests.factories import UserFactory, submitted
from tests.held import apply_held
from tests.world import World

SHEET = "/admin/kitbag/registrationinreview/sheet/"


@pytest.fixture
def agent(transactional_db: None) -> User:
    return UserFactory(is_staff=True, is_superuser=True)


@pytest.fixture
def rows(committed_world: World) -> list[Registration]:
    world, now = committed_world, timezone.now()
    made = [
        submitted(world.ben, world.body, f"5820{n}", insisted=True, at=now - timedelta(hours=9 - n)) for n in range(5)
    ]
    return [registrations.check_registration(registration=row, at=now) for row in made]


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)
        page.wait_for_timeout(60)  # a hand


def states() -> list[str]:
    return list(Registration.objects.filter(serial__startswith="5820").order_by("pk").values_list("state", flat=True))


def test_frames_are_chosen_approved_and_taken_back_by_keyboard(
    agent: User, rows: list[Registration], visit: Callable[..., Page]
) -> None:
    page = visit(agent, viewport={"width": 1440, "height": 900})
    page.goto(SHEET)
    press(page, "j", "x", "j", "j", "x")
    expect(page.locator("[data-chosen]")).to_have_text("2")
    assert page.evaluate("document.activeElement.closest('.d-frame').querySelector('[name=chosen]').value") == str(
        rows[2].pk
    )
    press(page, "a")
    expect(page.locator("[data-toast]")).to_contain_text("2 registrations")
    expect(page.locator(".d-frame")).to_have_count(3)
    assert set(states()) == {"submitted"}, "held"
    press(page, "u")
    expect(page.locator(".d-frame")).to_have_count(5)
    press(page, "j", "x", "x", "j", "x", "a")
    expect(page.locator(".d-frame")).to_have_count(4)
    apply_held()
    assert states() == ["submitted", "validated", "submitted", "submitted", "submitted"]
    assert HeldDecision.objects.filter(state="undone").count() == 2
    press(page, "j", "Enter")
    page.wait_for_url(f"**/{rows[0].pk}/desk/")


def test_a_scan_chooses_and_approves_nothing(agent: User, rows: list[Registration], visit: Callable[..., Page]) -> None:
    page = visit(agent, viewport={"width": 1440, "height": 900})
    page.goto(SHEET)
    press(page, "j")
    page.keyboard.type("xaxa12345")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search/**")
    assert not HeldDecision.objects.exists()


def test_by_finger_and_without_javascript(agent: User, rows: list[Registration], visit: Callable[..., Page]) -> None:
    page = visit(agent, java_script_enabled=False, viewport={"width": 390, "height": 844})
    page.goto(SHEET)
    page.get_by_role("button", name="Approve the chosen ones").click()
    expect(page.get_by_text("Choose at least one")).to_be_visible()
    for frame in (0, 1):
        page.locator(".d-frame__pic").nth(frame).click()
    page.get_by_role("button", name="Approve the chosen ones").click()
    expect(page.locator(".d-frame")).to_have_count(3)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".d-frame")).to_have_count(5)
    apply_held()
    assert set(states()) == {"submitted"}
