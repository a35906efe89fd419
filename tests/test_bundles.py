"""Style sheets and scripts of every page: few small files, joined from one file per component or purpose."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.utils import get_files

from cps_portal.core.lib import bundles
from cps_portal.core.lib.bundles import (
    INDEXES,
    SCRIPTS,
    STYLE_SHEET,
    BundleFinder,
    BundleStorage,
    bundle,
    join_imports,
    shorten,
)
from cps_portal.site.views.offline import ASSETS
from tests.rows import each_row

COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
SELECTORS = re.compile(r"([^{}]+)\{")
CLASS = re.compile(r"\.([a-z][\w-]*)")


def test_the_browser_gets_one_sheet() -> None:
    for name, index in INDEXES.items():
        css = Path(str(finders.find(name))).read_text()
        assert css == bundle(name) == shorten(join_imports(index))
        assert re.findall(r"@import (?!url\(\"\.\./admin/css/)", css) == [], name
        assert css.index("@layer tokens,") < css.index("@layer tokens{")


def test_what_is_shortened_says_the_same() -> None:
    css = """/* a: "b" */ .a :focus , .b:is(p , q)  {\n  width: calc(1px + 2px);\n  content: "/*  , */ ;  "; }\n"""
    assert shorten(css) == """.a :focus,.b:is(p,q){width: calc(1px + 2px);content: "/*  , */ ;  ";}"""


def test_scripts_are_joined_in_their_order() -> None:
    for name, sources in SCRIPTS.items():
        script = Path(str(finders.find(name))).read_text()
        assert script.count('"use strict"') == len(sources)
        assert len(script) < sum(len(path.read_text()) for path in sources)
    assert bundle("js/portal.js").index("portalNotes=") < bundle("js/portal.js").index("=window.portalNotes")


def test_nothing_but_the_bundles_is_published_from_their_folder() -> None:
    """The gate builds other things beside it."""
    assert {name for name, _storage in BundleFinder().list([])} == {*INDEXES, *SCRIPTS}


def test_every_source_is_imported_once() -> None:
    for index in INDEXES.values():
        imported = re.findall(r'@import "((?!\.\./)[^"]+)"', index.read_text())
        sources = [path.relative_to(index.parent).as_posix() for path in index.parent.rglob("*.css") if path != index]
        assert sorted(imported) == sorted(sources)


def test_an_edit_shows_at_the_next_request(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    index, part = tmp_path / "index.css", tmp_path / "part.css"
    index.write_text('@layer base;\n@import "part.css" layer(base);\n')
    monkeypatch.setattr(bundles, "SCRIPTS", {})
    monkeypatch.setattr(bundles, "INDEXES", {STYLE_SHEET: index})
    storage = BundleStorage(location=tmp_path / "build")
    for rule in ("b{color: red;}", "b{color: blue;}"):
        part.write_text(rule)
        assert storage.exists(STYLE_SHEET)
        assert Path(storage.path(STYLE_SHEET)).read_text() == f"@layer base;@layer base{{{rule}}}"
    assert list(get_files(storage)) == [STYLE_SHEET]


@each_row("name", ASSETS)
def test_the_offline_pages_name_files_that_exist(name: str) -> None:
    assert finders.find(name)


def test_no_class_is_styled_that_nothing_uses() -> None:
    """A class counts as used if its name is a word of a template, a script or the Python code, or of Django's admin."""
    root, django_admin = Path(settings.BASE_DIR), Path(admin.__file__).parent
    folders = [root / name for name in ("templates", "static/js", "cps_portal", "members", "kitbag", "servicing")]
    users = [
        path
        for folder in (*folders, django_admin)
        for path in folder.rglob("*")
        if path.suffix in {".html", ".js", ".py"}
    ]
    words = {word for path in users for word in re.findall(r"[\w-]+", path.read_text())}
    css = COMMENT.sub("", "".join(join_imports(index) for index in INDEXES.values()))
    styled = {name for selector in SELECTORS.findall(css) for name in CLASS.findall(selector)}
    assert len(styled) > 200
    assert styled - words == set()
