"""Sales by CSV file, for a retailer without a system of its own (R55)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.partners.models import Partner
from kitbag.actions.sales import confirm_sale
from kitbag.actions.serials import check_product_serial
from kitbag.models import Sale
from kitbag.presenters.serial_warnings import serial_warning


@dataclass(frozen=True)
class SaleLine:
    """A line of a file, with its number; `details` are the keywords of `confirm_sale`."""

    number: int
    details: Mapping[str, Any]


@dataclass
class SalesLoaded:
    """New sales, how many lines were known, and (line, column, sentence) of the refused and of what looks wrong."""

    new: list[Sale] = field(default_factory=list)
    known: int = 0
    refused: list[tuple[int, str, str]] = field(default_factory=list)
    warnings: list[tuple[int, str, str]] = field(default_factory=list)


def load_sales(*, partner: Partner, lines: Sequence[SaleLine], at: datetime) -> SalesLoaded:
    """Confirm the sales of a file as the retailer's own, each on its own, as `confirm_sale` does. Idempotent."""
    loaded = SalesLoaded()
    for line in lines:
        try:
            with transaction.atomic():
                sale, is_new = confirm_sale(partner=partner, at=at, **line.details)
        except Refusal as refusal:
            loaded.refused.append((line.number, refusal.field or "", str(refusal.message)))
            continue
        if not is_new:
            loaded.known += 1
            continue
        loaded.new.append(sale)
        finding = check_product_serial(sale.product, sale.serial)
        if finding.code:
            loaded.warnings.append((line.number, "serial", serial_warning(finding)))
    return loaded
