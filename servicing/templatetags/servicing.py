"""Template tags that format money and quantities in the reader's language."""

from decimal import Decimal

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from cps_portal.core.lib.countries import country_name
from cps_portal.core.lib.money import format_amount, format_money, format_quantity

register = template.Library()


@register.simple_tag
def money(amount: Decimal, currency: str) -> SafeString:
    """Format an amount with its currency code, unbroken and left to right in every language."""
    return format_html('<bdi class="ltr nowrap">{}</bdi>', format_money(amount, currency))


@register.simple_tag
def amount(number: Decimal) -> SafeString:
    """Format an amount without its currency, where the table or the total says it."""
    return format_html('<bdi class="ltr nowrap">{}</bdi>', format_amount(number))


@register.simple_tag
def money_text(amount: Decimal, currency: str) -> str:
    """Format an amount for a plain-text mail."""
    return format_money(amount, currency)


@register.filter
def plain(number: Decimal) -> str:
    """Format a quantity without trailing zeros."""
    return format_quantity(number)


@register.simple_tag
def country(code: str) -> str:
    """The name of a country in the reader's language."""
    return country_name(code)
