"""Serves each style sheet, of members and of staff, as one file, while its source is one file per component."""

import re
from pathlib import Path
from tempfile import NamedTemporaryFile

from django.conf import settings
from django.contrib.staticfiles.finders import BaseStorageFinder
from django.core.files.storage import FileSystemStorage

SOURCES = settings.BASE_DIR / "static" / "css"
STYLE_SHEET = "css/portal.css"
INDEXES = {STYLE_SHEET: SOURCES / "portal" / "index.css", "css/desk.css": SOURCES / "desk" / "index.css"}
BUILD_DIR = settings.BASE_DIR / ".build" / "style"  # of its own: all that lies in it is published
IMPORT = re.compile(r'^@import "([\w/.-]+\.css)" layer\((\w+)\);$', re.MULTILINE)


class StyleSheetStorage(FileSystemStorage):
    """A folder with nothing but the style sheets, written at every look: an edit shows at the next reload."""

    def exists(self, name: str) -> bool:
        return name in INDEXES and write_style_sheet(Path(self.location), name).exists()

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        for name in INDEXES:
            write_style_sheet(Path(self.location), name)
        return super().listdir(path)


class StyleSheetFinder(BaseStorageFinder):
    storage = StyleSheetStorage(location=BUILD_DIR)


def write_style_sheet(folder: Path, name: str) -> Path:
    target = folder / name
    css = join_imports(INDEXES[name])
    if not target.exists() or target.read_text() != css:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Several processes may write it at once, and none may read half of it.
        with NamedTemporaryFile("w", dir=target.parent, prefix=".", delete=False) as file:
            file.write(css)
        Path(file.name).replace(target)
    return target


def join_imports(index: Path) -> str:
    """The text of `index` with every `@import "file.css" layer(name);` replaced by that file in that layer.

    Sheets of others stay imports by `url(...)`: the joined file is one folder above the index.
    """

    def imported(match: re.Match[str]) -> str:
        return f"@layer {match[2]} {{\n{(index.parent / match[1]).read_text()}}}"

    return IMPORT.sub(imported, index.read_text()).replace('url("../../', 'url("../')
