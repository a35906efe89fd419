"""What must be equal in a text and its translation, and in which forms numbers are counted."""

import re
from collections.abc import Iterator

from babel.messages.catalog import Catalog, Message

PLURAL_COUNTS = {"ar": 6, "fr": 2, "pt": 2, "ru": 3, "tr": 2}
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|\{(\w*)\}")
TAG = re.compile(r"</?([a-zA-Z][a-zA-Z0-9]*)\b[^<>]*>")
ATTRIBUTE = re.compile(r'\b(?:href|class|lang|dir|id|rel)="[^"]*"')
FOREIGN_DIGITS = re.compile(r"[\u0660-\u0669\u06f0-\u06f9]")
# Forms for exactly one number may say it in a word, or not at all: Arabic for 0, 1 and 2, others for one.
WITHOUT_NUMBER = {"ar": (0, 1, 2), "fr": (0,), "pt": (0,), "tr": (0,), "ru": ()}


def texts_of(message: Message) -> Iterator[tuple[int, str, str]]:
    """Each translated form with its number, and the text that it translates."""
    if isinstance(message.id, list | tuple):
        for number, form in enumerate(message.string or ()):
            yield number, form, message.id[-1]
    else:
        yield 0, str(message.string or ""), str(message.id)


def differences(message: Message, language: str) -> Iterator[str]:
    """What a translation has lost, added or broken; nothing for one that is still missing."""
    one = message.id[0] if isinstance(message.id, list | tuple) else ""
    for number, form, source in texts_of(message):
        if not form:
            continue
        if sorted(TAG.findall(form)) != sorted(TAG.findall(source)):
            yield f"tags: {form}"
        if sorted(ATTRIBUTE.findall(form)) != sorted(ATTRIBUTE.findall(source)):
            yield f"attributes: {form}"
        have, wanted = set(PLACEHOLDER.findall(form)), set(PLACEHOLDER.findall(source))
        may_lack = number in WITHOUT_NUMBER[language] if one else False
        if have - wanted - set(PLACEHOLDER.findall(one)) or len(wanted - have) > int(may_lack):
            yield f"placeholders: {form}"
        if FOREIGN_DIGITS.search(form):
            yield f"digits: {form}"


def count_forms(catalogue: Catalog) -> int:
    return int(catalogue.num_plurals)
