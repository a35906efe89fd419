"""Put what was kept back into the forms of a page (R71).

It changes the HTML of the page, so that neither views nor forms have to know of it, and nothing can send it by itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from cps_portal.core.submissions.models import KeptForm

NEVER_FILLED = frozenset({"hidden", "submit", "button", "image", "reset", "file", "password"})
Attributes = dict[str, str | None]


@dataclass(frozen=True)
class Edit:
    """Replace the text from `start` to `end`."""

    start: int
    end: int
    text: str


@dataclass
class OpenForm:
    """A form that is being read, the values that are left for it, and the changes so far."""

    kept: KeptForm
    start: int
    values: dict[str, list[str]]
    edits: list[Edit] = field(default_factory=list)
    is_filled: bool = False


class FormFiller(HTMLParser):
    """Collects the `edits` that fill in the forms of a page. Hidden fields stay as the page has them."""

    def __init__(self, html: str, *, page: str, kept: Sequence[KeptForm], decorate: "Decorate") -> None:
        super().__init__(convert_charrefs=False)
        self.html, self.page, self.decorate = html, page, decorate
        self.waiting = list(kept)
        self.edits: list[Edit] = []
        self.form: OpenForm | None = None
        self.upload: tuple[str, set[str]] | None = None  # the name of a field for files, and the keys it lists
        self.textarea: tuple[str, int] | None = None  # its new content, and where the old one begins
        self.select: tuple[list[str], list[tuple[int, int, Attributes]]] | None = None
        self._line_starts = [0, *(place + 1 for place, char in enumerate(html) if char == "\n")]
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "form":
            self.form = self._open_form(attributes)
        elif self.form is None:
            return
        elif tag == "input":
            self._fill_input(self.form, attributes)
        elif tag == "textarea" and (value := _take(self.form, attributes)) is not None:
            self.textarea = (value, self._end_of_tag())
        elif tag == "select" and attributes.get("name") in self.form.values:
            self.select = (self.form.values[str(attributes["name"])], [])
        elif tag == "option" and self.select and attributes.get("value") is not None:
            self.select[1].append((self._place(), self._end_of_tag(), attributes))
        elif tag == "div" and "data-upload" in attributes:
            self.upload = (f"{attributes.get('data-name')}_keys", set())

    def handle_endtag(self, tag: str) -> None:
        if self.form is None:
            return
        if tag == "textarea" and self.textarea:
            text, start = self.textarea
            # HTML drops the first line break of a textarea.
            self._add(self.form, Edit(start, self._place(), "\n" + escape(text)))
            self.textarea = None
        elif tag == "select" and self.select:
            self._fill_select(self.form, *self.select)
            self.select = None
        elif tag == "ul" and self.upload:
            self._add_files(self.form, *self.upload)
            self.upload = None
        elif tag == "form":
            self._close_form(self.form)
            self.form = None

    def _open_form(self, attributes: Attributes) -> OpenForm | None:
        path = urlsplit(urljoin(self.page, attributes.get("action") or self.page)).path
        kept = next((form for form in self.waiting if form.path == path), None)
        if kept is None or (attributes.get("method") or "").lower() != "post":
            return None
        return OpenForm(kept, self._place(), {name: list(values) for name, values in kept.fields})

    def _close_form(self, form: OpenForm) -> None:
        if form.is_filled:
            self.waiting.remove(form.kept)
            self.edits += [Edit(form.start, form.start, self.decorate.notice(form.kept)), *form.edits]

    def _fill_input(self, form: OpenForm, attributes: Attributes) -> None:
        kind = (attributes.get("type") or "text").lower()
        if kind == "hidden" and self.upload and attributes.get("name") == self.upload[0]:
            self.upload[1].add(str(attributes.get("value")))
        elif kind in ("checkbox", "radio"):
            checked = (attributes.get("value") or "on") in form.values.get(attributes.get("name") or "", [])
            self._replace(form, "input", _marked(attributes, "checked", on=checked), filled=checked)
        elif kind not in NEVER_FILLED and (value := _take(form, attributes)) is not None:
            self._replace(form, "input", {**attributes, "value": value}, filled=True)

    def _fill_select(self, form: OpenForm, values: list[str], options: list[tuple[int, int, Attributes]]) -> None:
        """Choose the same options; if they are no longer there, the list stays as it is."""
        if not any(attributes["value"] in values for _start, _end, attributes in options):
            return
        form.is_filled = True
        for start, end, attributes in options:
            marked = _marked(attributes, "selected", on=attributes["value"] in values)
            form.edits.append(Edit(start, end, _tag("option", marked)))

    def _add_files(self, form: OpenForm, name: str, listed: set[str]) -> None:
        """Add the files that the list does not have yet at its end."""
        for key in form.values.get(name, []):
            if key not in listed and (line := self.decorate.file(name.removesuffix("_keys"), key)):
                self._add(form, Edit(self._place(), self._place(), line))

    def _replace(self, form: OpenForm, tag: str, attributes: Attributes, *, filled: bool) -> None:
        form.edits.append(Edit(self._place(), self._end_of_tag(), _tag(tag, attributes)))
        form.is_filled = form.is_filled or filled

    def _add(self, form: OpenForm, edit: Edit) -> None:
        form.edits.append(edit)
        form.is_filled = True

    def _place(self) -> int:
        line, column = self.getpos()
        return self._line_starts[line - 1] + column

    def _end_of_tag(self) -> int:
        return self._place() + len(self.get_starttag_text() or "")


@dataclass(frozen=True)
class Decorate:
    """How to show that a form was filled in, and a file (by the name of its field and its key; "" if it is gone)."""

    notice: Callable[[KeptForm], str]
    file: Callable[[str, str], str]


def fill_in(html: str, *, page: str, kept: Sequence[KeptForm], decorate: Decorate) -> str:
    """The page with what was kept in its forms. A form that does not have the fields any more stays as it is."""
    pieces, place = [], 0
    for edit in sorted(FormFiller(html, page=page, kept=kept, decorate=decorate).edits, key=lambda edit: edit.start):
        pieces += [html[place : edit.start], edit.text]
        place = edit.end
    return "".join([*pieces, html[place:]])


def _take(form: OpenForm, attributes: Attributes) -> str | None:
    """The next value kept for this field; None if there is none."""
    values = form.values.get(attributes.get("name") or "")
    return values.pop(0) if values else None


def _marked(attributes: Attributes, mark: str, *, on: bool) -> Attributes:
    without = {name: value for name, value in attributes.items() if name != mark}
    return {**without, mark: None} if on else without


def _tag(name: str, attributes: Attributes) -> str:
    parts = [key if value is None else f'{key}="{escape(value)}"' for key, value in attributes.items()]
    return f"<{' '.join([name, *parts])}>"
