"""From what somebody types into the locator to a position: a centre, a country or a town; never a postcode (R42)."""

from collections.abc import Iterable
from dataclasses import dataclass

from cps_portal.core.lib.countries import list_countries
from cps_portal.core.lib.folding import fold
from servicing.models import ServiceCentre
from servicing.queries import towns
from servicing.queries.distance import Position
from servicing.queries.locator import position_of
from servicing.queries.towns import Town

MAX_OTHERS = 6


@dataclass(frozen=True)
class Place:
    """Where it is. Only a centre or a town has a `position`; `others` are towns of the same name.

    `is_country`: a country was asked for as a whole. Nothing is known of an unknown place or a postcode.
    """

    country: str = ""
    position: Position | None = None
    town: Town | None = None
    others: tuple[Town, ...] = ()
    is_country: bool = False

    @property
    def is_known(self) -> bool:
        return bool(self.country)


UNKNOWN = Place()


def geocode(typed: str, *, lives_in: str, centres: Iterable[ServiceCentre]) -> Place:
    """Find a centre by name, a country by name or code, or a town, also with its country: "Newport, Ireland"."""
    key = fold(typed.strip())
    if not key:
        return UNKNOWN
    for centre in centres:
        if key == fold(centre.name):
            return Place(centre.country.code, position_of(centre))
    if country := _find_country(key):
        return Place(country, is_country=True)
    found = towns.sort_for(lives_in, towns.find_towns(typed))
    town, _comma, last = typed.rpartition(",")
    if not found and town and (country := _find_country(fold(last.strip()))):
        found = [each for each in towns.find_towns(town) if each.country == country]
    return _place(found, centres, key)


def _place(found: list[Town], centres: Iterable[ServiceCentre], key: str) -> Place:
    if found:
        return Place(found[0].country, found[0].position, found[0], tuple(found[1 : MAX_OTHERS + 1]))
    for centre in centres:
        if key in {fold(centre.city), fold(centre.local.city)}:
            return Place(centre.country.code, position_of(centre))
    return UNKNOWN


def _find_country(key: str) -> str:
    return next((code for code, name in list_countries() if key in (fold(name), fold(code))), "") if key else ""


def looks_like_postcode(typed: str) -> bool:
    """Towns have no digits; postcodes of all countries that use them do."""
    return any(letter.isdigit() for letter in typed)
