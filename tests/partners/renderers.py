"""A renderer for the tests of webhooks."""

from typing import Any

from cps_portal.core.outbox.renderers import renderer


@renderer("tests.sum_up")
def sum_up(**facts: Any) -> dict[str, Any] | None:
    return None if facts.get("over") else {"facts": facts, "greeting": "Grüße 👋"}
