"""Countries by the names that people use. Every list of countries on a page and in the API is made here.

The names are those of django-countries, with COUNTRIES_OVERRIDE for Kosovo and for what nobody says.
"""

from collections.abc import Iterable

from django_countries import countries

from cps_portal.core.lib.folding import fold


def country_name(code: str) -> str:
    """The name in the reader's language; the code itself of a country that is not known."""
    return str(countries.name(code) or code)


def is_country(code: str) -> bool:
    return bool(code) and code in countries


def list_countries(codes: Iterable[str] | None = None) -> list[tuple[str, str]]:
    """(code, name) of these countries, or of all, sorted by name as in a dictionary: accents do not count."""
    chosen = (code for code, _name in countries) if codes is None else set(codes)
    return sorted(((code, country_name(code)) for code in chosen), key=lambda choice: (fold(choice[1]), choice[1]))
