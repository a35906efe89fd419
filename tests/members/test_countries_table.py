"""The table of countries that the programme begins with, against public knowledge (R1, R2, R24, R72)."""

import csv
from pathlib import Path

import phonenumbers
import pytest
from django.utils.translation import override

from cps_portal.core.lib.countries import country_name
from cps_portal.core.lib.languages import ENGLISH, OTHERS
from cps_portal.core.lib.money import currency_choices, currency_of
from cps_portal.core.lib.opening_hours import parse_week
from cps_portal.core.lib.public_holidays import HolidayRegion, has_holidays
from members.actions.reference_data import load_programme
from members.enums import Programme
from members.models import CountryProgramme
from tests.rows import each_row

ROOT = Path(__file__).parents[2]


def read(path: str) -> list[dict[str, str]]:
    with (ROOT / path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


ROWS = {row["country"]: row for row in read("members/reference/countries.csv")}
CENTRES = read("servicing/reference/centres.csv")
SUBSCRIPTION, FREE, NONE = "subscription", "free", "none"


def test_every_name_is_that_of_the_pages_and_none_is_blank_in_any_language() -> None:
    with override(ENGLISH):
        assert {code: row["name"] for code, row in ROWS.items()} == {code: country_name(code) for code in ROWS}
    for language in OTHERS:
        with override(language):
            assert [code for code in ROWS if country_name(code) in ("", code)] == []


@each_row(
    ("code", "programme", "level", "certainty", "says"),
    [
        ("XK", FREE, "full", "assumed", ""),
        ("TR", FREE, "full", "assumed", "Silver only"),
        ("EE", FREE, "silver", "assumed", "to be confirmed"),
        ("LV", FREE, "silver", "assumed", "to be confirmed"),
        ("LT", FREE, "silver", "assumed", "to be confirmed"),
        ("GE", FREE, "full", "published", "national page"),
        ("TJ", FREE, "full", "published", "national page"),
        ("ES", SUBSCRIPTION, "", "published", "mainland only"),
        ("GB", SUBSCRIPTION, "", "published", "mainland only"),
        ("FI", SUBSCRIPTION, "", "published", "joined after"),
        ("DK", SUBSCRIPTION, "", "published", "joined after"),
        ("CH", SUBSCRIPTION, "", "published", "joined after"),
        *[(code, NONE, "", "assumed", "perhaps served with") for code in ("JE", "GG", "IM", "AX", "SJ", "RE", "YT")],
        ("EH", NONE, "", "assumed", ""),
        ("SH", NONE, "", "assumed", ""),
    ],
)
def test_what_is_doubtful_is_marked_and_what_is_next_door_is_there(*, code: str, **expected: str) -> None:
    row = ROWS[code]
    assert (row["programme"], row["service_level"], row["certainty"]) == (
        expected["programme"],
        expected["level"],
        expected["certainty"],
    )
    assert expected["says"] in row["note"]


def test_notes_and_links_fit_and_open_safely() -> None:
    assert [code for code, row in ROWS.items() if len(row["note"]) > 200] == []
    assert [row["link"] for row in ROWS.values() if row["link"] and not row["link"].startswith("https://")] == []
    with_link = {code for code, row in ROWS.items() if row["link"]}
    assert with_link >= {"GB", "IE", "DE", "FR", "PT", "NO", "HU"}


@pytest.mark.django_db
def test_the_numbers_agree_and_what_is_assumed_is_a_sample() -> None:
    load_programme()
    rows = CountryProgramme.objects.in_force()
    count = {kind: rows.filter(kind=kind).count() for kind in Programme}
    assert count == {Programme.FREE: 95, Programme.SUBSCRIPTION: 20, Programme.NONE: 20}
    assert rows.get(country="TR").sample
    assert not rows.get(country="GE").sample


@each_row(
    ("code", "currency"),
    [
        ("BG", "EUR"),
        ("HR", "EUR"),
        ("XK", "EUR"),
        ("TR", "TRY"),
        ("ZA", "ZAR"),
        ("KE", "KES"),
        ("AE", "AED"),
        ("GB", "GBP"),
    ],
)
def test_the_currency_is_that_of_today(code: str, currency: str) -> None:
    assert currency_of(code) == currency


def test_where_two_currencies_are_used_both_can_be_chosen() -> None:
    assert {"USD", "ZAR", "LSL", "NAD", "ILS", "JOD"} <= {code for code, _name in currency_choices(ENGLISH)}
    assert [code for code in ROWS if not currency_of(code)] == []


def test_every_country_has_a_calling_code_and_a_calendar() -> None:
    assert [code for code in ROWS if not phonenumbers.country_code_for_region(code)] == []
    without = [code for code in ROWS if not has_holidays(HolidayRegion(code), 2026)]
    assert without == ["UA"]  # under martial law public holidays are worked: staff are reminded of it each year (R72)


WEEKENDS = {"SA": {5, 6}, "EG": {5, 6}, "AE": {6, 7}, "MA": {6, 7}, "TR": {6, 7}}  # ISO weekdays


def test_the_weekend_of_each_centre_is_that_of_its_country() -> None:
    every_day = set(range(1, 8))
    closed = {row["slug"]: (row["country"], every_day - set(parse_week(row["hours"]))) for row in CENTRES}
    assert [slug for slug, (code, days) in closed.items() if not WEEKENDS.get(code, {6, 7}) <= days] == []
    assert {code for code, _days in closed.values()} >= set(WEEKENDS)
