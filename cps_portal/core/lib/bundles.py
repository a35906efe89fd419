"""Serves style sheets and scripts as few small files, while their source is one file per component or purpose."""

import re
from pathlib import Path
from tempfile import NamedTemporaryFile

from django.conf import settings
from django.contrib.staticfiles.finders import BaseStorageFinder
from django.core.files.storage import FileSystemStorage
from rjsmin import jsmin

SOURCES = settings.BASE_DIR / "static"
STYLE_SHEET = "css/portal.css"
INDEXES = {
    STYLE_SHEET: SOURCES / "css" / "portal" / "index.css",
    "css/desk.css": SOURCES / "css" / "desk" / "index.css",
}
SCRIPTS = {  # in the order in which they run; those of a few pages are files of their own
    "js/portal.js": [SOURCES / "js" / name for name in ("app.js", "notes.js", "forms.js")],
    "js/members.js": [SOURCES / "js" / name for name in ("requests.js", "offline.js")],
}
BUILD_DIR = settings.BASE_DIR / ".build" / "bundles"  # of its own: all that lies in it is published
IMPORT = re.compile(r'^@import "([\w/.-]+\.css)" layer\((\w+)\);$', re.MULTILINE)

STRING_OR_COMMENT = re.compile(r"""("[^"]*")|/\*.*?\*/""", re.DOTALL)
SPARE = re.compile(r"""("[^"]*")|\s*([{};,])\s*|\s+""")


class BundleStorage(FileSystemStorage):
    """A folder with nothing but the bundles, written at every look: an edit shows at the next reload."""

    def exists(self, name: str) -> bool:
        return name in {*INDEXES, *SCRIPTS} and write_bundle(Path(self.location), name).exists()

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        for name in (*INDEXES, *SCRIPTS):
            write_bundle(Path(self.location), name)
        return super().listdir(path)


class BundleFinder(BaseStorageFinder):
    storage = BundleStorage(location=BUILD_DIR)


def write_bundle(folder: Path, name: str) -> Path:
    target = folder / name
    text = bundle(name)
    if not target.exists() or target.read_text() != text:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Several processes may write it at once, and none may read half of it.
        with NamedTemporaryFile("w", dir=target.parent, prefix=".", delete=False) as file:
            file.write(text)
        Path(file.name).replace(target)
    return target


def bundle(name: str) -> str:
    """The text of a style sheet or script of `INDEXES` or `SCRIPTS`, without comments and spare white space."""
    if name in SCRIPTS:
        return str(jsmin("\n".join(path.read_text() for path in SCRIPTS[name])))
    return shorten(join_imports(INDEXES[name]))


def shorten(css: str) -> str:
    """The same rules without comments and spare white space.

    A space before a colon stays: `.a :focus` is something inside `.a`. Minifiers that read no nested blocks lose it.
    """
    spaced = STRING_OR_COMMENT.sub(lambda match: match[1] or " ", css)
    return SPARE.sub(lambda match: match[1] or match[2] or " ", spaced).strip()


def join_imports(index: Path) -> str:
    """The text of `index` with every `@import "file.css" layer(name);` replaced by that file in that layer.

    Sheets of others stay imports by `url(...)`: the joined file is one folder above the index.
    """

    def imported(match: re.Match[str]) -> str:
        return f"@layer {match[2]} {{\n{(index.parent / match[1]).read_text()}}}"

    return IMPORT.sub(imported, index.read_text()).replace('url("../../', 'url("../')
