"""Which texts a language does not know: recorded while pages, mails and papers are made."""

from collections.abc import Iterator
from contextlib import contextmanager
from gettext import NullTranslations
from typing import Any

from django.utils.translation import trans_real


class _Recorder(NullTranslations):
    """What a catalogue asks for a text that it has not."""

    def __init__(self, found: set[str]) -> None:
        super().__init__()
        self.found = found

    def gettext(self, message: str) -> str:
        if message:
            self.found.add(message)
        return message

    def ngettext(self, one: str, many: str, number: int) -> str:
        self.found.add(one)
        return one if number == 1 else many

    def pgettext(self, context: str, message: str) -> str:
        return self.gettext(message)

    def npgettext(self, context: str, one: str, many: str, number: int) -> str:
        return self.ngettext(one, many, number)


@contextmanager
def untranslated(language: str) -> Iterator[set[str]]:
    """The texts that were asked for in this language and are in no catalogue, ours or of a library."""
    catalogue: Any = trans_real.translation(language)  # gettext has no way to take a fallback back
    kept, found = catalogue._fallback, set[str]()
    catalogue._fallback = _Recorder(found)
    try:
        yield found
    finally:
        catalogue._fallback = kept
