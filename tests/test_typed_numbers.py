"""No text states a number that is decided elsewhere: it is a value that is put in (R57, R70)."""

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from tests.rows import each_row

ROOT = Path(settings.BASE_DIR)
PACKAGES = ("cps_portal", "kitbag", "members", "servicing")
FUNCTIONS = {"_", "_t", "_lazy", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy", "pgettext", "pgettext_lazy"}
WORDS = "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|twenty|thirty|hundred"
NUMBER = re.compile(rf"\d|\b(?:{WORDS}|thousand|half a year)\b", re.IGNORECASE)
VALUE = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\{.*?\}\}|\{\w*\}|&#?\w+;|<[^>]*>")
TRANSLATE = re.compile(r"""\{%-?\s*(?:translate|trans)\s+(?:"([^"]*)"|'([^']*)')|_\("([^"]*)"\)""")
BLOCK = re.compile(r"\{%\s*blocktranslate[^%]*%\}(.*?)\{%\s*endblocktranslate\s*%\}", re.DOTALL)

# Phrases with a number that no rule or setting decides, with the reason.
ALLOWED = {
    "four details": "R17 names them: serial number, country, date and store",
    "18 or over": "R8: part of the programme itself, as the terms say",
    "Two programmes, one for your country": "R1 names them",
    "There are two programmes": "R1 names them",
    "five days cinema": "words that people search the help with",
    "late missing post four weeks": "words that people search the help with",
    "ten days standard": "words that people search the help with",
    "three limit places": "words that people search the help with",
    "Two people": "R69 names them",
    "two people": "R69 names them",
    "Two of our staff": "R69 names them",
    "two of our staff": "R69 names them",
    "two colleagues": "R69 names them",
    "Two accounts": "R69: a merge is of two",
    "become two again": "R69: a merge is of two",
    "became two again": "R69: a merge is of two",
    "two-step": "the name of a thing",
    "ZIP file": "the name of a format",
    "UTF-8": "the name of an encoding",
    "SHA-256": "the name of a digest",
    "2xx, 3xx": "classes of HTTP answers",
    "4xx": "a class of HTTP answers",
    "5xx": "a class of HTTP answers",
    "answered 410": "an HTTP answer",
    "need version 2": "the name of a version",
    "1: type, timestamp": "the name of a version",
    "2: also id": "the name of a version",
    "31 10 2025": "an example of a date",
    "2027-03-01": "an example of a date",
    "2026-03-31 14:30": "an example of a time",
    "2026-03-31": "an example of a date",
    "2026-03-02T09:30:00Z": "an example of a time",
    "192.0.2.0/24": "an example of a network",
    "7KQM-3XHA-9RTC": "an example of a code",
    "eos-r5": "an example of a slug",
    "EOS R5": "an example of a product",
    "R5 II": "an example of a product",
    "+27 82 000 0000": "an example of a telephone number",
    "like 120.50": "an example of a price",
    "like 1 or 0.5": "an example of a quantity",
    "like 15 or 7.5": "an example of a percentage",
    "Firmware: 1.1.0, was 1.0.8": "an example of a note",
    "three emails": "how people speak",
    "two fingers": "how people speak",
    "four things to do": "the list that follows",
    "CR3": "the name of a format",
    "at 100 %, not": "how printers name the size of the page",
    "85.6 by 54 mm": "ISO 7810: the size of cards",
    "On A4": "the name of a size of paper",
    "CC BY 4.0": "the name of a licence",
    "price of 0 or more": "the bound is the sense of the sentence",
    "above 0": "the bound is the sense of the sentence",
    "to 0": "the bound is the sense of the sentence",
    "starts at 0": "R10: Red is where everybody starts",
    "from 0": "the bound is the sense of the sentence",
    "between 0 and 99 percent": "the bound is the sense of the sentence",
    "100 percent": "the bound is the sense of the sentence",
    "from 1 to": "counting begins at 1",
    "starting at 1": "counting begins at 1",
    "at least 1,": "counting begins at 1",
    "-90 to 90": "the globe",
    "-180 to 180": "the globe",
    "three letters, like EUR": "ISO 4217",
    "in three letters": "ISO 4217",
    "two decimals": "how money is written",
    "fifteen digits": "the length of an IMEI",
    "twelve digits": "the length of a number that is printed on cards: MEMBER_NUMBER never changes",
    "twelve letters and digits": "the length of a code: all codes in use have it",
    "twelve characters": "the length of a code: all codes in use have it",
    "six digits": "the length of a code of an authenticator app",
    "one of the two": "the two that the page shows",
    "one of the three": "the three that the page shows",
    "into two shapes": "the two that come of splitting one",
    "these two to get": "client id and secret",
    "Two sentences": "how much to write",
    "two sides": "of a box",
    "two or more of these products": "more than one",
    "two formats": "as the names of the formats follow",
    "Two, and both": "the two that the sentence names",
    "24 hours": "what the column counts",
    "twelve months": "what the column counts",
    "9 is any digit": "a placeholder",
    "{2} {2,4}": "a pattern",
    "\\d": "a pattern",
}

EXCEPTIONS = re.compile("|".join(re.escape(phrase) for phrase in ALLOWED), re.IGNORECASE)


def texts_of_python(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in FUNCTIONS:
            yield from (
                argument.value
                for argument in node.args
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
            )


def texts_of_template(path: Path) -> Iterator[str]:
    source = path.read_text()
    for groups in TRANSLATE.findall(source):
        yield "".join(groups)
    for block in BLOCK.findall(source):
        yield " ".join(re.sub(r"\{%.*?%\}", " ", block).split())


@functools.cache
def all_texts() -> list[tuple[str, str]]:
    return list(every_text())


def every_text() -> Iterator[tuple[str, str]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "migrations" not in path.parts:
                for text in texts_of_python(path):
                    yield str(path.relative_to(ROOT)), text
    for path in sorted((ROOT / "templates").rglob("*.*")):
        for text in texts_of_template(path):
            yield str(path.relative_to(ROOT)), text


def has_typed_number(text: str) -> bool:
    # First without taking anything out: few texts have a number at all.
    return bool(NUMBER.search(text) and NUMBER.search(VALUE.sub("", EXCEPTIONS.sub("", text))))


def test_no_text_states_a_number_that_could_change() -> None:
    typed = sorted({(where, text) for where, text in all_texts() if has_typed_number(text)})
    assert not typed, "\n".join(f"{where}: {text}" for where, text in typed)


def test_every_exception_is_in_use() -> None:
    texts = "\n".join(text for _where, text in all_texts()).lower()
    assert not [phrase for phrase in ALLOWED if phrase.lower() not in texts]
    assert all(ALLOWED.values())


@each_row(
    ("text", "is_typed"),
    [
        ("About 120 models have Fast Track", True),
        ("Send it within 14 days.", True),
        ("within two working days", True),
        ("Four weeks after that", True),
        ("All three places are taken", True),
        ("At most 12 digits", True),
        ("%(days)s working days", False),
        ("{{ n }} products", False),
        ("One more product", False),
        ("<b>{{ days }}</b> working days", False),
        ("%(n)d characters", False),
        ("A tent for often lenses", False),
    ],
)
def test_what_counts_as_a_typed_number(text: str, *, is_typed: bool) -> None:
    assert has_typed_number(text) is is_typed
