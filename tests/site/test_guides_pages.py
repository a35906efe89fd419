"""The guides for partners as pages: whole, linked, searchable, and without anything from elsewhere (R55)."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from cps_portal.site.presenters.guides import DOCS, GUIDES, SLUGS, all_guides, search
from tests.rows import each_row


class Page(HTMLParser):
    """The links, identities and loaded resources of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if "id" in found:
            self.ids.append(found["id"])
        if tag == "a":
            self.links.append(found.get("href", ""))
        elif tag in ("script", "img", "iframe", "source") and "src" in found:
            self.loaded.append(found["src"])
        elif tag == "link" and found.get("rel") in ("stylesheet", "icon", "manifest"):
            self.loaded.append(found["href"])


def read(client: Client, path: str) -> Page:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return Page(answer.content.decode())


def test_every_guide_is_a_page() -> None:
    written = {f"api/{file.name}" for file in (DOCS / "api").glob("*.md")} | {"fulfilment.md"}
    assert written == set(SLUGS)


@pytest.mark.django_db
@each_row("slug", list(GUIDES))
def test_a_guide_is_whole_and_its_links_lead_somewhere(client: Client, slug: str) -> None:
    page = read(client, f"/developers/{slug}/")
    assert len(page.ids) == len(set(page.ids))
    assert all(address.startswith("/") for address in page.loaded), page.loaded
    guide = client.get(f"/developers/{slug}/").content.decode().partition('<div class="guide">')[2]
    for link in Page(guide.partition("</main>")[0]).links:
        path, _hash, anchor = link.partition("#")
        if link.startswith("http"):
            continue
        answer = client.get(path) if path else None
        assert answer is None or answer.status_code in (200, 302), link
        there = Page(answer.content.decode()) if answer and anchor else page
        assert not anchor or anchor in there.ids, f"{slug}: {link}"


@pytest.mark.django_db
def test_the_text_is_that_of_the_file(client: Client) -> None:
    answer = client.get("/developers/webhooks/").content.decode()
    assert "<h1>Guide to webhooks</h1>" in answer
    assert answer.count("<h1") == 1
    assert "timingSafeEqual" in answer
    assert "&lt;" not in re.sub(r"<pre.*?</pre>|<code>.*?</code>", "", answer, flags=re.DOTALL)  # no mark is left over


def test_a_search_finds_sections_by_every_word() -> None:
    def found(query: str) -> list[tuple[str, str]]:
        return [(hit.guide.slug, hit.section.title) for hit in search(query)]

    assert ("errors", "Serial numbers") in found("serial_shortened")
    assert ("overview", "Authentication") in found("client credentials")
    assert found("Testing")[0][1] != ""
    assert found("idempotency KEY") == found("key Idempotency") != []
    assert found("zebra") == found("   ") == []
    assert all(hit.section.text for hit in search("webhook-id"))


@pytest.mark.django_db
@each_row(("query", "expected"), [("signature", "section"), ("zebra", "found nothing"), ("\x00<b>", "found nothing")])
def test_the_search_says_how_many(client: Client, query: str, expected: str) -> None:
    answer: Any = client.get("/developers/", {"q": query})
    assert expected in answer.content.decode()
    assert "<b>" not in answer.content.decode()


@pytest.mark.django_db
def test_an_unknown_guide_is_not_found(client: Client) -> None:
    assert client.get("/developers/nothing/").status_code == 404
    assert client.post("/developers/").status_code == 405


@pytest.mark.django_db
def test_a_guide_reads_no_table_of_its_own(client: Client) -> None:
    client.get("/developers/errors/")
    with CaptureQueriesContext(connection) as queries:
        client.get("/developers/errors/")
    assert not [query for query in queries if "FROM" in query["sql"]]


@pytest.mark.django_db
def test_the_collection_can_be_downloaded(client: Client) -> None:
    answer = client.get("/developers/collection.json")
    assert answer.json()["info"]["name"] == "CPS portal API"
    assert "attachment" in answer["Content-Disposition"]


def test_all_guides_have_sections_with_anchors() -> None:
    for guide in all_guides():
        anchors = [section.anchor for section in guide.sections[1:]]
        assert len(anchors) == len(set(anchors))
        assert all(anchors)
