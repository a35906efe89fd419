"""What partners are told of their own endpoints (R55)."""

from typing import Any


def test(*, endpoint: int) -> dict[str, Any]:
    """A test that somebody asked for."""
    return {"endpoint": endpoint}
