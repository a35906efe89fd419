"""Inputs, their attributes and the options of a select, written in Python.

A template for each of 250 countries takes half of a form's time, and one for each attribute a tenth.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django import template
from django.forms.renderers import get_default_renderer
from django.utils.formats import localize
from django.utils.html import conditional_escape, escape
from django.utils.safestring import SafeString, mark_safe

register = template.Library()
USUAL_TEMPLATE = "django/forms/widgets/select_option.html"
WITHOUT_CLASS = frozenset({"hidden", "checkbox", "radio", "file"})


@register.simple_tag
def widget_attributes(attributes: Mapping[str, Any]) -> SafeString:
    """The attributes of a widget, as Django's own templates write them."""
    return mark_safe(_attributes(attributes))  # noqa: S308 (every part is escaped)


@register.simple_tag
def widget_input(widget: Mapping[str, Any]) -> SafeString:
    """An input, as Django's own templates write it, with the class that fields have here unless it has one."""
    kind, name, value, attributes = widget["type"], widget["name"], widget["value"], widget["attrs"]
    written = "" if value is None else f' value="{_text(value)}"'
    look = "" if "class" in attributes or kind in WITHOUT_CLASS else ' class="input"'
    return mark_safe(  # noqa: S308 (every part is escaped)
        f'<input type="{escape(kind)}" name="{escape(name)}"{written}{look}{_attributes(attributes)}>'
    )


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
    label = conditional_escape(localize(option["label"]))
    return f'<option value="{escape(option["value"])}"{_attributes(option["attrs"])}>{label}</option>'


def _attributes(attributes: Mapping[str, Any]) -> str:
    return "".join(
        f" {escape(name)}" if value is True else f' {escape(name)}="{_text(value)}"'
        for name, value in attributes.items()
        if value is not False
    )


def _text(value: Any) -> str:
    """What is safe already, such as a JSON text that Django has escaped, stays as it is."""
    return conditional_escape(value if isinstance(value, SafeString) else str(value))
