"""Whole numbers as each language groups their digits: "1,290", "1 290"."""

from functools import lru_cache

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.translation import get_language

REMEMBERED = 4096  # numbers: points and counts come again and again


def grouped(number: int) -> str:
    """As the filter `intcomma`."""
    return _grouped(number, get_language())


@lru_cache(REMEMBERED)
def _grouped(number: int, _language: str | None) -> str:
    return str(intcomma(number))
