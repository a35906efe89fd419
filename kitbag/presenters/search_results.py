"""A product found by a search: its name with the typed words marked, and the regional name that was typed."""

import re

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from kitbag import rules
from kitbag.models import Product

ROMAN_NUMERALS = {number: numeral for numeral, number in rules.ROMAN.items()}


def matching_alias(product: Product, query: str) -> str:
    """The regional name that was typed, such as "Rebel T8i"; "" if the product's own name matches. Reads `names`."""
    tokens = rules.name_tokens(query)

    def matches(name: str) -> bool:
        words = rules.name_tokens(name)
        return all(any(word.startswith(token) for word in words) for token in tokens)

    if matches(product.name):
        return ""
    aliases = (alias.name for alias in product.names.all() if alias.name != product.name)
    return next((alias for alias in aliases if matches(alias)), "")


def mark_matches(name: str, query: str) -> SafeString:
    """The name as HTML with every word of the query in <mark>. Words that touch get one mark."""
    spans = []
    tokens = rules.name_tokens(query)
    for index, token in enumerate(tokens):
        spellings = "|".join(re.escape(spelling) for spelling in {token, ROMAN_NUMERALS.get(token, token)})
        before = r"(?<![0-9.])" if token[0].isdigit() else r"(?<![A-Za-z])"
        # The last token may be the beginning of a longer number, because it is still being typed.
        after = r"(?![0-9])" if token[-1].isdigit() and index < len(tokens) - 1 else ""
        if match := re.search(f"{before}(?:{spellings}){after}", name, re.IGNORECASE):
            spans.append(match.span())
    parts, position = [], 0
    for start, end in _joined(sorted(spans), name):
        parts += [escape(name[position:start]), "<mark>", escape(name[start:end]), "</mark>"]
        position = end
    return mark_safe("".join([*parts, escape(name[position:])]))  # noqa: S308 every piece is escaped


def _joined(spans: list[tuple[int, int]], name: str) -> list[tuple[int, int]]:
    """The spans without overlaps; those with only spaces or hyphens between them become one."""
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        if joined and re.fullmatch(r"[\s-]*", name[joined[-1][1] : start]):
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        elif not joined or start >= joined[-1][1]:
            joined.append((start, end))
    return joined
