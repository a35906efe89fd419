"""Countries by the names that people use. Every list of countries on a page and in the API is made here.

The names are those of CLDR, in the reader's language (country_names.py).
"""

from collections.abc import Iterable
from functools import lru_cache

from django.utils.translation import get_language, override
from django_countries import countries

from cps_portal.core.lib.folding import alphabet_key
from cps_portal.core.lib.languages import ENGLISH


def country_name(code: str) -> str:
    """The name in the reader's language; the code itself of a country that is not known."""
    return str(countries.name(code) or code)


def is_country(code: str) -> bool:
    return bool(code) and code in countries


def list_countries(codes: Iterable[str] | None = None) -> list[tuple[str, str]]:
    """(code, name) of these countries, or of all, sorted by name as in a dictionary of the reader's language."""
    chosen = (code for code, _name in countries) if codes is None else codes
    return list(_sorted_by_name(frozenset(map(str, chosen)), get_language()))


@lru_cache(maxsize=64)
def _sorted_by_name(codes: frozenset[str], language: str | None) -> tuple[tuple[str, str], ...]:
    """The choices in this language. They are kept, because naming all countries takes ten milliseconds."""
    with override(language):
        choices = [(code, country_name(code)) for code in codes]
    return tuple(sorted(choices, key=lambda choice: alphabet_key(choice[1], language or ENGLISH)))
