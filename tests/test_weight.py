"""The size of a first visit on the wire: each page that a visitor or a member can open, and everything it loads."""

import fcntl
import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from django.core.management import call_command
from django.http import HttpResponse
from django.test import Client, override_settings
from django.urls import Resolver404, resolve
from pytest_django import Settings

from cps_portal.settings import base
from members.models import User
from tests.conftest import shared_folder
from tests.world import World

pytestmark = pytest.mark.wide
MAX_BYTES = 60_000
NEEDED = re.compile(r"""<(?:link|script|img|use|source)\b[^>]*?\s(?:href|src)="([^"]+)\"""")
WHEN_INSTALLED = re.compile(r"""<link rel="apple-touch-icon"[^>]*>""")  # loaded for the home screen alone
OF_CSS = re.compile(r"""(?:url\(|@import\s)\s*["']?([^"')]+)""")
LOADED_AT_ONCE = re.compile(r"""<[^>]*\shx-get="([^"]+)"[^>]*\shx-trigger="[^"]*\bload\b""")
LINK = re.compile(r"""<a\b[^>]*\shref="(/[^"?#]*)""")
OF_STAFF = ("/admin/", "/api/")
MANY = 50  # kinds of members' pages
PACKED = (".gz", ".br")
HASHED = re.compile(r"\.[0-9a-f]{12}\.\w+$")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, testrun_uid: str) -> Path:
    """The static files as a deployment collects them: once for all workers, because compressing them takes a minute."""
    shared = shared_folder(tmp_path_factory, testrun_uid)
    folder, done = shared / "static", shared / "static.done"
    with (shared / "static.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            with override_settings(STATIC_ROOT=folder, STORAGES=base.STORAGES):
                call_command("collectstatic", interactive=False, verbosity=0)
            done.touch()
    return folder


@pytest.fixture
def collected(settings: Settings, folder: Path) -> Path:
    """Served from there."""
    settings.STATIC_ROOT = folder
    settings.STORAGES = base.STORAGES
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = False
    return folder


def needed(html: str, root: Path) -> set[Path]:
    """The static files of a page, and those that its style sheets name."""
    addresses = {address for address in NEEDED.findall(WHEN_INSTALLED.sub("", html)) if "/static/" in address}
    for sheet in [address for address in addresses if address.endswith(".css")]:
        text = file_of(sheet, root).read_text()
        named = {found for found in OF_CSS.findall(text) if not found.startswith(("data:", "#"))}
        addresses |= {urljoin(sheet, found) for found in named}
    return {file_of(address, root) for address in addresses}


def file_of(address: str, root: Path) -> Path:
    return root / unquote(urlsplit(address).path).removeprefix("/static/")


def sent(path: Path) -> int:
    """Its size on the wire, as a browser of today asks for it: compressed where that is smaller."""
    sizes = [path.with_name(f"{path.name}{ending}") for ending in ("", ".gz", ".br")]
    return min(file.stat().st_size for file in sizes if file.exists())


def packed_twice(path: Path) -> bool:
    return all(path.with_name(f"{path.name}{ending}").exists() for ending in PACKED)


def fetch(client: Client, path: str, **headers: str) -> HttpResponse:
    return client.get(path, headers={"Accept-Encoding": "gzip", **headers})


def weights(client: Client, page: HttpResponse, root: Path) -> dict[str, int]:
    """Bytes by name: the page, the parts that it asks for as soon as it is there, and their files."""
    assert page["Content-Encoding"] == "gzip", "the page itself leaves compressed"
    html = unpacked(page)
    parts = {path: fetch(client, unescape(path), HX_Request="true") for path in LOADED_AT_ONCE.findall(html)}
    files = needed(html + "".join(unpacked(part) for part in parts.values()), root)
    texts = {"the page": page, **parts}
    return {**{name: len(each.content) for name, each in texts.items()}, **{path.name: sent(path) for path in files}}


def unpacked(answer: HttpResponse) -> str:
    packed = answer.get("Content-Encoding") == "gzip"
    return (gzip.decompress(answer.content) if packed else answer.content).decode()


def pages(client: Client, start: list[str]) -> Iterator[tuple[str, HttpResponse]]:
    """The pages that can be reached from `start`, at most two by the same view."""
    waiting, seen, counts = list(start), set(start), Counter[str]()
    for path in waiting:
        try:
            view = resolve(path).view_name
        except Resolver404:  # a file
            continue
        if counts[view] >= 2 or path.startswith(OF_STAFF):
            continue
        answer = fetch(client, path)
        if answer.status_code != 200 or not answer["Content-Type"].startswith("text/html"):
            continue
        counts[view] += 1
        yield path, answer
        found = [unescape(link) for link in LINK.findall(unpacked(answer))]
        waiting += [link for link in dict.fromkeys(found) if link not in seen]
        seen.update(found)


def test_a_visitors_first_page_weighs_at_most_60_kilobytes(demo: None, collected: Path) -> None:
    visitor = Client()
    found = {path: weights(visitor, page, collected) for path, page in pages(visitor, ["/", "/help/", "/centres/"])}
    assert {".css", ".js", ".svg"} <= {Path(name).suffix for name in found["/"]}, "the test finds what the page needs"
    assert {"/help/", "/centres/", "/accounts/login/", "/accounts/signup/"} <= found.keys()
    assert {path: of for path, of in found.items() if sum(of.values()) > MAX_BYTES} == {}


def test_a_members_first_page_weighs_at_most_60_kilobytes(demo: None, collected: Path) -> None:
    member = Client()
    member.force_login(User.objects.get(email="ana@example.org"))
    found = {path: weights(member, page, collected) for path, page in pages(member, ["/dashboard/", "/kitbag/"])}
    assert len(found) > MANY
    assert len([name for name in found["/kitbag/"] if name.startswith("lens-")]) > 2, "the drawings are counted"
    assert {path: of for path, of in found.items() if sum(of.values()) > MAX_BYTES} == {}


def test_static_files_are_hashed_and_compressed(world: World, collected: Path) -> None:
    files = needed(Client().get("/").content.decode(), collected)
    assert [path.name for path in files if not HASHED.search(path.name)] == []
    large = [path for path in files if path.stat().st_size > 1000]
    assert large and [path.name for path in large if not packed_twice(path)] == []
    names = json.loads((collected / "staticfiles.json").read_text())["paths"]
    own = {str(path.relative_to(base.BASE_DIR / "static")) for path in (base.BASE_DIR / "static").rglob("*.*")}
    assert own <= names.keys()
    kept = {path for path in collected.rglob("*") if path.is_file() and path.suffix not in PACKED}
    assert {str(path.relative_to(collected)) for path in kept} == {*names.values(), "staticfiles.json"}
