"""Payloads of webhooks to retailers about their sales. They say nothing about the member (R55)."""

from typing import Any

from cps_portal.core.outbox.renderers import renderer
from kitbag.models import Sale


@renderer("kitbag.partner_sale")
def sale(*, sale: int) -> dict[str, Any] | None:
    row = Sale.objects.filter(pk=sale).select_related("product").first()
    if row is None:
        return None
    return {
        "id": row.pk,
        "external_id": row.external_id,
        "product": row.product.slug,
        "serial": row.serial,
        "state": row.state,
    }
