"""What the tests' announcements are worded by when they leave."""

from typing import Any


def sum_up(**facts: Any) -> dict[str, Any] | None:
    return None if facts.get("over") else {"facts": facts, "greeting": "Grüße 👋"}
