"""Template tags that format money and quantities in the reader's language."""

from decimal import Decimal

from django import template
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def money(amount: Decimal, currency: str) -> SafeString:
    """Format an amount with its currency code, unbroken and left to right in every language."""
    return format_html('<bdi class="ltr nowrap">{}</bdi>', format_amount(amount, currency))


@register.simple_tag
def money_text(amount: Decimal, currency: str) -> str:
    """Format an amount for a plain-text mail."""
    return format_amount(amount, currency)


@register.filter
def plain(number: Decimal) -> str:
    """Format a quantity without trailing zeros."""
    return number_format(number.quantize(Decimal(1)) if number == number.to_integral_value() else number)


def format_amount(amount: Decimal, currency: str) -> str:
    return f"{currency}\u00a0{number_format(amount, decimal_pos=2, force_grouping=True)}"
