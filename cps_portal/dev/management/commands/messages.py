"""Bring the catalogues in locale/ up to date with the texts of the code and the templates.

Needs the programs of GNU gettext. Only texts that members and visitors read, or that are mailed, are taken
(cps_portal/dev/desk_texts.py). What is no longer used is dropped, and no translation is guessed.
"""

import io
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import makemessages

from cps_portal.core.lib.catalogues import PO, read_catalogue
from cps_portal.core.lib.languages import OTHERS
from cps_portal.dev.desk_texts import class_at, is_read_by_members

# As CLDR counts. Django's own catalogues of French and Portuguese have other forms; both kinds live side by side.
PLURALS = {
    "ar": "nplurals=6; plural=(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5);",
    "fr": "nplurals=2; plural=(n > 1);",
    "pt": "nplurals=2; plural=(n != 1);",
    "ru": "nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);",
    "tr": "nplurals=2; plural=(n != 1);",
}
FIRST_LINES = r"""# The {language} texts of the portal. Not yet read by a native speaker.
msgid ""
msgstr ""
"Language: {language}\n"
"MIME-Version: 1.0\n"
"Content-Type: text/plain; charset=UTF-8\n"
"Content-Transfer-Encoding: 8bit\n"
"Plural-Forms: {plurals}\n"
"""
NOT_SEARCHED = ["tests/*", "templates/admin/*", "cps_portal/dev/*"]
CHANGES_EACH_TIME = re.compile(r'^"(POT-Creation-Date|Report-Msgid-Bugs-To): .*\n', re.MULTILINE)
SHOWN = 20

Key = tuple[str | None, Any]


class Command(makemessages.Command):
    help = __doc__
    msgmerge_options = [*makemessages.Command.msgmerge_options, "--no-fuzzy-matching"]
    # As modules call gettext and gettext_lazy that need both.
    xgettext_options = [*makemessages.Command.xgettext_options, "--keyword=_t", "--keyword=_lazy"]
    is_checking = False

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--check", action="store_true", help="change nothing; fail if one is out of date")

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        self.is_checking = check
        self.differences: list[str] = []
        self.wanted: dict[str, set[Key]] = {}  # by file of texts: the same for all languages
        for language in OTHERS:
            path = Path(settings.LOCALE_PATHS[0]) / language / "LC_MESSAGES" / PO
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(FIRST_LINES.format(language=language, plurals=PLURALS[language]))
        super().handle(
            **{
                **options,
                "locale": list(OTHERS),
                "ignore_patterns": NOT_SEARCHED,
                "add_location": "full",  # is_read_by_members needs the lines
                "no_wrap": True,
                "no_obsolete": True,
            }
        )
        if self.differences:
            raise CommandError("\n".join(["The catalogues are not up to date: make messages", *self.differences]))

    def build_potfiles(self) -> list[str]:
        files: list[str] = super().build_potfiles()
        for file in files:
            _keep_texts_of_members(Path(file))
        return files

    def write_po_file(self, potfile: str, locale: str) -> None:
        """Refresh a catalogue; or only compare it with the texts, if `--check` was given."""
        if not self.is_checking:
            super().write_po_file(potfile, locale)
            path = Path(potfile).parent / locale / "LC_MESSAGES" / PO
            path.write_text(CHANGES_EACH_TIME.sub("", path.read_text()))
            return
        if potfile not in self.wanted:
            with Path(potfile).open("rb") as file:
                self.wanted[potfile] = _keys(read_po(file))
        wanted = self.wanted[potfile]
        found = _keys(read_catalogue(Path(potfile).parent / locale / "LC_MESSAGES" / PO))
        differing = [*(f"missing: {key}" for key in wanted - found), *(f"not used: {key}" for key in found - wanted)]
        self.differences += [f"{locale}, {line}" for line in sorted(differing)[:SHOWN]]


def _keys(messages: Iterable[Message]) -> set[Key]:
    return {(message.context, message.id) for message in messages if message.id}


def _classes(places: list[tuple[str, int]]) -> list[str]:
    """The classes of Python that a text stands in, such as TicketState: what a short word is a word for."""
    found = {name for path, line in places if (name := class_at(path, line))}
    return [f"In: {', '.join(sorted(found))}"] if found else []


def _keep_texts_of_members(potfile: Path) -> None:
    # A template has no plural forms yet, and Babel reads none without.
    lines = potfile.read_text().replace("nplurals=INTEGER; plural=EXPRESSION;", PLURALS["fr"])
    texts = read_po(io.StringIO(lines))
    kept = Catalog(charset="utf-8")
    for message in texts:
        places = [(path, line or 0) for path, line in message.locations if is_read_by_members(path, line or 0)]
        if message.id and places:
            kept.add(
                message.id,
                locations=places,
                flags=message.flags,
                auto_comments=[*message.auto_comments, *_classes(places)],
                context=message.context,
            )
    with potfile.open("wb") as file:
        write_po(file, kept, width=0, include_lineno=False)
