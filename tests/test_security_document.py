"""docs/security.md answers every requirement of ASVS 5.0 at levels 1 and 2, and names only tests that exist."""

import csv
import re
from pathlib import Path

import pytest
from django.conf import settings

from cps_portal.settings.variables import GROUPS

ROOT: Path = settings.BASE_DIR
PAGE = (ROOT / "docs/security.md").read_text()
ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| ([12]) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
STATES = {"met", "not applicable", "open"}
OWN_LOGGERS = {"portal.requests", "portal.security"}


def requirements() -> list[tuple[str, str]]:
    """Number and level of each requirement of levels 1 and 2, in OWASP's order."""
    with (ROOT / "tests/data/asvs.csv").open() as file:
        return [(row["requirement"], row["level"]) for row in csv.DictReader(file)]


def test_every_requirement_is_answered_once_and_none_is_invented() -> None:
    rows = [(number, level) for number, level, *_rest in ROW.findall(PAGE)]
    assert len(rows) == len(re.findall(r"^\| \d+\.", PAGE, re.MULTILINE)), "a row that is not formed as the others"
    assert rows == requirements()


def test_every_answer_is_one_of_three_with_a_test_or_a_reason() -> None:
    wrong = []
    for number, _level, _short, state, reason in ROW.findall(PAGE):
        is_shown = bool(TEST.search(reason))
        if state not in STATES or len(reason) < 5 or (state == "met" and not is_shown):
            wrong.append((number, state, reason))
    assert wrong == []


def test_every_test_that_is_named_exists() -> None:
    named = TEST.findall(PAGE)
    missing = [f"{path}::{name}" for path, name in named if f"\ndef {name}(" not in read(path)]
    assert named and missing == []


def read(path: str) -> str:
    file = ROOT / path
    return file.read_text() if file.exists() else ""


def test_every_key_of_the_settings_is_in_the_inventory() -> None:
    """Passwords of other servers stand in addresses, and are theirs."""
    secret = {variable.name for group in GROUPS.values() for variable in group if variable.is_secret}
    keys = {name for name in secret if name.endswith(("_KEY", "_KEYS")) and "S3" not in name}
    assert keys and [key for key in keys if f"`{key}`" not in PAGE] == []


def test_every_logger_of_ours_is_in_the_inventory() -> None:
    sources = [
        path for folder in ("cps_portal", "members", "kitbag", "servicing") for path in ROOT.glob(f"{folder}/**/*.py")
    ]
    names = {name for path in sources for name in re.findall(r'getLogger\("([\w.]+)"\)', path.read_text())}
    own = {name for name in names if name.startswith(("portal", "cps_portal", "members", "kitbag", "servicing"))}
    assert {name for name in own if f"`{name}`" not in PAGE and f"`{name.partition('.')[0]}`" not in PAGE} == set()
    assert names >= OWN_LOGGERS


def test_logs_go_to_the_console_alone() -> None:
    handlers = settings.LOGGING["handlers"]
    assert {name: handler["class"] for name, handler in handlers.items()} == {"console": "logging.StreamHandler"}


def test_the_image_has_no_metadata_of_git() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in lines and not [line for line in lines if line.startswith("!") and ".git" in line]


@pytest.mark.parametrize("words", ["within 2 days", "within 7", "within 30 days", "every three months"])
def test_the_page_says_how_fast_parts_are_updated(words: str) -> None:
    assert words in PAGE
