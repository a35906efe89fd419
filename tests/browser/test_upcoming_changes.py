"""On a phone: a notice of a planned change, what is ahead, and trying what would keep the level (R12, R22, R56)."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from kitbag.enums import Stage
from kitbag.models import PointsEntry
from tests.factories import announced, draft, plan
from tests.world import World

PHONE = {"width": 390, "height": 844}


@pytest.mark.parametrize("javascript", [True, False])
def test_from_the_notice_to_upcoming_changes_to_what_if(
    committed_world: World, visit: Callable[..., Page], javascript: bool
) -> None:
    world = committed_world
    before = timezone.now() - timedelta(hours=2)
    announced(plan(world.body, Stage.SUPERSEDED, before), before)
    draft(world.ana, world.lens)
    entries = PointsEntry.objects.count()
    page = visit(world.ana.user, viewport=PHONE, java_script_enabled=javascript)
    page.goto("/dashboard/")
    expect(page.locator(".chart__pt--ahead").first).to_be_attached()
    page.get_by_role("link", name=re.compile("EOS R Test counts differently")).click()
    expect(page.get_by_text("180 more points by then keep you at Gold")).to_be_visible()
    expect(page.get_by_role("link", name="RF 70-200mm F2.8 Test")).to_be_visible()
    page.get_by_role("link", name="Try a change").click()
    outcome = page.get_by_role("complementary")
    page.get_by_role("link", name=re.compile(r"^Superseded ?: EOS R Test$")).click()
    expect(outcome).to_contain_text("From Gold to Silver")
    page.get_by_label("Product name or model").fill("r1")
    if not javascript:
        page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name=re.compile(r"EOS R1 Test.*500")).click()
    expect(outcome).to_contain_text("1,320")
    expect(outcome).to_contain_text("Still Gold")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    for link in page.locator("#what-if a").all():
        box = link.bounding_box()
        assert box and box["height"] >= 44, link.inner_text()
    assert PointsEntry.objects.count() == entries
