"""Lists and sentences as each language writes them: its comma, its word for "and", one full stop (R56)."""

import ast
import re
from collections.abc import Iterator
from datetime import date
from fnmatch import fnmatch
from pathlib import Path

import pytest
from django.conf import settings
from django.template import Context, Template
from django.utils import translation

from cps_portal.core.lib.languages import NAMES
from cps_portal.core.lib.lists import in_words, with_commas, with_semicolons
from cps_portal.core.lib.written_dates import PATTERNS, date_format
from cps_portal.dev.desk_texts import DESK

ROOT = Path(settings.BASE_DIR)
OWN = ("cps_portal", "members", "kitbag", "servicing")
NO_SENTENCES = {  # what they join is read by programs, or is the name of a row for staff
    "cps_portal/core/lib/compiled_queries.py",
    "cps_portal/core/lib/headers.py",
    "cps_portal/core/lib/history.py",
    "cps_portal/core/lib/kept_pages.py",
    "cps_portal/sandbox/middleware.py",
    "cps_portal/core/lib/opening_hours.py",
    "kitbag/models/catalogue.py",
    "kitbag/queries/preview.py",
    "kitbag/queries/search.py",
    "members/models/push.py",
    "servicing/actions/event_writes.py",
    "members/support/models.py",
}
STAFF_MAILS = {"templates/emails/holidays.html", "templates/emails/unanswered.html"}
SENTENCE = re.compile(r"{% blocktranslate.*?{% endblocktranslate %}|{#.*?#}", re.DOTALL)
COMMA_BY_HAND = re.compile(r"(?:\}\}|%\}|</\w+>),\s+(?=\{\{|\{%|<)|<span class=\"sr\">, |\|join:")
COLON_BY_HAND = re.compile(r"(?:\}\}|%\}|</\w+>):(?:</\w+>)?\s+(?=\{\{|\{%|<)")
BLOCK = re.compile(r"{% blocktranslate(?P<values>.*?)%}(?P<text>.*?){% endblocktranslate %}", re.DOTALL)
ENDS_A_SENTENCE = re.compile(r"[.!?](?:\s|<|$)")
SHOWN_WITH_STOP = re.compile(r"\{\{[^}]*\|date:\"(?P<written>[^\"]*)\"[^}]*\}\}(?:\s*(?:</\w+>|\{% end\w+ %\}))*\.")


def templates() -> Iterator[tuple[str, str]]:
    """Those that members read, with their text."""
    for path in sorted((ROOT / "templates").rglob("*.html")) + sorted((ROOT / "templates").rglob("*.txt")):
        name = path.relative_to(ROOT).as_posix()
        if name not in STAFF_MAILS and not any(fnmatch(name, pattern) for pattern in DESK):
            yield name, path.read_text()


