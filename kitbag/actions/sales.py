"""What retailers confirm, and what it settles (R19, R55).

A sale that fits a registration (the same product, serial number and country, dates a week apart at most) settles what
a person would otherwise have to look at: an unusual serial number, a random check, earlier refusals. It settles nothing
about theft (R34), about somebody else who holds the serial number (R32), and nothing that staff have asked for. A sale
that does not fit says nothing about the registration.

Neither side can miss the other: a sale is matched after it has committed, and a registration is checked after it has.
"""

from datetime import date, datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.background import after_commit
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.partners import actions as partners
from cps_portal.core.partners.models import Partner
from kitbag import rules
from kitbag.actions.transitions import constraint_name
from kitbag.enums import ReviewReason, SaleWithdrawal
from kitbag.models import Product, Registration, Sale

WAIVED_BY_SALE = (ReviewReason.SHAPE, ReviewReason.SAMPLE, ReviewReason.REFUSALS)
MAX_AGE = timedelta(days=10 * 366)
MAX_AHEAD_OF_UTC = timedelta(hours=14)  # where it is tomorrow first
MATCHED, WITHDRAWN = "sale.matched", "sale.withdrawn"


@transaction.atomic
def confirm_sale(
    *,
    partner: Partner,
    external_id: str,
    product: Product,
    serial: str,
    country: str,
    sold_on: date,
    receipt: str,
    at: datetime,
) -> tuple[Sale, bool]:
    """Write a sale down; a registration that it fits counts a moment later. Returns it and whether it is new.

    The same `external_id` again: what was written the first time. Raises Refusal: `serial`, `sold_on`, `registrable`,
    `standing` if a sale of the serial number stands already.
    """
    known = Sale.objects.filter(partner=partner, external_id=external_id).first()
    if known:
        return known, False
    key = rules.serial_key(serial)
    if not key:
        raise Refusal("serial", _("A serial number has letters or digits. Copy it from the product."), "serial")
    if not product.registrable:
        raise Refusal("registrable", _("This product cannot be registered."), "product")
    if not at.date() - MAX_AGE <= sold_on <= (at + MAX_AHEAD_OF_UTC).date():
        raise Refusal("sold_on", _("This day is not over yet, or too long ago. Check the year."), "sold_on")
    try:
        with transaction.atomic():
            row = Sale.objects.create(
                partner=partner,
                external_id=external_id,
                product=product,
                serial=serial.strip(),
                serial_key=key,
                country=country,
                sold_on=sold_on,
                receipt=receipt.strip(),
                confirmed_at=at,
            )
    except IntegrityError as error:
        if constraint_name(error) == "sale_heard_once":
            return Sale.objects.get(partner=partner, external_id=external_id), False
        raise Refusal("standing", _("A sale of this serial number stands already."), "serial") from None
    after_commit("kitbag.match_sale", row.pk)
    return row, True


@transaction.atomic
def withdraw_sale(*, sale: Sale, why: SaleWithdrawal, at: datetime) -> Sale:
    """The retailer takes its word back. Withdrawn already: nothing changes.

    A registration goes on counting: points go when a person says so (R21). Staff find those that the sale alone had
    settled in the list of sales.
    """
    row = Sale.objects.select_for_update(of=("self",), no_key=True).select_related("partner").get(pk=sale.pk)
    if row.withdrawn_at is None:
        row.withdrawn_at, row.why_withdrawn = at, why
        row.save(update_fields=["withdrawn_at", "why_withdrawn"])
        _announce(row, WITHDRAWN, at)
    return row


def find_matching_sale(row: Registration) -> Sale | None:
    """The sale that bears out what a registration says, if a retailer confirmed one."""
    if not row.serial_key or row.purchased_on is None:
        return None
    found = Sale.objects.fitting(row.product_id, row.serial_key, row.country.code or "", row.purchased_on)
    return found.select_related("partner").first()


def record_match(*, sale: Sale, registration: Registration, settled: str, at: datetime) -> None:
    """A registration counts, and this sale says the same. The registration is locked."""
    found = Sale.objects.select_for_update(of=("self",), no_key=True).filter(pk=sale.pk, registration=None).first()
    if found is None or found.withdrawn_at:
        return
    found.registration, found.matched_at, found.settled = registration, at, settled
    found.save(update_fields=["registration", "matched_at", "settled"])
    _announce(found, MATCHED, at)


def unmatched_sales(*, limit: int = 200) -> list[int]:
    """The sales whose registration nobody has looked at since: what the sweep matches."""
    return list(Sale.objects.to_match().order_by("pk").values_list("pk", flat=True)[:limit])


def _announce(row: Sale, type: str, at: datetime) -> None:  # noqa: A002
    partners.enqueue_webhook(
        partner=row.partner,
        type=type,
        key=f"{type.replace('.', '-')}-{row.pk}",
        subject=f"sales/{row.pk}",
        sequence=1 if type == MATCHED else 2,
        renderer="kitbag.partner_sale",
        at=at,
        sale=row.pk,
    )
