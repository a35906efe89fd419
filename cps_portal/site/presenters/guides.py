"""The guides for partners as pages: docs/api as HTML, with a table of contents and a search (R55)."""

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify
from markdown_it import MarkdownIt
from markdown_it.token import Token

from cps_portal.core.lib.folding import fold

DOCS = Path(settings.BASE_DIR, "docs")
# The guides in the order in which they are read: the name in the address, the file, and what it is for.
GUIDES: dict[str, tuple[str, str]] = {
    "quick-start": ("api/quickstart.md", "From a credential to your first message, in ten minutes."),
    "sandbox": ("api/sandbox.md", "Sample data, a clock that you move, events and failures on demand, magic serials."),
    "overview": ("api/README.md", "Tokens, idempotency, ETags, lists, limits and versions: what all operations share."),
    "centres": ("api/centres.md", "A repair from arrival to return shipment, intake, loans and files."),
    "retailers": ("api/retailers.md", "Confirm what you sell, and read the catalogue."),
    "fulfilment": ("fulfilment.md", "Welcome Packs and membership cards: what we send, and what you report."),
    "webhooks": ("api/webhooks.md", "Events that we send to you: verify, order, test and replay them."),
    "errors": ("api/errors.md", "Every error code, with what to do."),
    "clients": ("api/clients.md", "A typed Python client and a collection for API tools, made from the contract."),
    "changelog": ("api/changelog.md", "What has changed for partners."),
}
SLUGS = {file: slug for slug, (file, _about) in GUIDES.items()}
EXCERPT = 200  # characters


@dataclass(frozen=True)
class Section:
    """A heading of a guide with the text below it."""

    anchor: str
    title: str
    text: str

    def excerpt(self) -> str:
        return self.text if len(self.text) <= EXCERPT else f"{self.text[:EXCERPT].rsplit(' ', 1)[0]} …"


@dataclass(frozen=True)
class Guide:
    slug: str
    title: str
    about: str
    html: SafeString
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class Hit:
    guide: Guide
    section: Section


@lru_cache
def all_guides() -> tuple[Guide, ...]:
    """Read and converted once per process: they come with the release."""
    return tuple(_guide(slug, file, about) for slug, (file, about) in GUIDES.items())


def find_guide(slug: str) -> Guide | None:
    return next((guide for guide in all_guides() if guide.slug == slug), None)


def search(query: str) -> list[Hit]:
    """Sections that have every word, those with all of them in the title first."""
    words = fold(query).split()
    if not words:
        return []
    hits = [
        Hit(guide, section)
        for guide in all_guides()
        for section in guide.sections
        if all(word in fold(f"{guide.title} {section.title} {section.text}") for word in words)
    ]
    return sorted(hits, key=lambda hit: not all(word in fold(hit.section.title) for word in words))


def _guide(slug: str, file: str, about: str) -> Guide:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse((DOCS / file).read_text(encoding="utf-8"))
    title = tokens[1].content
    body = tokens[3:]  # the page has the heading of the first level
    sections = _sections(title, body)
    _give_anchors(body, [section.anchor for section in sections[1:]])
    for token in body:
        for child in token.children or ():
            if child.type == "link_open":
                child.attrs["href"] = _address(str(child.attrs["href"]), file)
    html = str(parser.renderer.render(body, parser.options, {}))
    html = html.replace("<table>", '<div class="table-box" tabindex="0"><table class="table">')
    html = html.replace("</table>", "</table></div>").replace("<pre>", '<pre tabindex="0">')
    return Guide(slug, title, about, mark_safe(html), tuple(sections))  # noqa: S308 (our own files, html is off)


def _sections(title: str, tokens: Sequence[Token]) -> list[Section]:
    """What stands before the first heading, and below each one."""
    found: list[tuple[str, list[str]]] = [(title, [])]
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            found.append((_plain(tokens[place + 1].content), []))
        elif token.type in ("inline", "fence") and tokens[place - 1].type != "heading_open":
            found[-1][1].append(_plain(token.content) if token.type == "inline" else token.content)
    anchors: list[str] = []
    for name, _texts in found:
        anchor = slugify(name)
        anchors.append(anchor if anchor not in anchors else f"{anchor}-{len(anchors)}")
    return [
        Section("" if not place else anchors[place], name, " ".join(" ".join(texts).split()))
        for place, (name, texts) in enumerate(found)
    ]


def _give_anchors(tokens: Sequence[Token], anchors: Sequence[str]) -> None:
    headings = [token for token in tokens if token.type == "heading_open"]
    for token, anchor in zip(headings, anchors, strict=True):
        token.attrs["id"] = anchor


def _plain(text: str) -> str:
    """Without the marks of Markdown."""
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text).replace("`", "").replace("**", "")


def _address(href: str, file: str) -> str:
    """A link between the files, as one between the pages. What is no page is named by its path in the project."""
    if re.match(r"[a-z]+:|#", href):
        return href
    path, _hash, anchor = href.partition("#")
    target = posixpath.normpath(posixpath.join(posixpath.dirname(file), path))
    if target == "openapi.yaml":
        return reverse("api-schema")
    if target == "api/postman_collection.json":
        return reverse("guide_collection")
    if target not in SLUGS:
        raise ValueError(f"{file} links to {href}, which is no page of the portal")
    return reverse("guide", args=[SLUGS[target]]) + (f"#{escape(anchor)}" if anchor else "")
