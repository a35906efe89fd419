"""Options of a select, written in Python: a template for each of 250 countries takes half of a form's time."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import template
from django.forms.renderers import get_default_renderer
from django.utils.formats import localize
from django.utils.html import conditional_escape, escape
from django.utils.safestring import SafeString, mark_safe

register = template.Library()
USUAL_TEMPLATE = "django/forms/widgets/select_option.html"


@register.simple_tag
def select_options(optgroups: Iterable[tuple[str | None, Iterable[Mapping[str, Any]], int]]) -> SafeString:
    """The options of a widget's `optgroups`, as Django's own templates write them.

    A widget with a template of its own for options gets that one.
    """
    parts = []
    for name, options, _place in optgroups:
        written = "".join(map(_option, options))
        parts.append(f'<optgroup label="{escape(name)}">{written}</optgroup>' if name else written)
    return mark_safe("".join(parts))  # noqa: S308 (every part is escaped)


def _option(option: Mapping[str, Any]) -> str:
    if option["template_name"] != USUAL_TEMPLATE:
        return get_default_renderer().render(option["template_name"], {"widget": option})
    attributes = "".join(
        f" {escape(name)}" if value is True else f' {escape(name)}="{escape(value)}"'
        for name, value in option["attrs"].items()
        if value is not False
    )
    label = conditional_escape(localize(option["label"]))
    return f'<option value="{escape(option["value"])}"{attributes}>{label}</option>'
