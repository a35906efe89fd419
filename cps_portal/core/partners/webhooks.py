"""Data of the webhooks about a partner's own endpoints (R55)."""

from typing import Any

from cps_portal.core.outbox.renderers import renderer


@renderer("partners.test")
def test(*, endpoint: int) -> dict[str, Any]:
    return {"endpoint": endpoint}
