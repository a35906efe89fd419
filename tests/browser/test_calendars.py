"""What a target skips, and its time where the reader is; the hours of a centre (R47, R72)."""

from collections.abc import Callable
from datetime import time, timedelta

from django.utils import timezone
from playwright.sync_api import Page, expect

from servicing.actions.calendars import follow_calendars
from servicing.enums import DayKind
from servicing.models import CalendarException
from tests.browser.looks import faults
from tests.servicing.jobs import a_centre, at_the_centre
from tests.world import World

PHONE = {"width": 390, "height": 844}


def test_a_job_shows_the_days_that_count_and_the_target_in_the_readers_time(
    committed_world: World, visit: Callable[..., Page]
) -> None:
    world, now = committed_world, timezone.now()
    centre = a_centre(hours="Mo-Sa 08:00-17:00; Su 10:00-14:00")
    follow_calendars(at=now - timedelta(hours=2))
    ticket = at_the_centre(world, centre, at=now - timedelta(hours=2))
    closed = (now + timedelta(days=1)).date()
    CalendarException.objects.create(centre=centre, first=closed, last=closed, why="Stocktaking")
    half = closed + timedelta(days=1)
    CalendarException.objects.create(
        centre=centre, kind=DayKind.HALF, first=half, last=half, closes=time(12), why="Staff party"
    )
    follow_calendars(at=now - timedelta(hours=1))
    follow_calendars(at=now)
    for zone, is_elsewhere in (("Asia/Tokyo", True), ("Africa/Maputo", False)):
        page = visit(world.ana.user, viewport=PHONE, timezone_id=zone)
        page.goto(ticket.get_absolute_url())
        expect(page.get_by_text("Not counted:")).to_contain_text("Stocktaking")
        expect(page.get_by_text("Closed on")).to_contain_text("The target is")
        expect(page.get_by_text("Where you are, the target is")).to_be_visible(visible=is_elsewhere)
        assert faults(page) == []
    page.goto(centre.get_absolute_url())
    expect(page.get_by_role("row", name="Staff party")).to_contain_text("12:00")
    assert faults(page) == []
