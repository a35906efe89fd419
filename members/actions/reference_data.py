"""Reference data of the programme: countries, level thresholds, benefits and terms (R1, R3, R9, R10)."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from members.models import CountryProgramme, LevelBenefit, LevelThreshold, TermsVersion

FOLDER = Path(__file__).parent.parent / "reference"
COUNTRIES_FROM = date(2023, 1, 1)  # the day from which the sample of countries is in force


@dataclass(frozen=True)
class LoadResult:
    """How many rows of a kind were added, and how many existed already."""

    kind: str
    added: int
    existing: int


@transaction.atomic
def load_programme() -> list[LoadResult]:
    """Add missing rows. Existing rows are not changed, because staff edit them in the admin."""
    countries = [
        CountryProgramme(
            country=row["country"],
            region=row["region"],
            kind=row["programme"],
            service_level=row["service_level"],
            valid_from=COUNTRIES_FROM,
            sample=row["certainty"] == "assumed",
            note=row["note"],
            link=row["link"],
            served_with=row["served_with"],
            on_hold=bool(row["hold_reason"]),
            hold_reason=row["hold_reason"],
        )
        for row in _rows("countries.csv")
    ]
    thresholds = [
        LevelThreshold(
            level=row["level"], points_from=int(row["points_from"]), valid_from=date.fromisoformat(row["valid_from"])
        )
        for row in _rows("thresholds.csv")
    ]
    benefits = [
        LevelBenefit(
            level=row["level"],
            service_level=row["service_level"],
            fast_track_days=int(row["fast_track_days"]) if row["fast_track_days"] else None,
            maintenance_discount=int(row["maintenance_discount"]),
            free_return=row["free_return"] == "yes",
            courtesy_loan=row["courtesy_loan"] == "yes",
            first_answer_hours=int(row["first_answer_hours"]),
            sample=row["certainty"] == "assumed",
        )
        for row in _rows("benefits.csv")
    ]
    terms = [
        TermsVersion(version=row["version"], valid_from=_midnight(row["valid_from"])) for row in _rows("terms.csv")
    ]
    return [
        _add_missing(CountryProgramme, countries),
        _add_missing(LevelThreshold, thresholds),
        _add_missing(LevelBenefit, benefits),
        _add_missing(TermsVersion, terms),
    ]


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _midnight(day: str) -> datetime:
    return timezone.make_aware(datetime.combine(date.fromisoformat(day), time.min))


def _add_missing(model: type[models.Model], rows: list[Any]) -> LoadResult:
    """Insert the rows whose unique key does not exist yet."""
    manager = model._default_manager
    before = manager.count()
    manager.bulk_create(rows, ignore_conflicts=True)
    added = manager.count() - before
    return LoadResult(str(model._meta.verbose_name_plural), added, len(rows) - added)
