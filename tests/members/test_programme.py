"""Reference data: complete, samples labelled, changes by staff kept (R1, R3, R10, R44)."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command

from members.actions.reference_data import load_programme
from members.enums import Level, Programme, ServiceLevel
from members.models import CountryProgramme, LevelBenefit, LevelThreshold, TermsVersion
from servicing.actions.centres import load_centres
from servicing.enums import CentreStatus
from servicing.models import ServiceCentre

pytestmark = pytest.mark.django_db


def test_every_country_has_one_programme() -> None:
    load_programme()
    in_force = CountryProgramme.objects.in_force(date(2026, 11, 22))
    kinds = [row.kind for row in in_force]
    assert (len(kinds), kinds.count(Programme.SUBSCRIPTION), kinds.count(Programme.NONE)) == (135, 20, 20)
    assert in_force.get(country="ZA").service_level == ServiceLevel.FULL
    assert in_force.get(country="HR").service_level == ServiceLevel.SILVER


def test_assumed_countries_are_labelled_as_samples_and_published_ones_not() -> None:
    load_programme()
    assert CountryProgramme.objects.get(country="MT").sample
    assert not CountryProgramme.objects.get(country="DE").sample


def test_levels_start_where_the_terms_say() -> None:
    load_programme()
    assert LevelThreshold.objects.in_force() == {"red": 0, "silver": 500, "gold": 1000, "platinum": 1600}


def test_turnaround_by_level() -> None:
    load_programme()
    days = {
        level: LevelBenefit.objects.get(level=level, service_level=ServiceLevel.FULL).fast_track_days for level in Level
    }
    assert days == {Level.RED: None, Level.SILVER: 5, Level.GOLD: 3, Level.PLATINUM: 2}


@pytest.mark.parametrize("level", [Level.GOLD, Level.PLATINUM])
def test_a_silver_only_country_gives_nothing_above_silver(level: Level) -> None:
    load_programme()
    rows = LevelBenefit.objects.filter(service_level=ServiceLevel.SILVER).values(
        "fast_track_days", "maintenance_discount", "free_return", "courtesy_loan", "first_answer_hours", "sample"
    )
    assert rows.get(level=level) == rows.get(level=Level.SILVER)


def test_the_terms_are_in_force_from_midnight_at_home() -> None:
    load_programme()
    terms = TermsVersion.objects.get()
    assert terms.valid_from == datetime(2026, 11, 1, tzinfo=ZoneInfo("Africa/Johannesburg"))


def test_a_second_load_adds_nothing_and_keeps_what_staff_changed(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("load_programme", verbosity=0)
    CountryProgramme.objects.filter(country="MT").update(kind=Programme.NONE, service_level="")
    LevelBenefit.objects.filter(level=Level.GOLD).update(maintenance_discount=12)
    call_command("load_programme")
    assert "0 added, 135 existing" in capsys.readouterr().out
    assert CountryProgramme.objects.get(country="MT").kind == Programme.NONE
    assert LevelBenefit.objects.filter(level=Level.GOLD, maintenance_discount=12).count() == 2


def test_the_centres_load_once_and_keep_their_status() -> None:
    assert load_centres() == (21, 0)
    assert ServiceCentre.objects.filter(sample=True).count() == 10
    assert ServiceCentre.objects.get(country="RU").status == CentreStatus.SUSPENDED
    ServiceCentre.objects.filter(country="KE").update(status=CentreStatus.SUSPENDED, notice="Moving house")
    call_command("load_centres", verbosity=0)
    assert load_centres() == (0, 21)
    assert ServiceCentre.objects.get(country="KE").notice == "Moving house"


def test_countries_of_the_subscription_programme_lead_to_their_own_page_where_it_is_published() -> None:
    """R2, R6: the others name the contact page, so a guess is never a link."""
    load_programme()
    linked = CountryProgramme.objects.exclude(link="")
    assert {row.kind for row in linked} == {Programme.SUBSCRIPTION}
    assert {row.country.code for row in linked} >= {"GB", "DE", "FR"}
    assert all(row.link.startswith("https://") for row in linked)
