"""A change of the contract that breaks clients fails the gate (R55)."""

import copy
import importlib.util
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests.api.committed import read_contract
from tests.rows import each_row

ROOT = Path(settings.BASE_DIR)
spec = importlib.util.spec_from_file_location("breaking", ROOT / ".ci" / "breaking.py")
assert spec and spec.loader
breaking = importlib.util.module_from_spec(spec)
spec.loader.exec_module(breaking)
EVENTS = "/api/v1/tickets/{reference}/events"
Contract = dict[str, Any]


@pytest.fixture(scope="module")
def contract() -> Contract:
    return read_contract()


def changed(contract: Contract, change: Callable[[Contract], object]) -> list[str]:
    new = copy.deepcopy(contract)
    change(new)
    return list(breaking.breaks(contract, new))


def schema(contract: Contract, name: str) -> Any:
    return contract["components"]["schemas"][name]


@each_row(
    ("change", "sentence"),
    [
        (lambda c: c["paths"].pop(EVENTS), "gone"),
        (lambda c: c["paths"][EVENTS].pop("post"), "gone"),
        (lambda c: c["paths"][EVENTS]["get"]["parameters"].pop(0), "parameter"),
        (lambda c: c["paths"][EVENTS]["get"]["parameters"][0].update(required=True), "required"),
        (lambda c: c["paths"][EVENTS]["post"].update(security=[{"oauth2": ["loans:write"]}]), "scope"),
        (lambda c: c["paths"][EVENTS]["post"]["responses"].pop("201"), "no response 201"),
        (lambda c: schema(c, "Report")["properties"].pop("carrier"), "carrier"),
        (lambda c: schema(c, "Report")["required"].append("carrier"), "carrier is required"),
        (lambda c: schema(c, "Report")["properties"]["carrier"].update(maxLength=5), "maxLength"),
        (lambda c: schema(c, "ReportedKind")["enum"].remove("ready"), "takes no ready"),
        (lambda c: schema(c, "Event")["properties"].pop("kind"), "kind is gone"),
        (lambda c: schema(c, "Event")["properties"]["id"].update(type="string"), "type was integer"),
        (lambda c: schema(c, "Reported")["required"].remove("state"), "may be missing"),
    ],
)
def test_a_change_that_breaks_clients_is_reported(
    contract: Contract, change: Callable[[Contract], object], sentence: str
) -> None:
    assert any(sentence in line for line in changed(contract, change))


@each_row(
    "change",
    [
        lambda c: None,
        lambda c: c["paths"].update({"/api/v1/more": {"get": {"responses": {}}}}),
        lambda c: schema(c, "Event")["properties"].update(more={"type": "string"}),
        lambda c: schema(c, "Report")["properties"].update(more={"type": "string"}),
        lambda c: schema(c, "Report")["properties"]["carrier"].update(maxLength=500),
        lambda c: schema(c, "ReportedKind")["enum"].append("more"),
    ],
)
def test_additions_break_no_client(contract: Contract, change: Callable[[Contract], object]) -> None:
    assert changed(contract, change) == []


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A git repository with the contract of today. Returns a function that runs git in it."""

    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=Ana", "-c", "user.email=ana@example.org")
        subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)

    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "openapi.yaml", tmp_path / "docs")
    git("init")
    git("add", ".")
    git("commit", "--message", "Release")
    return git


def test_the_contract_is_compared_with_that_of_the_latest_tag(
    repository: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    repository("tag", "v1.0")
    assert breaking.main() == 0
    path = Path("docs/openapi.yaml")
    path.write_text(path.read_text(encoding="utf-8").replace(f"{EVENTS}:", f"{EVENTS}/all:"), encoding="utf-8")
    assert breaking.main() == 1
    assert f"GET {EVENTS}: gone" in capsys.readouterr().out


def test_before_the_first_release_everything_may_change(repository: Callable[..., None]) -> None:
    assert breaking.main() == 0
