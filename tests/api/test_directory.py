"""Centres, carriers, countries and levels as partners read them (R1, R3, R10, R42, R55)."""

from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cps_portal.core.partners.enums import PartnerKind
from members.models import CountryProgramme, LevelThreshold
from servicing.models import ServiceCentre
from tests.api.machines import Machine, machine
from tests.rows import each_row
from tests.servicing.jobs import a_centre

PATHS = ("centres", "carriers", "countries", "levels")
SNAPSHOT = 4  # its savepoint, two settings, and the end
ASKED = {"centres": 2, "carriers": 2, "countries": 2, "levels": 3}  # the token, and one for each table


@pytest.fixture
def till(db: None) -> Machine:
    call_command("load_programme")
    call_command("load_centres")
    found = machine("shop", PartnerKind.RETAILER)
    assert found.fetch().status_code == 200
    return found


def rows(till: Machine, path: str) -> list[dict[str, Any]]:
    answer = till.get(path)
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


def test_countries_say_which_programme_they_have_today(till: Machine) -> None:
    found = {row["code"]: row for row in rows(till, "countries")}
    assert len(found) == CountryProgramme.objects.in_force().count() > 100
    assert found["ZA"] == {
        "code": "ZA",
        "name": "South Africa",
        "region": "Africa",
        "programme": "free",
        "service_level": "full",
        "membership_active": True,
        "on_hold": False,
        "served_with": None,
    }
    assert (found["SD"]["on_hold"], found["JE"]["served_with"]) == (True, "GB")
    assert "war" not in str(found["SD"]), "the reason is for staff"
    assert (found["GB"]["programme"], found["GB"]["service_level"], found["GB"]["membership_active"]) == (
        "subscription",
        None,
        False,
    )
    assert found["RO"]["service_level"] == "silver"
    names = [row["name"] for row in rows(till, "countries")]
    assert names.index("Austria") < names.index("Kenya") < names.index("Zambia")


def test_a_country_that_changes_is_read_anew(till: Machine) -> None:
    tag = till.get("countries")["ETag"]
    CountryProgramme.objects.create(
        country="ZA", region="Africa", kind="subscription", service_level="", valid_from=timezone.localdate()
    )
    changed = till.get("countries", If_None_Match=tag)
    assert changed.status_code == 200
    assert {row["code"]: row for row in changed.json()["results"]}["ZA"]["membership_active"] is False


def test_levels_say_where_they_start_and_what_they_give(till: Machine) -> None:
    found = rows(till, "levels")
    assert [row["level"] for row in found] == ["red", "silver", "gold", "platinum"]
    assert {row["level"]: row["points_from"] for row in found} == LevelThreshold.objects.in_force()
    gold = next(row for row in found if row["level"] == "gold")
    full = next(row for row in gold["benefits"] if row["service_level"] == "full" and row["country"] is None)
    assert (full["fast_track_days"], full["maintenance_discount"], full["courtesy_loan"]) == (3, 15, True)


def test_names_are_english_whatever_the_client_reads(till: Machine) -> None:
    french = till.get("countries", Accept_Language="fr").json()
    assert french == till.get("countries").json()


@each_row("path", PATHS)
def test_what_has_not_changed_is_not_sent_again(till: Machine, path: str) -> None:
    first = till.get(path)
    again = till.get(path, If_None_Match=first["ETag"])
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])


def test_no_list_asks_more_for_more_rows(till: Machine) -> None:
    def asked(path: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert till.get(path).status_code == 200
        return len(queries) - SNAPSHOT

    before = {path: asked(path) for path in PATHS}
    for number in range(5):
        a_centre(f"centre-{number}")
    assert ServiceCentre.objects.count() > 5
    assert before == {path: asked(path) for path in PATHS} == ASKED
