"""The size of a first visit on the wire: the public home page and everything it loads."""

import gzip
import json
import re
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from cps_portal.settings import base
from tests.world import World

pytestmark = pytest.mark.wide
MAX_BYTES = 60_000
NEEDED = re.compile(r"""<(?:link|script|img|use|source)\b[^>]*?\s(?:href|src)="([^"]+)\"""")
OF_CSS = re.compile(r"""(?:url\(|@import\s)\s*["']?([^"')]+)""")
HASHED = re.compile(r"\.[0-9a-f]{12}\.\w+$")


@pytest.fixture
def collected(settings: Settings, tmp_path: Path) -> Path:
    """The static files as a deployment collects them."""
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STORAGES = base.STORAGES
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = False
    call_command("collectstatic", interactive=False, verbosity=0)
    return Path(settings.STATIC_ROOT)


def needed(html: str, root: Path) -> set[Path]:
    """The static files of a page, and those that its style sheets name."""
    addresses = {address for address in NEEDED.findall(html) if "/static/" in address}
    for sheet in [address for address in addresses if address.endswith(".css")]:
        text = file_of(sheet, root).read_text()
        named = {found for found in OF_CSS.findall(text) if not found.startswith(("data:", "#"))}
        addresses |= {urljoin(sheet, found) for found in named}
    return {file_of(address, root) for address in addresses}


def file_of(address: str, root: Path) -> Path:
    return root / unquote(urlsplit(address).path).removeprefix("/static/")


def sent(path: Path) -> int:
    """Its size on the wire: compressed where that is smaller."""
    packed = path.with_name(f"{path.name}.gz")
    return (packed if packed.exists() else path).stat().st_size


def test_a_first_visit_weighs_at_most_60_kilobytes(world: World, collected: Path) -> None:
    answer = Client().get("/", headers={"Accept-Encoding": "gzip"})
    assert answer["Content-Encoding"] == "gzip", "the page itself leaves compressed"
    files = needed(gzip.decompress(answer.content).decode(), collected)
    kinds = {path.suffix for path in files}
    assert {".css", ".js", ".svg"} <= kinds, "the test finds what the page needs"
    weights = {"the page": len(answer.content), **{path.name: sent(path) for path in files}}
    assert sum(weights.values()) <= MAX_BYTES, weights


def test_static_files_are_hashed_and_compressed(world: World, collected: Path) -> None:
    files = needed(Client().get("/").content.decode(), collected)
    assert [path.name for path in files if not HASHED.search(path.name)] == []
    large = [path for path in files if path.stat().st_size > 1000]
    assert large and [path.name for path in large if not path.with_name(f"{path.name}.gz").exists()] == []
    names = json.loads((collected / "staticfiles.json").read_text())["paths"]
    own = {str(path.relative_to(base.BASE_DIR / "static")) for path in (base.BASE_DIR / "static").rglob("*.*")}
    assert own <= names.keys()
