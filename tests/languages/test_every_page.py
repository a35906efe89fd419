"""Each language is whole: every page, mail and paper that members and visitors can reach, and no text left in English.

Walks the links of the demo world as a visitor and as members, sends forms empty to read their errors, and renders one
of every mail. What staff and partners wrote, and names of products, are no texts of the portal.
"""

import re
from collections import Counter, deque
from html import unescape

import pytest
from django.conf import settings
from django.test import Client
from django.urls import Resolver404, resolve
from django.utils import translation

from cps_portal.core.lib.catalogues import find_catalogues, read_catalogue
from cps_portal.core.lib.language_choice import language_of_path
from cps_portal.core.lib.languages import ENGLISH
from cps_portal.dev.mailbox.specimens import all_specimens
from members.models import Member
from servicing.models import VisitingMember
from tests.languages.catalogues import PLACEHOLDER
from tests.languages.directions import fragile_texts
from tests.languages.misses import untranslated

RIGHT_TO_LEFT = {"ar"}
OFFERED = [code for code, _name in settings.LANGUAGES if code != ENGLISH]
LINK = re.compile(r'<a\b[^>]*\bhref="(/[^"#]*)')
FORM = re.compile(r'<form\b[^>]*\bmethod="post"[^>]*>.*?</form>', re.DOTALL)
ACTION = re.compile(r'\baction="([^"]*)"')
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)"(?: value="([^"]*)")?')
NOT_WALKED = ("/admin/", "/api/", "/static/", "/language/", "/mailbox/", "/accounts/logout/", "/files/", "/developers/")
NOT_SENT = {"account_logout", "change_language", "members:theme", "close_account", "account_reset_password"}
PAGES_OF_A_KIND = 3
IN_ENGLISH = {"holidays", "endpoint_failing", "endpoint_suspended"}  # mails to staff and partners
AS_WRITTEN = {  # in the demo world: messages keep the language of the moment, and what a specimen makes up has none
    "Until we decide, you keep your points.",
    "Why did my points change?",
    "Nobody at home, and not collected",
    "Bring or send it back on time.",
}
TAGS = re.compile(r"<(script|style)\b.*?</\1>|</(?:p|div|li|h[1-6]|t[dh]|d[dt]|small|option|label)>|<[^>]+>", re.DOTALL)
TWO_STOPS = re.compile(r".{0,50}[^.\s]\.\s?\.(?![.\w]).{0,10}")
SAID_IN_ENGLISH = re.compile(r'<div class="panel__body" lang="en".*?</details>', re.DOTALL)  # the terms that bind
MIN_BLANKS = 3  # shorter ones are found in names of products and places
MEMBERS = ["ana@example.org", "ben@example.org"]


def walk(client: Client, start: str, pages: dict[str, str] | None = None) -> Counter[str]:
    """Follow the links, and send each form once without what a person types. How many pages of each kind were read."""
    read: Counter[str] = Counter()
    pages = {} if pages is None else pages
    waiting, seen, sent = deque([start]), {start}, set[str]()
    while waiting:
        path = waiting.popleft()
        kind = kind_of(path)
        if not kind or read[kind] >= PAGES_OF_A_KIND:
            continue
        response = client.get(path)
        assert response.status_code < 500, path
        read[kind] += 1
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        if response.status_code != 200 or not is_page:
            continue
        pages[path] = page = response.content.decode()
        for link in map(unescape, LINK.findall(page)):
            if link not in seen and not link.startswith(NOT_WALKED):
                seen.add(link)
                waiting.append(link)
        for form in FORM.findall(page):
            send_empty(client, path, form, sent)
    return read


def kind_of(path: str) -> str:
    address = path.partition("?")[0]
    try:
        with translation.override(language_of_path(address) or ENGLISH):
            return resolve(address).view_name
    except Resolver404:
        return ""


def send_empty(client: Client, path: str, form: str, sent: set[str]) -> None:
    action = ACTION.search(form.split(">", 1)[0])
    target = unescape(action[1]) if action and action[1] else path
    kind = kind_of(target)
    if kind and kind not in NOT_SENT and kind not in sent:
        sent.add(kind)
        values = {name: unescape(value) for name, value in HIDDEN.findall(form) if name != "csrfmiddlewaretoken"}
        assert client.post(target, values, follow=True).status_code < 500, target


def read_everything(language: str) -> tuple[set[str], dict[str, str]]:
    """What no catalogue of this language had, and all pages and mails in it."""
    pages: dict[str, str] = {}
    Member.objects.update(language=language)
    VisitingMember.objects.update(language=language)
    with untranslated(language) as found:
        kinds = walk(Client(headers={"Accept-Language": language}), f"/{language}/", pages)
        for email in MEMBERS:
            client = Client(headers={"Accept-Language": ENGLISH})
            client.force_login(Member.objects.get(user__email=email).user)
            client.get("/dashboard/")  # the session learns the language
            kinds += walk(client, "/dashboard/", pages)
        mails = {mail.name: f"{mail.subject}\n{mail.text}\n{mail.html}" for mail in all_specimens()}
    assert len(kinds) > 50 and len(mails) > 30
    return found, {**pages, **mails}


def left_in_english(pages: dict[str, str], language: str) -> set[str]:
    """Sentences that are translated, but were written in the language of somebody else."""
    translated = (
        message.id
        for message in read_catalogue(find_catalogues()[language])
        if isinstance(message.id, str) and message.string and message.id != message.string
    )
    sentences = [text for text in translated if text.count(" ") >= MIN_BLANKS and not PLACEHOLDER.search(text)]
    sentences = [text for text in sentences if text not in AS_WRITTEN]
    texts = {
        name: " ".join(unescape(SAID_IN_ENGLISH.sub(" ", page)).split())
        for name, page in pages.items()
        if name not in IN_ENGLISH
    }
    return {f"{name}: {sentence}" for name, text in texts.items() for sentence in sentences if sentence in text}


@pytest.mark.wide
@pytest.mark.parametrize("language", OFFERED or [pytest.param("", marks=pytest.mark.skip("English only"))])
def test_nothing_is_left_in_english(demo: None, language: str) -> None:
    """A text that is in no catalogue may be one that `desk_texts` takes for one of the desk.

    From right to left, numbers and Latin words keep their order, too.
    """
    found, pages = read_everything(language)
    found |= left_in_english(pages, language) | stops_twice(pages)
    if language in RIGHT_TO_LEFT:
        own = {path: page for path, page in pages.items() if path.startswith("/")}  # mails have other ways
        found |= {path for path, page in own.items() if 'dir="rtl"' not in page}
        found |= {f"{path}: {text}" for path, page in own.items() for text in fragile_texts(page)}
    assert not found, "\n".join(sorted(found))


def stops_twice(pages: dict[str, str]) -> set[str]:
    """Sentences that end with two full stops, such as one that ends with an abbreviation."""
    texts = {name: " ".join(unescape(TAGS.sub(" ", page)).split()) for name, page in pages.items()}
    return {f"{name}: {found[0]}" for name, text in texts.items() for found in TWO_STOPS.finditer(text)}


@pytest.mark.wide
def test_no_english_sentence_ends_with_two_full_stops(demo: None) -> None:
    """For the other languages, see `test_nothing_is_left_in_english`, which reads all pages as well."""
    _found, pages = read_everything(ENGLISH)
    assert not stops_twice(pages)
