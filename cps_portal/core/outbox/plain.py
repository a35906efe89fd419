"""The plain text of a mail, from its HTML: written once, both say the same."""

import re
from html.parser import HTMLParser

BLOCKS = {"p", "h1", "h2", "ul", "div"}
VOID = {"img", "meta", "link", "hr"}
FOOT = "--"
PAGE_ROWS = 2  # open rows around a paragraph: that of the page and that of its column
PAIR = ("", ": ")  # before the first and the second cell of a row
BLANKS = re.compile(r"[ \t]+")
SPACE = re.compile(r"[ \t\r\n\f]+")  # not those that keep an amount and its currency together
EMPTY_LINES = re.compile(r"\n{3,}")


class _Reader(HTMLParser):
    """Reads the layout row by row: rows of the column are paragraphs, and a row of a table in one of them is a line."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._open: list[str] = []
        self._skipped_at = 0  # how many tags were open where something began that only HTML shows
        self._links: list[tuple[str, int]] = []  # address, and how many parts there were before its words
        self._cells: list[int] = []  # cells of each open row

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self._add("\n")
        if tag == "br" or tag in VOID:
            return
        given = dict(attrs)
        self._open.append(tag)
        if self._skipped_at:
            return
        if tag == "head" or given.get("data-plain") == "no":
            self._skipped_at = len(self._open)
        else:
            self._begin(tag, given)

    def _begin(self, tag: str, given: dict[str, str | None]) -> None:
        if given.get("data-plain") == "foot":
            self._add(f"\n\n{FOOT}\n")
        elif tag == "a":
            self._links.append((given.get("href") or "", len(self.parts)))
        elif tag == "tr":
            self._cells.append(0)
            self._add("\n\n" if len(self._cells) <= PAGE_ROWS else "\n")
        elif tag == "td" and self._cells:
            self._cells[-1] += 1
            self._add(PAIR[self._cells[-1] - 1] if self._cells[-1] <= len(PAIR) else ", ")
        elif tag in BLOCKS:
            self._add("\n\n")
        elif tag == "span" and "display:block" in (given.get("style") or ""):
            self._add(", ")

    def handle_endtag(self, tag: str) -> None:
        if tag not in self._open:
            return
        while (last := self._close()) != tag:
            pass
        if last in BLOCKS:
            self._add("\n\n")

    def handle_data(self, data: str) -> None:
        self._add(SPACE.sub(" ", data))

    def _close(self) -> str:
        is_shown = not self._skipped_at
        if self._skipped_at == len(self._open):
            self._skipped_at = 0
        last = self._open.pop()
        if last == "a" and is_shown:
            address, before = self._links.pop()
            words = "".join(self.parts[before:]).strip()
            self.parts[before:] = [address if words == address else f"{words.rstrip('.:')}:\n{address}\n"]
        elif last == "tr" and is_shown:
            self._cells.pop()
        return last

    def _add(self, text: str) -> None:
        if not self._skipped_at:
            self.parts.append(text)


def plain_text(html: str) -> str:
    """What the HTML of a mail says, as text: a link as its words and its address, a row of a table as one line.

    Left out is what is marked `data-plain="no"`: the preview text, the mark, and the heading, which is the subject.
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = (BLANKS.sub(" ", line).strip().removeprefix(PAIR[1]) for line in "".join(reader.parts).split("\n"))
    return EMPTY_LINES.sub("\n\n", "\n".join(lines)).strip() + "\n"
