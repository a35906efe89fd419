"""`{% once %}` and `{% keep_typed %}` beside `{% csrf_token %}`: see docs/decisions/0013-forms-once-and-kept.md."""

from typing import Any

from django import template
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString

from cps_portal.core.submissions import tokens

register = template.Library()


@register.simple_tag(takes_context=True)
def once(context: Context) -> SafeString:
    """For a form that creates something: two presses are one. What was typed is kept if the session ends."""
    return _field(context["request"], once=True)


@register.simple_tag(takes_context=True)
def keep_typed(context: Context) -> SafeString:
    """For a form that may be sent twice without harm: what was typed is kept if the session ends."""
    return _field(context["request"], once=False)


def _field(request: Any, *, once: bool) -> SafeString:
    token = tokens.make_token(request, once=once)
    return format_html('<input type="hidden" name="{}" value="{}">', tokens.FIELD, token)
