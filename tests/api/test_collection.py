"""The collection for API tools has every operation of the contract, and is the one that is made from it (R55)."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from cps_portal.site.management.commands import make_collection
from tests.api.committed import read_contract


def requests() -> list[dict[str, Any]]:
    collection = json.loads(make_collection.FILE.read_text(encoding="utf-8"))
    return [item["request"] for folder in collection["item"] for item in folder["item"]]


def test_the_file_is_current(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call_command("make_collection", "--check")
    stale = tmp_path / "collection.json"
    stale.write_text(make_collection.FILE.read_text(encoding="utf-8").replace("tickets", "jobs"), encoding="utf-8")
    monkeypatch.setattr(make_collection, "FILE", stale)
    with pytest.raises(CommandError, match="manage.py make_collection"):
        call_command("make_collection", "--check")
    call_command("make_collection")
    call_command("make_collection", "--check")


def test_every_operation_is_there_once_with_its_example() -> None:
    contract = read_contract()
    expected = {
        (method.upper(), "{{baseUrl}}" + path.replace("{", ":").replace("}", "")): operation
        for path, item in contract["paths"].items()
        for method, operation in item.items()
    }
    found = {(request["method"], request["url"]["raw"]): request for request in requests()}
    assert len(requests()) == len(found)
    assert set(found) == set(expected)
    for key, operation in expected.items():
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content:
            assert json.loads(found[key]["body"]["raw"]) == content["example"]
        for parameter in operation.get("parameters", []):
            if parameter.get("required") and parameter["in"] == "header":
                sent = [header for header in found[key]["header"] if not header.get("disabled")]
                assert parameter["name"] in [header["key"] for header in sent]


def test_no_secret_is_in_it() -> None:
    text = make_collection.FILE.read_text(encoding="utf-8")
    assert "sandbox-secret" not in text
    assert '"value": "{{clientSecret}}"' in text
