"""Numbers and codes on a page that is read from right to left, which would change their order there."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

# Groups of digits, signed numbers, ranges of times: the parts would change places, or a sign its end.
FRAGILE = re.compile(r"\+?\d{2,}(?: \d{2,})+|(?<![\w/])[+−]\d|\d{1,2}:\d{2}\s?[–-]\s?\d{1,2}:\d{2}")
ISOLATED = re.compile("\u2066[^\u2069]*\u2069")
EMPTY = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "use", "wbr", "path"}
NOT_SHOWN = {"script", "style", "title", "option", "textarea"}


class _Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, bool]] = []  # each element, and whether what is in it keeps its own direction
        self.fragile: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        is_isolated = tag in NOT_SHOWN or tag == "bdi" or given.get("dir") == "ltr" or given.get("dir") == "auto"
        is_isolated = is_isolated or "ltr" in (given.get("class") or "").split()
        if tag not in EMPTY:
            self.open.append((tag, is_isolated))

    def handle_endtag(self, tag: str) -> None:
        while self.open and any(name == tag for name, _isolated in self.open):
            if self.open.pop()[0] == tag:
                return

    def handle_data(self, data: str) -> None:
        if not any(isolated for _name, isolated in self.open) and FRAGILE.search(ISOLATED.sub("", data)):
            self.fragile.append(" ".join(data.split()))


def fragile_texts(page: str) -> Iterator[str]:
    """The texts of a page with a number that its reader would see in another order."""
    parser = _Texts()
    parser.feed(page)
    yield from parser.fragile
