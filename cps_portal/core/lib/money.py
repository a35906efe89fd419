"""Amounts of money and quantities: written in the reader's language, and read as people of any language type them."""

import re
import unicodedata
from datetime import date
from decimal import Decimal
from functools import cache

from babel.numbers import get_currency_name, get_territory_currencies
from django.utils.formats import number_format
from django_countries import countries

from cps_portal.core.lib.languages import ENGLISH, LOCALES
from cps_portal.core.lib.written_numbers import with_minus

BLANKS = re.compile(r"[\s\u00a0\u202f'’_\u066c]")  # never decimal; the last is the Arabic thousands separator
ARABIC_DECIMAL = "\u066b"
GROUPED = re.compile(r"\d{1,3}(?P<sign>[.,])(?:\d{2,3}(?P=sign))*\d{3}", re.ASCII)  # in twos, too: India
PLAIN = re.compile(r"\d+", re.ASCII)


def format_amount(amount: Decimal) -> str:
    return with_minus(number_format(amount, decimal_pos=2, force_grouping=True))


def format_money(amount: Decimal, currency: str) -> str:
    return f"{currency}\u00a0{format_amount(amount)}"


def format_quantity(number: Decimal) -> str:
    """Without trailing zeros."""
    shortest = number.quantize(Decimal(1)) if number == number.to_integral_value() else number.normalize()
    return with_minus(number_format(shortest))


def read_amount(text: str) -> Decimal:
    """The amount in "1,234.50", "1.234,50", "1 234,50", "1'234.50", "1,23,456.00" or digits of another script.

    A single point or comma before exactly three digits separates thousands, because no price has three decimals.
    Raises ValueError for everything else.
    """
    digits = "".join(_plain(sign) for sign in BLANKS.sub("", text))
    last = max(digits.rfind("."), digits.rfind(","))
    whole, decimals = digits, ""
    if last >= 0 and (digits.count(digits[last]) == 1) and not GROUPED.fullmatch(digits):
        whole, decimals = digits[:last], digits[last + 1 :]
        if not (PLAIN.fullmatch(decimals) and len(decimals) <= 2):
            raise ValueError(text)
    if not (PLAIN.fullmatch(whole) or GROUPED.fullmatch(whole)):
        raise ValueError(text)
    return Decimal(f"{re.sub('[.,]', '', whole)}.{decimals or 0}")


def _plain(sign: str) -> str:
    """ASCII for a decimal digit of any script and for the Arabic decimal separator."""
    if sign == ARABIC_DECIMAL:
        return ","
    return str(unicodedata.digit(sign)) if unicodedata.category(sign) == "Nd" else sign


@cache
def currency_choices(language: str) -> list[tuple[str, str]]:
    """The currencies of all countries since 2000, by code, with their names in a language of the portal."""
    since, today = date(2000, 1, 1), date.today()  # noqa: DTZ011  # a day more or less is no matter
    codes = {code for country, _name in countries for code in get_territory_currencies(country, since, today)}
    locale = LOCALES.get(language, LOCALES[ENGLISH])
    return [(code, f"{code} – {get_currency_name(code, locale=locale)}") for code in sorted(codes)]


def currency_of(country: str) -> str:
    """What people of a country pay with, or "" if that is not known."""
    codes = get_territory_currencies(country) if country else []
    return codes[0] if codes else ""
