"""A change of the contract that clients would trip over fails the gate (R55)."""

import copy
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests.api.committed import read_contract

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


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda c: c["paths"].pop(EVENTS), "gone"),
        (lambda c: c["paths"][EVENTS].pop("post"), "gone"),
        (lambda c: c["paths"][EVENTS]["get"]["parameters"].pop(0), "parameter"),
        (lambda c: c["paths"][EVENTS]["get"]["parameters"][0].update(required=True), "required"),
        (lambda c: c["paths"][EVENTS]["post"].update(security=[{"oauth2": ["loans:write"]}]), "scope"),
        (lambda c: c["paths"][EVENTS]["post"]["responses"].pop("201"), "no answer 201"),
        (lambda c: schema(c, "Report")["properties"].pop("carrier"), "carrier"),
        (lambda c: schema(c, "Report")["required"].append("carrier"), "carrier is required"),
        (lambda c: schema(c, "Report")["properties"]["carrier"].update(maxLength=5), "maxLength"),
        (lambda c: schema(c, "ReportedKind")["enum"].remove("ready"), "takes no ready"),
        (lambda c: schema(c, "Event")["properties"].pop("kind"), "kind is gone"),
        (lambda c: schema(c, "Event")["properties"]["id"].update(type="string"), "type was integer"),
        (lambda c: schema(c, "Reported")["required"].remove("state"), "may be missing"),
    ],
)
def test_what_breaks_a_client_is_told(contract: Contract, change: Callable[[Contract], object], told: str) -> None:
    assert any(told in one for one in changed(contract, change))


@pytest.mark.parametrize(
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
def test_what_adds_something_breaks_nobody(contract: Contract, change: Callable[[Contract], object]) -> None:
    assert changed(contract, change) == []


def test_the_contract_of_now_keeps_what_was_released(contract: Contract) -> None:
    released = read_contract("api/released.yaml")
    assert list(breaking.breaks(released, contract)) == []
