"""Somebody stands at the counter with a product: what is reported stolen goes no further (R34)."""

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from kitbag.actions import stolen_reports
from kitbag.models import Product, Registration

WHERE = "centre"
CALL_SUPPORT = _(
    "Do not take it in. Say only “Please contact us”, and call support now: they know what to do. Nothing was booked."
)


def require_not_stolen(
    *, product: Product, serial_key: str | None, registration: Registration | None, at: datetime
) -> None:
    """Raises Refusal `stolen` for the desk. That it was presented is kept, and the owner told, all the same."""
    if report := stolen_reports.find_report(product, serial_key):
        stolen_reports.record_sighting(report=report, registration=registration, where=WHERE, at=at)
        raise Refusal("stolen", CALL_SUPPORT)
