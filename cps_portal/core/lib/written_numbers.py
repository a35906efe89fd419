"""Numbers as each language groups their digits, with a minus that is no hyphen: "1,290", "1 290", "−185"."""

from functools import lru_cache

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.translation import get_language

MINUS = "\u2212"
REMEMBERED = 4096  # numbers: points and counts come again and again


def with_minus(number: str) -> str:
    """A number that was written with a hyphen, as people read it. Files for machines keep the hyphen."""
    return f"{MINUS}{number[1:]}" if number.startswith("-") else number


def signed(number: int) -> str:
    """A change, such as "+1,335" or "−185"."""
    return f"+{grouped(number)}" if number > 0 else with_minus(grouped(number))


def grouped(number: int) -> str:
    """As the filter `intcomma`."""
    return _grouped(number, get_language())


@lru_cache(REMEMBERED)
def _grouped(number: int, _language: str | None) -> str:
    return str(intcomma(number))
