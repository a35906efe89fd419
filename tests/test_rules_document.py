"""docs/rules.md agrees with code and tests, and every document names only what exists."""

import ast
import functools
import re
import subprocess
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db import models

from tests.rows import each_row

ROOT = Path(settings.BASE_DIR)
PACKAGES = ("cps_portal", "members", "kitbag", "servicing", "tests")
FOLDERS = (*PACKAGES, ".ci", "docs", "requirements", "static", "templates")
RULE = re.compile(r"^### R(\d+)\n(.*?)(?=^#{2,3} |\Z)", re.MULTILINE | re.DOTALL)
# "R12", "R43 to R51"; "EOS R5" is a camera.
CITATION = re.compile(r"(?<![\w-])(?<!EOS )R([1-9]\d?)\b(?: to R([1-9]\d?)\b)?")
ARROW = re.compile(r"^  (\w+) \S+--\S+ (\w+) :", re.MULTILINE)
SOURCE = re.compile(r"\([FTA](/[FTA])?(, .+)?\)")
COMMENT = re.compile(r"(?:^|  )\s*#.*$", re.MULTILINE)
QUOTED = re.compile(r"`([^`\n]+)`")
CITING = ("*.py", "*.html", "*.md", "*.js", "*.css", "*.toml", "*.sh", ".ci/run")
DOCUMENTS = [
    *sorted(ROOT.glob("docs/**/*.md")),
    *(path for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md") if (path := ROOT / name).exists()),
]


@functools.cache
def rules() -> dict[int, str]:
    return {int(number): text for number, text in RULE.findall((ROOT / "docs/rules.md").read_text())}


def built() -> list[int]:
    return [number for number, text in rules().items() if "\nNot built yet" not in text]


def cited(text: str) -> set[int]:
    """The numbers of the rules that a text cites; a range counts as each of its rules."""
    return {n for first, last in CITATION.findall(text) for n in range(int(first), int(last or first) + 1)}


def files(*patterns: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z", *patterns], cwd=ROOT, capture_output=True, text=True, check=True)
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def explanations(path: Path) -> str:
    """Comments and docstrings of a Python file: other strings may hold the name of a camera."""
    source = path.read_text()
    comments = COMMENT.findall(source)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = [ast.get_docstring(node) or "" for node in ast.walk(ast.parse(source)) if isinstance(node, documented)]
    return "\n".join([*comments, *docstrings])


@functools.cache
def words_of_python() -> set[str]:
    sources = (path.read_text() for path in files(*(f"{package}/*.py" for package in PACKAGES)))
    return {word for source in sources for word in re.findall(r"\w+", source)}


def test_the_rules_are_numbered_without_gaps_and_name_their_source() -> None:
    assert list(rules()) == list(range(1, 74))
    second_round = range(61, 74)  # all assumed, as the section says
    assert [n for n, text in rules().items() if n not in second_round and not SOURCE.search(text)] == []


def test_every_rule_says_what_holds_it_or_that_it_is_not_built_yet() -> None:
    undecided = [n for n, text in rules().items() if ("\nHeld by: " in text) == ("\nNot built yet" in text)]
    assert undecided == []


def test_every_rule_cited_anywhere_exists() -> None:
    unknown = {
        f"R{number} in {path.relative_to(ROOT)}"
        for path in files(*CITING)
        for number in cited(path.read_text()) - rules().keys()
    }
    assert unknown == set()


def test_every_rule_that_is_built_is_cited_by_a_test() -> None:
    tests = [path for path in files("tests/*.py") if path != Path(__file__)]
    by_tests: set[int] = set()
    for path in tests:
        if cited(path.read_text()) - by_tests:  # or it need not be parsed
            by_tests |= cited(explanations(path))
    assert [f"R{number}" for number in built() if number not in by_tests] == []


@each_row("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_document_names_only_what_exists(path: Path) -> None:
    """Paths, dotted names and links; in docs/rules.md every name in code quotes."""
    text = path.read_text()
    links = re.findall(r"\]\(([^)#\s:]+)(?:#[^)]*)?\)", text)
    missing = [link for link in links if not (path.parent / link).exists()]
    missing += [name for name in QUOTED.findall(text) if not exists(name)]
    if path.name == "rules.md":
        held = re.findall(r"^(?:Held by|Not built yet).*?\n\n", text, re.MULTILINE | re.DOTALL)
        names = {name for line in held for name in QUOTED.findall(line) if re.fullmatch(r"[\w.]+", name)}
        missing += [name for name in names if name.split(".")[-1] not in words_of_python()]
    assert missing == []


def drawn_models() -> dict[str, type[models.Model]]:
    """Our models by name, without history tables and proxies."""
    own = [model for model in apps.get_models() if model.__module__.startswith(PACKAGES)]
    return {model.__name__: model for model in own if not hasattr(model, "pgh_tracked_model") and not model._meta.proxy}


def test_the_diagrams_show_every_model_and_no_relation_that_is_none() -> None:
    diagrams = "".join(re.findall(r"```mermaid(.*?)```", (ROOT / "docs/architecture.md").read_text(), re.DOTALL))
    drawn = drawn_models()
    assert {name for name in drawn if not re.search(rf"^  (\w+ \S+ )?{name}\b", diagrams, re.MULTILINE)} == set()
    related = {
        frozenset([name, field.related_model.__name__])
        for name, model in drawn.items()
        for field in model._meta.get_fields()
        if isinstance(field, models.ForeignKey)
    }
    assert {arrow for arrow in ARROW.findall(diagrams) if frozenset(arrow) not in related} == set()


def exists(name: str) -> bool:
    """Whether a path, a dotted name of ours or a model's label leads somewhere; True for whatever is none of them."""
    if name in {model._meta.label for model in apps.get_models(include_auto_created=True)}:
        return True
    parts = name.rstrip("/").split("/")
    if len(parts) > 1 and re.fullmatch(r"[\w./-]+", name) and parts[0] in FOLDERS:
        return (ROOT / name).exists()
    if not re.fullmatch(r"\w+(\.\w+)+", name) or name.split(".", maxsplit=1)[0] not in PACKAGES:
        return True
    package, *rest = name.split(".")
    here = ROOT / package
    while rest and (here / rest[0]).is_dir():
        here /= rest.pop(0)
    if rest and (here / f"{rest[0]}.py").exists():
        here = here / f"{rest.pop(0)}.py"
    source = here.read_text() if here.is_file() else "".join(file.read_text() for file in here.rglob("*.py"))
    return not rest or re.search(rf"\b{rest[0]}\b", source) is not None
