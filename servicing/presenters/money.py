"""Amounts and quantities in the reader's language."""

from decimal import Decimal

from django.utils.formats import number_format


def format_amount(amount: Decimal) -> str:
    return number_format(amount, decimal_pos=2, force_grouping=True)


def format_money(amount: Decimal, currency: str) -> str:
    return f"{currency}\u00a0{format_amount(amount)}"


def format_quantity(number: Decimal) -> str:
    """Without trailing zeros."""
    return number_format(number.quantize(Decimal(1)) if number == number.to_integral_value() else number.normalize())
