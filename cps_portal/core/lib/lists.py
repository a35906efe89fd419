"""Lists in words, as each language writes them: "A, B and C", "A, B et C", "A وB وC".

In templates, between the items of a loop: `{% for part in parts %}{{ part }}{{ forloop|separator }}{% endfor %}`, and
`{{ forloop|comma }}` where "and" would be wrong, as between the lines of an address.
"""

from collections.abc import Iterable
from typing import Any

from babel import Locale
from django import template
from django.utils.translation import get_language

from cps_portal.core.lib.languages import ENGLISH, LOCALES

register = template.Library()
COMMA = {"ar": "، "}
COLON = {"fr": "\u00a0: "}
SEMICOLON = {"ar": "؛ "}


def in_words(items: Iterable[object]) -> str:
    """The items with commas, and with the language's word for "and" before the last; "" for none."""
    texts = [str(item) for item in items]
    return "".join(f"{text}{_between(place, len(texts))}" for place, text in enumerate(texts, start=1))


def with_commas(items: Iterable[object]) -> str:
    """The items with the commas of the language, without those that are empty: lines of an address, notes, numbers."""
    return comma().join(text for text in map(str, items) if text)


def with_semicolons(items: Iterable[object]) -> str:
    """Parts of a sentence that have commas themselves."""
    return SEMICOLON.get(get_language() or ENGLISH, "; ").join(map(str, items))


@register.simple_tag
def comma() -> str:
    """The comma between two things that are not a list: a name and a date, a city and its country."""
    return COMMA.get(get_language() or ENGLISH, ", ")


@register.simple_tag
def colon() -> str:
    """The colon between a name and what is said of it; French has a blank before it, where no line ends."""
    return COLON.get(get_language() or ENGLISH, ": ")


def _between(place: int, count: int) -> str:
    """What stands behind the item at this place, counted from 1; "" behind the last."""
    if place >= count:
        return ""
    name = "2" if count == 2 else "start" if place == 1 else "end" if place == count - 1 else "middle"
    pattern: str = Locale.parse(LOCALES.get(get_language() or ENGLISH, LOCALES[ENGLISH])).list_patterns["standard"][
        name
    ]
    return pattern.removeprefix("{0}").removesuffix("{1}")


@register.filter
def separator(loop: dict[str, Any]) -> str:
    """What stands between this item of a loop and the next one."""
    return _between(loop["counter"], loop["counter0"] + loop["revcounter"])


@register.filter("comma")
def comma_of_loop(loop: dict[str, Any]) -> str:
    """The comma between this item of a loop and the next one."""
    return "" if loop["last"] else comma()
