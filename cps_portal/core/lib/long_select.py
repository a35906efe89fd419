"""A select of hundreds of options, such as countries or currencies: they are written once, not for every form."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django import forms
from django.forms.utils import flatatt
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString

REMEMBERED = 512  # lists in a language, each with one of its options chosen


class LongSelect(forms.Select):
    """As `forms.Select`, for choices without groups and options without attributes of their own."""

    def render(self, name: str, value: Any, attrs: Mapping[str, Any] | None = None, renderer: Any = None) -> SafeString:
        chosen = (self.format_value(value) or [""])[0]
        choices = tuple((str(key), str(label)) for key, label in self.choices)  # in the reader's language
        attributes = {"class": "input", **self.build_attrs(self.attrs, dict(attrs or {})), "name": name}
        return format_html("<select{}>{}</select>", flatatt(attributes), _options(choices, str(chosen)))


@lru_cache(REMEMBERED)
def _options(choices: tuple[tuple[str, str], ...], chosen: str) -> SafeString:
    return format_html_join(
        "",
        '<option value="{}"{}>{}</option>',
        [(key, SafeString(" selected") if key == chosen else "", conditional_escape(label)) for key, label in choices],
    )
