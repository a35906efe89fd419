"""The programme by keyboard alone: Today, a planned change, the numbers, and one of them as a file (R22, R54)."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone
from playwright.sync_api import Page, expect

from kitbag.actions import planning
from kitbag.enums import Stage
from kitbag.models import StageChange
from members.models import StaffAccess, User
from tests.factories import UserFactory, plan
from tests.world import World

GAP_MS = 100  # between two keys of a hand


@pytest.fixture
def programme(transactional_db: None, groups: dict[str, Group]) -> User:
    user = UserFactory(is_staff=True)
    user.groups.add(groups["Programme"])
    return user


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)
        page.wait_for_timeout(GAP_MS)


def focus_by_tab(page: Page, selector: str) -> None:
    """Press Tab until an element has the focus, as somebody without a mouse does."""
    wanted = page.locator(selector).first
    for _step in range(200):
        if wanted.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab never came to {selector}")


def test_from_today_to_a_planned_change_the_numbers_and_a_file(
    committed_world: World, programme: User, visit: Callable[..., Page], tmp_path: Path
) -> None:
    planning.plan_changes(
        plans=[plan(committed_world.pro_body, Stage.SUPERSEDED, timezone.now())], by=None, at=timezone.now()
    )
    change = StageChange.objects.get()
    page = visit(programme, viewport={"width": 1440, "height": 900})
    page.goto("/admin/")
    expect(page.locator("#planned")).to_be_visible()
    press(page, "j", "Enter")
    page.wait_for_url(f"**/kitbag/stagechange/{change.pk}/change/")
    press(page, "g", "p")
    page.wait_for_url("**/admin/programme/")
    focus_by_tab(page, ".d-rail a[href='/admin/programme/changes/']")
    press(page, "Enter")
    page.wait_for_url("**/admin/programme/changes/")
    expect(page.get_by_text("1 member drops a level")).to_be_visible()
    focus_by_tab(page, ".d-rail a[href='/admin/programme/numbers/']")
    press(page, "Enter")
    page.wait_for_url("**/admin/programme/numbers/")
    expect(page.get_by_role("img", name="Gold 1")).to_be_visible()
    focus_by_tab(page, "section[aria-labelledby=members] summary")
    press(page, "Enter")
    expect(page.locator("section[aria-labelledby=members] table")).to_be_visible()
    focus_by_tab(page, "a[href$='points.csv']")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    assert path.name == "points.csv"
    assert len(path.read_text().splitlines()) == 13
    assert StaffAccess.objects.filter(by=programme, kind="export", page="admin:programme_points_csv").count() == 1
