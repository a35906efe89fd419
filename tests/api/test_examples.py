"""The contract shows every operation and every error by an example that it accepts itself (R55)."""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from tests.api.committed import read_contract
from tests.rows import each_row

CONTRACT = read_contract()


def bodies() -> Iterator[Any]:
    for path, item in CONTRACT["paths"].items():
        for method, operation in item.items():
            contents = [("body", operation.get("requestBody", {})), *operation["responses"].items()]
            for what, one in contents:
                for kind, content in one.get("content", {}).items():
                    if "json" in kind or "form" in kind:
                        yield pytest.param(content, id=f"{method} {path} {what}")


@each_row("content", list(bodies()))
def test_every_body_has_an_example_that_its_schema_accepts(content: Any) -> None:
    schema = {**content["schema"], "components": CONTRACT["components"]}
    jsonschema_rs.validator_for(schema).validate(content["example"])


def test_every_operation_says_what_it_does() -> None:
    operations = [one for item in CONTRACT["paths"].values() for one in item.values()]
    assert all(one.get("description") or one.get("summary") for one in operations)
    assert len({one["operationId"] for one in operations}) == len(operations) > 50
