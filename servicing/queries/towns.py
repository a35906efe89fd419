"""Towns by name, from a list in the code: nothing typed into the locator leaves the portal (R42).

The list is unpacked for each new search (some 60 ms) and not kept, because as objects it would take more memory in
every worker than the rest of the portal. Made by `manage.py make_towns` from GeoNames (CC BY 4.0), with all its names.
"""

import gzip
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from cps_portal.core.lib.folding import fold
from servicing.queries.distance import Position, distance_km

FILE = Path(__file__).parents[1] / "reference" / "towns.tsv.gz"
MAX_NAME_LENGTH = 80
MAX_TOWNS_CACHED = 256
SAME_PLACE_KM = 15  # a town and its suburb of the same name


@dataclass(frozen=True)
class Town:
    """`near` is a larger town, for telling towns of the same name in one country apart; "" where there is only one."""

    name: str
    country: str
    position: Position
    population: int
    near: str = ""


def town_key(name: str) -> str:
    """A name as it is compared: folded, letters and digits only."""
    return "".join(letter for letter in fold(name) if unicodedata.category(letter)[0] in "LMN")


@lru_cache(maxsize=MAX_TOWNS_CACHED)
def find_towns(name: str) -> tuple[Town, ...]:
    """Every town with this name in any language, the largest first."""
    key = town_key(name[:MAX_NAME_LENGTH])
    if not key:
        return ()
    needle = f"|{key}|".encode()
    towns: list[Town] = []
    for town in sorted(_search(needle), key=lambda town: -town.population):
        if all(distance_km(town.position, other.position) > SAME_PLACE_KM for other in towns):
            towns.append(town)
    return tuple(towns)


@lru_cache(maxsize=MAX_TOWNS_CACHED)
def largest_town(country: str) -> Town | None:
    """The largest town of a country, by its ISO code."""
    needle = f"\t{country}\t".encode()
    return max(_search(needle), key=lambda town: town.population, default=None)


def sort_for(country: str, towns: tuple[Town, ...]) -> list[Town]:
    """Those in this country first, then the largest."""
    return sorted(towns, key=lambda town: (town.country != country, -town.population))


def _search(needle: bytes) -> Iterator[Town]:
    """The towns whose lines contain this."""
    text = gzip.decompress(FILE.read_bytes())
    place = text.find(needle)
    while place >= 0:
        start, end = text.rfind(b"\n", 0, place) + 1, text.index(b"\n", place)
        yield _read(text[start:end])
        place = text.find(needle, end)


def _read(line: bytes) -> Town:
    name, country, latitude, longitude, population, near, _names = line.decode().split("\t")
    return Town(name, country, Position(float(latitude), float(longitude)), int(population), near)
