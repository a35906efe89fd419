"""Serves the portal's style sheet as one file, while its source is one file per component."""

import re
from pathlib import Path
from tempfile import NamedTemporaryFile

from django.conf import settings
from django.contrib.staticfiles.finders import BaseStorageFinder
from django.core.files.storage import FileSystemStorage

STYLE_SHEET = "css/portal.css"
INDEX = settings.BASE_DIR / "static" / "css" / "portal" / "index.css"
BUILD_DIR = settings.BASE_DIR / ".build"
IMPORT = re.compile(r'^@import "([\w/-]+\.css)" layer\((\w+)\);$', re.MULTILINE)


class StyleSheetStorage(FileSystemStorage):
    """A folder with nothing but the style sheet, written at every look: an edit shows at the next reload."""

    def exists(self, name: str) -> bool:
        return name == STYLE_SHEET and write_style_sheet(Path(self.location)).exists()

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        write_style_sheet(Path(self.location))
        return super().listdir(path)


class StyleSheetFinder(BaseStorageFinder):
    storage = StyleSheetStorage(location=BUILD_DIR)


def write_style_sheet(folder: Path) -> Path:
    target = folder / STYLE_SHEET
    css = join_imports(INDEX)
    if not target.exists() or target.read_text() != css:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Several processes may write it at once, and none may read half of it.
        with NamedTemporaryFile("w", dir=target.parent, prefix=".", delete=False) as file:
            file.write(css)
        Path(file.name).replace(target)
    return target


def join_imports(index: Path) -> str:
    """The text of `index` with every `@import "file.css" layer(name);` replaced by that file in that layer."""

    def imported(match: re.Match[str]) -> str:
        return f"@layer {match[2]} {{\n{(index.parent / match[1]).read_text()}}}"

    return IMPORT.sub(imported, index.read_text())
