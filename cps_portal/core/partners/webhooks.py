"""What partners are told of their own endpoints (R55)."""

from typing import Any

from cps_portal.core.outbox.renderers import renderer


@renderer("partners.test")
def test(*, endpoint: int) -> dict[str, Any]:
    """A test that somebody asked for."""
    return {"endpoint": endpoint}
