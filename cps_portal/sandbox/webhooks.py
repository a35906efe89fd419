"""The example of an event in the contract, for the events that no action of this kind of partner makes happen."""

import json
from typing import Any

from cps_portal.core.outbox.renderers import renderer
from cps_portal.core.rest.contract import contract


@renderer("sandbox.example")
def example(*, event: str) -> dict[str, Any]:
    """`data` of the event's example."""
    data: dict[str, Any] = example_of(event)["data"]
    return data


def example_of(type: str) -> dict[str, Any]:  # noqa: A002
    """The whole body, as the contract of this portal shows it. Raises KeyError for an event that it does not have."""
    body, _etag = contract("json")
    content = json.loads(body)["webhooks"][type]["post"]["requestBody"]["content"]["application/json"]
    example: dict[str, Any] = content["example"]
    return example