def modules() -> Iterator[tuple[str, ast.Module]]:
    """Those with texts that members read."""
    for path in sorted(path for folder in OWN for path in (ROOT / folder).rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if not any(fnmatch(name, pattern) for pattern in DESK):
            yield name, ast.parse(path.read_text())


def is_abbreviated(written: str) -> bool:
    """Whether this format of a date may end with the full stop of an abbreviation, as "дек." and "déc." do."""
    day = written.partition(",")[0]
    return day in PATTERNS and day[-1] in "MD" and "," not in written


@pytest.mark.parametrize(
    ("language", "two", "three"),
    [
        ("en", "A and B", "A, B and C"),
        ("fr", "A et B", "A, B et C"),
        ("ar", "A وB", "A وB وC"),
        ("ru", "A и B", "A, B и C"),
        ("tr", "A ve B", "A, B ve C"),
        ("pt", "A e B", "A, B e C"),
    ],
)
def test_a_list_in_words(language: str, two: str, three: str) -> None:
    loop = Template("{% for one in all %}<b>{{ one }}</b>{{ forloop|separator }}{% endfor %}")
    with translation.override(language):
        assert [in_words("ABCD"[:count]) for count in range(4)] == ["", "A", two, three]
        for expected in (two, three):
            letters = re.findall("[A-C]", expected)
            assert re.sub("</?b>", "", loop.render(Context({"all": letters}))) == expected


def test_four_and_more() -> None:
    with translation.override("ru"):
        assert in_words("ABCDE") == "A, B, C, D и E"
    with translation.override("ar"):
        assert in_words("ABCD") == "A وB وC وD"


def test_the_comma_of_a_language() -> None:
    line = Template("{{ a }}{% comma %}{{ b }}: {% for one in all %}{{ one }}{{ forloop|comma }}{% endfor %}")
    said = {}
    for language in NAMES:
        with translation.override(language):
            said[language] = (
                line.render(Context({"a": "Cairo", "b": "Egypt", "all": "XYZ"})),
                with_commas(["Cairo", "", "Egypt"]),
                with_semicolons(["a, b", "c"]),
            )
    arabic = said.pop("ar")
    assert arabic == ("Cairo، Egypt: X، Y، Z", "Cairo، Egypt", "a, b؛ c")
    assert set(said.values()) == {("Cairo, Egypt: X, Y, Z", "Cairo, Egypt", "a, b; c")}


def test_no_list_is_joined_by_hand() -> None:
    found = []
    for name, tree in modules():
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(joint)), attr="join")) if (
                    name not in NO_SENTENCES and re.search(r"[,;،؛]|\band\b|\bor\b", joint)
                ):
                    found.append(f"{name}:{node.lineno}")
                case ast.ImportFrom(module="django.utils.text", names=names) if "get_text_list" in {
                    alias.name for alias in names
                }:
                    found.append(f"{name}: get_text_list has no patterns of CLDR")
    found += [
        f"{name}: {joint}" for name, text in templates() for joint in COMMA_BY_HAND.findall(SENTENCE.sub("", text))
    ]
    assert not found, "\n".join(found)


def test_colons_come_from_the_language() -> None:
    """Written by hand behind a value, one has no blank before it in French: "Votre réponse: ..."."""
    found = [
        f"{name}: {joint}"
        for name, text in templates()
        if name not in STAFF_MAILS
        for joint in COLON_BY_HAND.findall(SENTENCE.sub("", text))
    ]
    assert not found, "\n".join(found)


def test_what_joins_no_sentences_is_there() -> None:
    assert [name for name in sorted(NO_SENTENCES | STAFF_MAILS) if not (ROOT / name).exists()] == []


def test_abbreviated_months_end_no_sentence_of_a_page() -> None:
    """Their own full stop and that of the sentence would be two: "9 дек..". Sentences write months out."""
    found = []
    for name, text in templates():
        for block in BLOCK.finditer(text):
            values = re.findall(r'(\w+)=[^\s|]+\|date:"([^"]*)"', block["values"])
            short = [value for value, written in values if is_abbreviated(written)]
            if short and ENDS_A_SENTENCE.search(block["text"]):
                found.append(f"{name}: {', '.join(short)}")
        found += [f"{name}: {shown[0]}" for shown in SHOWN_WITH_STOP.finditer(text) if is_abbreviated(shown["written"])]
    assert not found, "\n".join(found)


def test_abbreviated_months_end_no_sentence_of_a_program() -> None:
    found = []
    for name, tree in modules():
        for node in ast.walk(tree):
            match node:
                case ast.BinOp(left=ast.Call(args=[ast.Constant(value=str(text)), *_]), right=ast.Dict(values=values)):
                    if ENDS_A_SENTENCE.search(text):
                        found += [f"{name}:{node.lineno}: {text}" for value in values if _is_short_date(value)]
    assert not found, "\n".join(found)


def _is_short_date(value: ast.expr) -> bool:
    match value:
        case ast.Call(func=ast.Name(id="date_format"), args=[_, ast.Constant(value=str(written))]):
            return is_abbreviated(written)
    return False


def test_only_abbreviated_formats_end_with_a_full_stop() -> None:
    """What `is_abbreviated` says of every format, in every language and month."""
    for language in NAMES:
        with translation.override(language):
            for written in PATTERNS:
                days = [date(2026, month, day) for month in range(1, 13) for day in range(1, 8)]
                if any(date_format(day, written).endswith(".") for day in days):
                    assert is_abbreviated(written), (language, written)
