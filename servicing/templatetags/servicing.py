"""Money and numbers of estimates, as the reader's language writes them."""

from decimal import Decimal

from django import template
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def money(amount: Decimal, currency: str) -> SafeString:
    """An amount with the letters of its currency; kept together, and from left to right in every language."""
    return format_html('<bdi class="ltr nowrap">{}</bdi>', amount_in(amount, currency))


@register.simple_tag
def money_text(amount: Decimal, currency: str) -> str:
    """The same for a mail without pictures."""
    return amount_in(amount, currency)


@register.filter
def plain(number: Decimal) -> str:
    """A quantity without zeros that say nothing."""
    return number_format(number.quantize(Decimal(1)) if number == number.to_integral_value() else number)


def amount_in(amount: Decimal, currency: str) -> str:
    return f"{currency}\u00a0{number_format(amount, decimal_pos=2, force_grouping=True)}"
