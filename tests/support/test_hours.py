"""Whether support works now, on every page of the portal (R58)."""

from datetime import UTC, date, datetime, timedelta

import time_machine
from allauth.account.models import EmailAddress
from django.conf import settings
from django.test import Client
from pytest_django import Settings

from cps_portal.core.lib import clock
from members.support.presenters import support_hours
from tests.rows import each_row
from tests.world import World

MONDAY = date(2026, 3, 2)  # Johannesburg is at UTC+2, with support from 09:00 to 17:00


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


@each_row(
    ("moment", "is_open", "words"),
    [
        (at(MONDAY, 6, 59), False, "Support opens at 09:00 (Johannesburg time)"),
        (at(MONDAY, 7), True, "Support is open now, until 17:00 (Johannesburg time)"),
        (at(MONDAY, 14, 59), True, "Support is open now, until 17:00 (Johannesburg time)"),
        (at(MONDAY, 15), False, "Support opens tomorrow at 09:00 (Johannesburg time)"),
        (at(MONDAY - timedelta(days=3), 15), False, "Support opens Monday 2 March at 09:00 (Johannesburg time)"),
        (at(date(2026, 4, 2), 15), False, "Support opens Tuesday 7 April at 09:00 (Johannesburg time)"),  # after Easter
    ],
)
def test_it_works_in_its_own_hours_and_not_on_its_holidays(moment: datetime, *, is_open: bool, words: str) -> None:
    said = support_hours(moment)
    assert (said.is_open, said.hours) == (is_open, words)


def test_half_days_and_closures_of_a_year_are_said(settings: Settings) -> None:
    days = {MONDAY + timedelta(days=number): "" for number in range(1, 500)}
    settings.SUPPORT_CALENDAR = clock.Calendar(
        zone=settings.SUPPORT_CALENDAR.zone, days_off=days, early={MONDAY: clock.time(13)}
    )
    assert support_hours(at(MONDAY, 8)).hours == "Support is open now, until 13:00 (Johannesburg time)"
    assert support_hours(at(MONDAY, 11)).hours == "Support is closed"
    settings.SUPPORT_CALENDAR = clock.Calendar(
        zone=settings.SUPPORT_CALENDAR.zone, days_off=dict(list(days.items())[:363])
    )
    assert "opens Monday 1 March at 09:00" in support_hours(at(MONDAY, 20)).hours


@each_row("url", ["/", "/help/", "/centres/"])
def test_pages_that_visitors_share_open_and_close_on_time(world: World, url: str) -> None:
    opens, closes = settings.SUPPORT_CALENDAR.opening(MONDAY)
    seen = []
    for moment in (opens - timedelta(seconds=1), opens, closes - timedelta(seconds=1), closes):
        with time_machine.travel(moment, tick=False):
            pages = [Client().get(url).content.decode() for _visit in range(2)]
            assert pages[0] == pages[1]
            seen.append("Support is open now" in pages[0])
    assert seen == [False, True, True, False]


def test_members_read_it_in_the_foot(world: World) -> None:
    with time_machine.travel(at(MONDAY, 8), tick=False):
        member = Client()
        member.force_login(world.ana.user)
        page = " ".join(member.get("/kitbag/").content.decode().split())
    assert "Support is open now, until 17:00 (Johannesburg time)" in page.rpartition("<footer")[2]


def test_what_happened_says_where_emails_go(world: World) -> None:
    member = Client()
    member.force_login(world.ana.user)
    address = EmailAddress.objects.get(user=world.ana.user)
    for verified, words in (
        (True, f"<bdi>{address.email}</bdi>."),
        (False, f"<bdi>{address.email}</bdi>, which isn’t"),
    ):
        EmailAddress.objects.filter(pk=address.pk).update(verified=verified)
        page = " ".join(member.get("/notices/").content.decode().split())
        assert words in page.partition('id="told"')[2]
