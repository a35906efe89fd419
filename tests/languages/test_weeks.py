"""Weeks begin on the day on which they begin in the reader's country (R56, R72)."""

import re
from datetime import date, timedelta

import pytest
from django.test import Client
from django.utils import formats

from cps_portal.core.lib.languages import NAMES
from cps_portal.core.lib.written_dates import week_of
from members.models import Member
from servicing.presenters.calendars import list_week
from tests.rows import each_row
from tests.servicing.jobs import a_centre
from tests.world import World

FIRST_DAYS = {
    "Monday": ("GB", "FR", "DE", "HU", "TR", "RU", "KZ", "XK", "LB", "MA", "TN", "NG", "SN", "AE", "", "ZZ"),
    "Sunday": ("PT", "AO", "MZ", "IL", "SA", "ZA", "KE", "ET"),
    "Saturday": ("EG", "QA", "KW", "BH", "OM", "JO", "IQ", "DZ", "LY"),
}
OF_LANGUAGES = {"en": "GB", "fr": "FR", "ar": "EG", "ru": "RU", "tr": "TR", "pt": "PT"}


@each_row(("name", "country"), [(name, country) for name, countries in FIRST_DAYS.items() for country in countries])
def test_a_week_has_its_day_and_begins_as_in_the_country(name: str, country: str) -> None:
    for day in (date(2026, 11, 1) + timedelta(days=n) for n in range(14)):
        week = week_of(day, country)
        assert (f"{week[0]:%A}", week[6] - week[0]) == (name, timedelta(days=6))
        assert day in week


def test_pickers_of_days_begin_as_in_the_country_of_the_language() -> None:
    assert set(OF_LANGUAGES) == set(NAMES)
    for language, country in OF_LANGUAGES.items():
        (first, *_others) = week_of(date(2026, 11, 11), country)
        assert int(formats.get_format("FIRST_DAY_OF_WEEK", lang=language)) == first.isoweekday() % 7, language


def days_on(page: str) -> list[str]:
    table = page.split('<table class="hours">', 1)[1].split("</table>", 1)[0]
    return [text.split(",")[0].strip() for text in re.findall(r'<th scope="row">(.*?)</th>', table, re.DOTALL)]


@pytest.mark.django_db
def test_the_hours_of_a_centre_begin_as_at_home_else_as_at_the_centre(world: World, as_ana: Client) -> None:
    centre = a_centre("cairo", country="EG", zone="Africa/Cairo", hours="Su-Th 09:00-17:00")
    path = centre.get_absolute_url()
    assert days_on(Client().get(path).content.decode())[0] == "Saturday"
    for country, first, last in (
        ("FR", "Monday", "Sunday"),
        ("PT", "Sunday", "Saturday"),
        ("JO", "Saturday", "Friday"),
    ):
        Member.objects.filter(pk=world.ana.pk).update(country=country)
        page = as_ana.get(path).content.decode()
        days = days_on(page)
        assert (days[0], days[-1], len(set(days)), page.count('aria-current="date"')) == (first, last, 7, 1)


@pytest.mark.django_db
@each_row("country", ["FR", "SA", "EG"])
def test_hours_stay_with_their_day_whichever_comes_first(country: str) -> None:
    centre = a_centre(hours="Mo-Th 09:00-18:00; Fr 09:00-12:00")
    rows = list_week(centre.calendar, date(2026, 11, 13), country=country)
    assert {str(row.name): str(row.hours or "") for row in rows} == {
        **dict.fromkeys(("Monday", "Tuesday", "Wednesday", "Thursday"), "09:00-18:00"),
        "Friday": "09:00-12:00",
        "Saturday": "",
        "Sunday": "",
    }
    assert [str(row.name) for row in rows if row.is_today] == ["Friday"]
