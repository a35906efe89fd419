"""The catalogues of translations in locale/: made ready for Django, and how complete they are.

    python -I cps_portal/core/lib/catalogues.py

makes the .mo files from the .po files. Babel does it, so that nobody needs gettext to run the portal. Only the .po
files are in the repository. It needs no settings, because the launcher, the tests and the image call it before
Django starts.
"""

import io
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALE = Path(__file__).resolve().parents[3] / "locale"
PO, MO = "django.po", "django.mo"


def find_catalogues(folder: Path = LOCALE) -> dict[str, Path]:
    """The .po file of each language that has one."""
    return {path.parent.parent.name: path for path in sorted(folder.glob(f"*/LC_MESSAGES/{PO}"))}


def read_catalogue(path: Path) -> Catalog:
    """Raises babel.messages.pofile.PoFileError if it cannot be read."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parent.parent.name, domain="django", abort_invalid=True)


def list_untranslated(catalogue: Catalog) -> Iterator[str]:
    """The texts that have no translation, are only guessed (fuzzy), or lack a plural form."""
    for message in catalogue:
        if not message.id:
            continue
        forms = message.string if isinstance(message.string, list | tuple) else [message.string]
        wanted = catalogue.num_plurals if isinstance(message.id, list | tuple) else 1
        if message.fuzzy or len(forms) != wanted or not all(forms):
            yield message.id[0] if isinstance(message.id, list | tuple) else message.id


def compile_catalogues(folder: Path = LOCALE) -> list[Path]:
    """Make the .mo of each catalogue that has none, or one older than its .po. Returns those that were made.

    Two processes may do it at once: each file appears whole.
    """
    made = []
    for path in find_catalogues(folder).values():
        target = path.with_name(MO)
        if target.exists() and target.stat().st_mtime_ns >= path.stat().st_mtime_ns:
            continue
        content = io.BytesIO()
        changed = path.stat().st_mtime_ns
        write_mo(content, read_catalogue(path))
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(content.getvalue())
        os.chmod(file.name, 0o644)
        os.utime(file.name, ns=(changed, changed))  # a .po that was saved meanwhile is newer
        os.replace(file.name, target)
        made.append(target)
    return made


if __name__ == "__main__":
    for compiled in compile_catalogues():
        sys.stdout.write(f"{compiled}\n")
