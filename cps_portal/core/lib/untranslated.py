"""Names that stay as they are in every language, such as those of products (R56)."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def untranslated(name: object) -> SafeString:
    """A name as HTML that translators of browsers leave alone, in its own direction."""
    return format_html('<bdi translate="no">{}</bdi>', name)
